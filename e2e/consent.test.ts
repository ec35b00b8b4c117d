import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { ask } from '../test/support/partner-world.ts'
import { signUp, until } from '../test/support/product.ts'
import { type SharedProduct, sharedProduct } from '../test/support/shared-product.ts'
import { openBrowser, violationsOf } from './browser.ts'

const scope = 'location-verification:verify'
const inFlow = 'dpv:FraudPreventionAndDetection'
const outOfBand = 'dpv:RequestedServiceProvision'
const number = '+99010000001'

type Partner = { cookie: string; clientId: string; clientSecret: string }

describe('what a subscriber sees', () => {
  let product: SharedProduct
  let partner: Partner
  let callback = ''
  const cleanUps: (() => Promise<void> | void)[] = []
  const issuer = (): string => product.wellKnown.environments.sandbox.issuer

  before(async () => {
    product = await sharedProduct({ after: (fn) => void cleanUps.push(fn) })
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Back</title><p>Back')
    })
    server.listen(0, 'localhost')
    await once(server, 'listening')
    cleanUps.push(() => {
      server.closeAllConnections()
      server.close()
    })
    callback = `http://localhost:${(server.address() as AddressInfo).port}/callback`
    partner = await orderGrants(product, callback)
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const authorizeUrl = (own: Partner, purpose = inFlow): { url: string; verifier: string } => {
    const verifier = randomBytes(32).toString('base64url')
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: own.clientId,
      redirect_uri: callback,
      scope: `openid ${purpose} ${scope}`,
      state: 'state-1',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    return { url: `${issuer()}/authorize?${query}`, verifier }
  }

  /** The portal’s page opens the handset for its partner; there the browser becomes a subscriber. */
  const switchOn = async (context: BrowserContext, page: Page, own: Partner): Promise<void> => {
    await context.addCookies(cookiesOf(own.cookie))
    await page.goto(`${product.wellKnown.portal}/app/messages`)
    await page.getByRole('button', { name: 'Open the virtual handset' }).click()
    await page.waitForURL('**/sandbox/handset')
    await page.getByLabel('Subscriber').selectOption(number)
    await page.getByRole('button', { name: 'Switch on' }).click()
    await page.getByRole('heading', { name: number }).waitFor()
  }

  test('a partner gets its code after the subscriber allowed it, and not before', async (t) => {
    const { context, page, complaints } = await openBrowser(t)
    await switchOn(context, page, partner)
    const { url, verifier } = authorizeUrl(partner)
    await page.goto(url)
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    assert.match((await page.locator('main').textContent()) ?? '', /\+990 •••• 01/)
    const sizes = await Promise.all(
      ['Allow', 'Refuse'].map((name) => page.getByRole('button', { name }).boundingBox()),
    )
    assert.equal(sizes[0]?.width, sizes[1]?.width)
    assert.equal(sizes[0]?.height, sizes[1]?.height)
    await page.reload()
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${callback}?*`)
    const code = new URL(page.url()).searchParams.get('code') ?? ''
    const answer = await token(partner, {
      grant_type: 'authorization_code',
      redirect_uri: callback,
      code_verifier: verifier,
      code,
    })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    // Going back finds nothing left to decide.
    await page.goBack()
    assert.equal(await page.getByRole('button', { name: 'Allow' }).count(), 0)
    assert.deepEqual(unexpected(complaints), [])
  })

  test('a refusal goes back to the partner as what it is', async (t) => {
    const own = await orderGrants(product, callback)
    const { context, page } = await openBrowser(t)
    await switchOn(context, page, own)
    await page.goto(authorizeUrl(own).url)
    await page.getByRole('button', { name: 'Refuse' }).click()
    await page.waitForURL(`${callback}?*`)
    const query = new URL(page.url()).searchParams
    assert.equal(query.get('error'), 'access_denied')
    assert.equal(query.get('state'), 'state-1')
    assert.equal(query.get('code'), null)
  })

  test('a link that comes by message is answered on its page, and the partner gets its token', async (t) => {
    const { context, page, complaints } = await openBrowser(t)
    await switchOn(context, page, partner)
    const begun = await post(`${issuer()}/bc-authorize`, partner, {
      scope: `openid ${outOfBand} ${scope}`,
      login_hint: `tel:${number}`,
    })
    assert.equal(begun.status, 200, JSON.stringify(begun.body))
    // It appears by itself.
    const link = page.getByRole('log').getByRole('link').first()
    await link.waitFor()
    await link.click()
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.getByRole('heading', { name: 'You allowed it' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'You allowed it' }).waitFor()
    const grant = {
      grant_type: 'urn:openid:params:grant-type:ciba',
      auth_req_id: String(begun.body.auth_req_id),
    }
    await until(async () => (await token(partner, grant)).status === 200, 20_000, 1_000)
    await page.goto(`${issuer()}/handset`)
    await page.getByRole('log').getByRole('link').first().click()
    await page.getByRole('heading', { name: 'There is nothing to decide here' }).waitFor()
    assert.deepEqual(unexpected(complaints), [])
  })

  test('one’s own consents are seen and withdrawn with a code that came to the phone', async (t) => {
    const own = await orderGrants(product, callback)
    const { context, page, complaints } = await openBrowser(t)
    await switchOn(context, page, own)
    await page.goto(authorizeUrl(own).url)
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${callback}?*`)
    await signInToPrivacy(context, page, issuer())
    await page.getByRole('heading', { name: 'Who may use your data' }).waitFor()
    await page.getByText('In force', { exact: true }).waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download my records' }).click()
    assert.equal((await download).suggestedFilename(), 'consent-records.json')
    await page.getByRole('link', { name: 'Withdraw' }).click()
    await page.getByRole('heading', { name: 'Withdraw this?' }).waitFor()
    await page.getByRole('button', { name: 'Withdraw' }).click()
    await page.getByText(/Withdrawn\. In effect since/).waitFor()
    await page.goto(authorizeUrl(own).url)
    await page.waitForURL(`${callback}?*`)
    assert.equal(new URL(page.url()).searchParams.get('error'), 'access_denied')
    assert.deepEqual(complaints, [])
  })

  test('all of it works without script', async (t) => {
    const own = await orderGrants(product, callback)
    const { page } = await openBrowser(t, { javaScriptEnabled: false })
    await page.goto(`${issuer()}/handset`)
    await page.getByLabel('Subscriber').selectOption(number)
    await page.getByRole('button', { name: 'Switch on' }).click()
    await page.getByRole('heading', { name: number }).waitFor()
    await page.goto(authorizeUrl(own).url)
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${callback}?*`)
    assert.ok(new URL(page.url()).searchParams.has('code'))
  })

  test('no page of theirs is shown inside another one', async (t) => {
    const { context, page } = await openBrowser(t)
    await switchOn(context, page, await orderGrants(product, callback))
    for (const address of [authorizeUrl(partner).url, `${issuer()}/privacy`]) {
      await page.goto(callback)
      await page.setContent(`<iframe src="${address.replaceAll('&', '&amp;')}"></iframe>`)
      const frame = page.frames().at(-1)
      await until(async () => (await frame?.evaluate(() => location.href)) !== 'about:blank', 5_000)
      assert.equal(await frame?.locator('button').count(), 0, address)
    }
  })

  test('the pages are readable by all: axe, light and dark, 200 %, a phone', async (t) => {
    const own = await orderGrants(product, callback)
    const faults: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const { context, page } = await openBrowser(t, { colorScheme })
      await switchOn(context, page, own)
      const seen = async (name: string, address?: string): Promise<void> => {
        if (address !== undefined) await page.goto(address)
        await page.setViewportSize({ width: 1280, height: 900 })
        faults.push(...(await violationsOf(page)).map((found) => `${colorScheme} ${name} ${found}`))
        // A phone, and what 200 % of it comes to.
        for (const width of [360, 320]) {
          await page.setViewportSize({ width, height: 740 })
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          if (over > 0) faults.push(`${colorScheme} ${name} is ${over} wider than ${width}`)
          await look(page, `${name}-${colorScheme}-${width}`)
        }
        await page.setViewportSize({ width: 1280, height: 900 })
      }
      await seen('handset', `${issuer()}/handset`)
      await seen('consent', authorizeUrl(own).url)
      await page.getByRole('button', { name: 'Allow' }).waitFor()
      await seen('gone', `${issuer()}/consent?t=${'A'.repeat(43)}`)
      await seen('privacy', `${issuer()}/privacy`)
      await page.getByLabel('Your mobile number').fill('12')
      await page.getByRole('button', { name: 'Send a code' }).click()
      await seen('privacy-fault')
      await page.getByLabel('Your mobile number').fill(number)
      await page.getByRole('button', { name: 'Send a code' }).click()
      await seen('privacy-code')
      await signInToPrivacy(context, page, issuer())
      await seen('privacy-list')
    }
    assert.deepEqual(faults, [])
  })

  const token = (own: Partner, fields: Record<string, string>) =>
    post(`${issuer()}/token`, own, fields)
})

// A page that says that nothing is left has the status of it, and a browser notes that.
const unexpected = (complaints: readonly string[]): string[] =>
  complaints.filter((line) => !/status of 40[04]/.test(line))

/** A screenshot for whoever asks for them. */
async function look(page: Page, name: string): Promise<void> {
  const folder = process.env.WAYLEAVE_SCREENSHOTS
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}

async function orderGrants(product: SharedProduct, redirectUri: string): Promise<Partner> {
  const { body, cookie } = await signUp(product)
  const { clientId, clientSecret, applicationId } = body.credentials as Record<string, string>
  const id =
    applicationId ?? (await ask(product, { cookie }, 'GET', '/applications')).body.items[0].id
  const settings = `/applications/${id}/authorization`
  const { revision } = (await ask(product, { cookie }, 'GET', settings)).body
  const set = await ask(product, { cookie }, 'PUT', settings, {
    revision,
    redirectUris: [redirectUri],
    grants: [
      { grantType: 'authorization_code', purpose: inFlow, scopes: [scope] },
      { grantType: 'urn:openid:params:grant-type:ciba', purpose: outOfBand, scopes: [scope] },
    ],
  })
  assert.equal(set.status, 200, set.text)
  return { cookie, clientId: clientId ?? '', clientSecret: clientSecret ?? '' }
}

const cookiesOf = (header: string) =>
  header.split('; ').map((pair) => {
    const [name = '', value = ''] = pair.split('=', 2)
    return { name, value, domain: 'localhost', path: '/' }
  })

async function post(
  url: string,
  { clientId, clientSecret }: Partner,
  fields: Record<string, string>,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams(fields),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

async function signInToPrivacy(context: BrowserContext, page: Page, issuer: string): Promise<void> {
  await page.goto(`${issuer}/privacy`)
  await page.getByLabel('Your mobile number').fill(number)
  await page.getByRole('button', { name: 'Send a code' }).click()
  await page.getByLabel('Code', { exact: true }).waitFor()
  const handset = await context.newPage()
  await handset.goto(`${issuer}/handset`)
  const message = handset.getByText(/^\d{6} is your code/).first()
  await message.waitFor()
  const code = /\d{6}/.exec((await message.textContent()) ?? '')?.[0] ?? ''
  await handset.close()
  await page.getByLabel('Code', { exact: true }).fill(code)
  await page.getByRole('button', { name: 'Go on' }).click()
}
