import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { errorCodes } from '#platform/error-codes'
import { portalUnderTest } from './testing.ts'

type Under = Awaited<ReturnType<typeof portalUnderTest>>

const pages = [
  '/',
  '/apis',
  '/apis?q=swap',
  '/apis/sim-swap/v2',
  '/apis/sim-swap/v2/checkSimSwap',
  '/apis/location-verification/v3/verifyLocation',
  '/apis/one-time-password-sms/v1/validateCode',
  '/errors',
  '/errors/NOT_FOUND',
  '/sandbox',
  '/getting-started',
  '/sign-up',
  '/sign-in',
  '/recovery',
  '/reset',
  '/verify-email',
  '/accept-invitation',
]

describe('the public pages', () => {
  let under: Under
  const cleanUps: (() => Promise<void> | void)[] = []
  before(async () => {
    under = await portalUnderTest({ after: (cleanUp) => cleanUps.push(cleanUp) })
  })
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })

  test('each is a whole document under a policy without exceptions, and keeps to it', async () => {
    for (const page of pages) {
      const response = await under.get(page)
      const html = await response.text()
      assert.equal(response.status, 200, page)
      assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
      const policy = response.headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'self'/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.doesNotMatch(policy, /unsafe|\*|data:|http/, page)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      assert.match(html, /^<!doctype html>/)
      assert.match(html, /<h1/)
      assert.doesNotMatch(html, /<[^>]+\sstyle=/, `${page} has a style attribute`)
      assert.doesNotMatch(html, /<style|\son[a-z]+=/i, `${page} has something inline`)
      for (const [, attributes = ''] of html.matchAll(/<script([^>]*)>/g))
        assert.match(attributes, /type="application\/json"|src="\/assets\//, page)
      assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//, `${page} loads from elsewhere`)
    }
  })

  test('a slash at the end leads to the page without it, whatever the letters', async () => {
    for (const [path, location] of [
      ['/apis/', '/apis'],
      ['/%E6%97%A5%E6%9C%AC/', '/%E6%97%A5%E6%9C%AC'],
      ['/%e2%80%ae/', '/%E2%80%AE'],
    ] as const) {
      const response = await under.get(path)
      assert.equal(response.status, 301, path)
      assert.equal(response.headers.get('location'), location)
    }
  })

  test('a management address that takes another method says which', async () => {
    const response = await under.get('/management/v1/recovery/reset')
    assert.equal(response.status, 405)
    assert.equal(response.headers.get('allow'), 'POST')
    assert.equal((await under.get('/management/v1/nothing')).status, 404)
  })

  test('every address that a page links to on this origin is there', async () => {
    const links = new Set<string>()
    for (const page of pages) {
      const html = await (await under.get(page)).text()
      for (const [, href = ''] of html.matchAll(/(?:href|src)="(\/[^"#]*)/g)) links.add(href)
    }
    assert.ok(links.size > 30)
    const dead: string[] = []
    for (const link of links) {
      const { status } = await under.get(link.replaceAll('&amp;', '&'))
      if (status >= 400) dead.push(`${link} ${status}`)
    }
    assert.deepEqual(dead, [])
  })

  test('the reference can be read without script: fields, errors, price, scope and samples are in the document', async () => {
    const html = await (await under.get('/apis/sim-swap/v2/checkSimSwap')).text()
    for (const text of [
      'phoneNumber',
      'maxAge',
      'IDENTIFIER_NOT_FOUND',
      'sim-swap:check',
      '0.02 EUR',
      'client_credentials',
      'HttpClient',
      'YOUR_CLIENT_ID',
    ])
      assert.ok(html.includes(text), text)
  })

  test('each error code of the registry has a page, an unknown one has none', async () => {
    for (const code of Object.keys(errorCodes))
      assert.equal((await under.get(`/errors/${code}`)).status, 200, code)
    assert.equal((await under.get('/errors/ONE_TIME_PASSWORD_SMS.INVALID_OTP')).status, 200)
    for (const code of ['NO_SUCH_CODE', 'constructor', '__proto__'])
      assert.equal((await under.get(`/errors/${code}`)).status, 404, code)
  })

  test('what is not there is a page for people and the error model for programs', async () => {
    const page = await under.get('/nowhere', { accept: 'text/html' })
    assert.equal(page.status, 404)
    assert.match(await page.text(), /There is no page here/)
    for (const address of [
      '/management/v1/nowhere',
      '/management/nowhere',
      '/.well-known/nowhere',
      '/assets/../package.json',
      '/assets/nowhere.js',
    ]) {
      const answer = await under.get(address, { accept: 'application/json' })
      assert.equal(answer.status, 404, address)
      assert.equal(((await answer.json()) as { code: string }).code, 'NOT_FOUND')
    }
  })

  test('no address, however made up, is an error of ours or leads elsewhere', async () => {
    const odd = [
      '/apis/',
      '/errors/NOT_FOUND/?x=1',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/%00',
      '/%',
      '/%zz',
      '/apis/%2F',
      '//evil.example/',
      '/%2F%2Fevil.example/',
      '/\\evil.example/',
      '/\u0441/'.replace('\u0441', '%D1%81'),
      `/${'a'.repeat(4_000)}`,
      '/apis/__proto__/constructor',
      '/constructor',
      '/apis/sim-swap/v2/checkSimSwap/more',
      '/apis/sim-swap/v2.json',
      '/sign-up.md',
      '/?q=a&q=b',
      `/apis?q=${'x'.repeat(500)}`,
      '/app/../management/v1/session',
      '/search.json?x',
      '/favicon.ico',
    ]
    for (const address of odd) {
      const response = await under.get(address)
      assert.ok(response.status < 500, `${address} ${response.status}`)
      const location = response.headers.get('location') ?? '/'
      assert.match(location, /^\/(?![/\\])/, `${address} leads to ${location}`)
      await response.text()
    }
    assert.equal((await under.get('/apis/')).headers.get('location'), '/apis')
  })

  test('text from the address is shown as text', async () => {
    const html = await (
      await under.get(`/apis?q=${encodeURIComponent('"><script>alert(1)</script>')}`)
    ).text()
    assert.doesNotMatch(html, /<script>alert/)
    assert.match(html, /&lt;script&gt;/)
  })

  test('a page that the browser has is not sent again, until it changes', async () => {
    const first = await under.get('/apis/sim-swap/v2')
    const etag = first.headers.get('etag') ?? ''
    assert.notEqual(etag, '')
    assert.equal((await under.get('/apis/sim-swap/v2', { 'if-none-match': etag })).status, 304)
    assert.equal((await under.get('/apis/sim-swap/v2', { 'if-none-match': 'W/"x"' })).status, 200)
    const dark = await under.get('/apis/sim-swap/v2', {
      'if-none-match': etag,
      cookie: 'wl_theme=dark',
    })
    assert.equal(dark.status, 200)
    assert.match(await dark.text(), /<html lang="en" data-theme="dark">/)
  })

  test('files of the pages are immutable and come compressed as asked', async () => {
    const html = await (await under.get('/')).text()
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? ''
    for (const [asked, sent] of [
      ['br', 'br'],
      ['gzip', 'gzip'],
      ['gzip;q=0, identity', null],
      ['br;q=0.5, gzip', 'br'],
    ] as const) {
      const file = await under.get(script, { 'accept-encoding': asked })
      assert.equal(file.headers.get('content-encoding'), sent, asked)
      assert.match(file.headers.get('cache-control') ?? '', /immutable/)
      assert.ok((await file.text()).length > 100)
    }
  })

  test('the signed-in pages send a stranger to sign-in, and are for no index', async () => {
    const app = await under.get('/app/usage?x=1')
    assert.equal(app.status, 302)
    assert.equal(app.headers.get('location'), '/sign-in?return=%2Fapp%2Fusage%3Fx%3D1')
    assert.equal((await under.get('/console')).headers.get('location'), '/console/sign-in')
    const { cookie } = await under.signUp()
    const own = await under.get('/app', { cookie })
    assert.equal(own.status, 200)
    assert.equal(own.headers.get('x-robots-tag'), 'noindex')
    assert.equal(own.headers.get('cache-control'), 'no-store')
    const nonce =
      /'nonce-([^']+)'/.exec(own.headers.get('content-security-policy') ?? '')?.[1] ?? ''
    assert.ok(nonce.length >= 22)
    const second = await under.get('/app', { cookie })
    assert.ok(!(second.headers.get('content-security-policy') ?? '').includes(nonce))
    assert.equal((await under.get('/console/partners', { cookie })).status, 302)
  })

  test('the addresses of the installation are told to programs', async () => {
    const { config } = under.platform
    assert.deepEqual(await (await under.get('/.well-known/wayleave')).json(), {
      name: 'wayleave',
      version: '0.0.0',
      portal: config.portal.url,
      console: `${config.portal.url}/console`,
      management: `${config.portal.url}/management/v1`,
      environments: Object.fromEntries(
        (['sandbox', 'production'] as const).map((name) => [
          name,
          {
            gateway: config.gateways[name].url,
            gatewayTls: config.gateways[name].tlsUrl,
            issuer: `${config.authorization.url}/${name}`,
            issuerTls: `${config.authorization.tls?.url}/${name}`,
          },
        ]),
      ),
    })
    assert.match(await (await under.get('/robots.txt')).text(), /Disallow: \/console/)
    const llms = await (await under.get('/llms.txt')).text()
    const twin = /\((http[^)]+checkSimSwap\.md)\)/.exec(llms)?.[1] ?? ''
    const markdown = await under.get(new URL(twin).pathname)
    assert.match(markdown.headers.get('content-type') ?? '', /text\/markdown/)
    assert.match(await markdown.text(), /\| 404 \| IDENTIFIER_NOT_FOUND \|/)
  })

  test('a change in the catalog is on the pages within two seconds', async () => {
    const link = (await under.control.identity.firstOperatorLink()) ?? ''
    const operator = await under.post('/operators/first', {
      token: new URL(link).searchParams.get('token'),
      name: 'Olga',
      email: 'olga@operator.example',
      password: 'violet harbour 58 lantern',
    })
    const cookie = operator.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
    const page = '/apis/one-time-password-sms/v1'
    assert.equal((await under.get(page)).status, 200)
    const change = async (body: object): Promise<void> => {
      const path = '/apis/one-time-password-sms/versions/v1/lifecycle'
      assert.equal((await under.post(path, body, { cookie })).status, 200)
    }
    const shown = async (what: RegExp): Promise<Response> => {
      for (const until = performance.now() + 30_000; ; ) {
        const answer = await under.get(page)
        if (what.test(await answer.clone().text())) return answer
        assert.ok(performance.now() < until, `the page does not show ${what}`)
        await new Promise((resolve) => {
          setTimeout(resolve, 50)
        })
      }
    }
    const sunsetAt = `${new Date().getUTCFullYear() + 1}-06-30T22:00:00Z`
    await change({ state: 'deprecated', sunsetAt, successor: 'sim-swap/v2' })
    const deprecated = await shown(/It answers until 30 June 20\d\d, 22:00 UTC/)
    assert.equal(deprecated.status, 200)
    assert.match(await deprecated.text(), /Move to <a href="\/apis\/sim-swap\/v2">/)
    assert.match(
      await (await under.get(`${page}.md`)).text(),
      /State: deprecated. It answers until/,
    )
    await change({ state: 'retired' })
    assert.equal((await shown(/This version was retired/)).status, 410)
    assert.equal((await under.get(`${page}/sendCode`)).status, 410)
    assert.doesNotMatch(await (await under.get('/apis')).text(), /One Time Password/)
  })
})
