import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { sql } from 'kysely'
import { request } from 'undici'
import { manualClock } from '#platform/clock'
import { basic, sandboxId, sandboxSecret, testServers, testSettings } from './testing.ts'

const callback = 'https://app.example/callback'
const purpose = 'dpv:FraudPreventionAndDetection'
const codeSettings = {
  ...testSettings,
  redirectUris: [callback, 'http://127.0.0.1/cb'],
  grants: [
    { grantType: 'client_credentials', scopes: '*' },
    { grantType: 'authorization_code', purpose, scopes: '*' },
  ],
} as const

async function code(
  t: Parameters<typeof testServers>[0],
  options: Pick<NonNullable<Parameters<typeof testServers>[1]>, 'server' | 'clock'> = {},
) {
  const servers = await testServers(t, { subscribers: true, ...options })
  servers.clients.set(sandboxId, { settings: codeSettings })
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const parameters: Record<string, string> = {
    client_id: sandboxId,
    response_type: 'code',
    redirect_uri: callback,
    scope: `openid ${purpose} sim-swap:check`,
    state: 'xyz',
    nonce: 'n-1',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  let turn = 0
  const visit = async (
    path: string,
    options: { headers?: Record<string, string>; method?: 'GET' | 'POST'; body?: string } = {},
  ) => {
    const server = servers.servers[turn++ % servers.servers.length]
    assert.ok(server)
    const answer = await request(`http://127.0.0.1:${server.port()}${path}`, options)
    const location = String(answer.headers.location ?? '')
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: await answer.body.text(),
      location,
      query: new URL(location === '' ? 'http://none' : location).searchParams,
    }
  }
  const authorize = (change: Record<string, string | undefined> = {}) =>
    visit(`/sandbox/authorize?${queryOf({ ...parameters, ...change })}`)
  const redeem = (value: string, change: Record<string, string> = {}) =>
    servers.post(
      '/sandbox/token',
      {
        grant_type: 'authorization_code',
        code: value,
        redirect_uri: callback,
        code_verifier: verifier,
        ...change,
      },
      basic(sandboxId, sandboxSecret),
    )
  return { ...servers, parameters, verifier, visit, authorize, redeem }
}

const queryOf = (given: Record<string, string | undefined>): string =>
  new URLSearchParams(
    Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined),
  ).toString()

test('gives a code to the registered page, and for it tokens that name nobody', async (t) => {
  const { authorize, redeem, issuer, platform, visit } = await code(t)
  const answer = await authorize({ max_age: '60' })
  assert.equal(answer.status, 303, answer.text)
  assert.ok(answer.location.startsWith(`${callback}?`), answer.location)
  assert.equal(answer.query.get('state'), 'xyz')
  assert.equal(answer.query.get('iss'), issuer('sandbox'))
  assert.equal(answer.headers['set-cookie'], undefined)
  const { status, body } = await redeem(answer.query.get('code') ?? '')
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(body.expires_in, 300)
  const access = decodeJwt(String(body.access_token))
  assert.equal(access.pur, purpose)
  assert.match(String(access.gnt), /^gnt_[0-9a-z]{20}$/)
  assert.deepEqual(access.amr, ['nbma'])
  assert.equal(access.cns, undefined)
  const sealing = platform.sealing.child('gateway:sandbox')
  assert.equal(sealing.open(String(access.sbj), `subject:${sandboxId}`), '+99012345678')
  const id = decodeJwt(String(body.id_token))
  assert.equal(id.sub, access.sub)
  assert.equal(id.nonce, 'n-1')
  assert.equal(id.aud, sandboxId)
  const { claims_supported: claims } = JSON.parse(
    (await visit('/sandbox/.well-known/openid-configuration')).text,
  ) as { claims_supported: string[] }
  assert.deepEqual(Object.keys(id).sort(), claims.sort())
  for (const text of [JSON.stringify(access), JSON.stringify(id)])
    assert.doesNotMatch(text, /99012345678/)
})

test('one of fifty simultaneous uses of a code succeeds, over two servers, and a second use ends the grant', async (t) => {
  const { authorize, redeem, platform } = await code(t)
  const value = (await authorize()).query.get('code') ?? ''
  const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(value)))
  const good = answers.filter(({ status }) => status === 200)
  assert.equal(good.length, 1)
  for (const { status, body } of answers)
    if (status !== 200) assert.deepEqual([status, body.error], [400, 'invalid_grant'])
  const { gnt } = decodeJwt(String(good[0]?.body.access_token))
  const { rows } = await sql<{ key: string; n: number }>`
    select key, count(*)::int as n from platform.outbox where type = 'grant.ended' group by key`.execute(
    platform.database.as<unknown>(),
  )
  assert.deepEqual(rows, [{ key: gnt, n: 1 }])
})

test('keeps no number, code or verifier readable', async (t) => {
  const { authorize, platform } = await code(t)
  const value = (await authorize()).query.get('code') ?? ''
  const { rows } = await sql<{ line: string }>`
    select a::text as line from "authorization".artifact a`.execute(platform.database.as<unknown>())
  assert.ok(rows.length >= 2)
  for (const { line } of rows) {
    assert.ok(!line.includes(value))
    assert.doesNotMatch(line, /99012345678|accountId|codeChallenge/)
  }
})

const redirected: Record<string, [Record<string, string | undefined>, string, RegExp]> = {
  'no response_type': [{ response_type: undefined }, 'invalid_request', /response_type/],
  'no PKCE': [
    { code_challenge: undefined, code_challenge_method: undefined },
    'invalid_request',
    /PKCE/,
  ],
  'PKCE downgraded to plain': [{ code_challenge_method: 'plain' }, 'invalid_request', /./],
  'PKCE without a method': [{ code_challenge_method: undefined }, 'invalid_request', /./],
  'no scope': [{ scope: undefined }, 'invalid_scope', /purpose/],
  'no purpose': [{ scope: 'openid sim-swap:check' }, 'invalid_scope', /purpose is missing/],
  'two purposes': [
    { scope: `${purpose} dpv:Marketing sim-swap:check` },
    'invalid_scope',
    /exactly one purpose/,
  ],
  'the obsolete form of a purpose': [
    { scope: `openid ${purpose}#sim-swap:check` },
    'invalid_scope',
    /obsolete.*two values/,
  ],
  'a purpose alone': [{ scope: `openid ${purpose}` }, 'invalid_scope', /permits nothing/],
  'a scope without a subscription': [
    { scope: `openid ${purpose} carrier-billing:payments:create` },
    'invalid_scope',
    /subscription/,
  ],
  'a purpose that was not ordered': [
    { scope: 'openid dpv:Marketing sim-swap:check' },
    'unauthorized_client',
    /client credentials|no grant/,
  ],
  'a scope that the product does not offer for the purpose': [
    { scope: `openid ${purpose} sim-swap:retrieve-date` },
    'invalid_scope',
    /not offered/,
  ],
  'an unknown prompt': [{ prompt: 'create' }, 'invalid_request', /prompt/],
  'prompt none with another': [{ prompt: 'none login' }, 'invalid_request', /alone/],
  'prompt none where consent is missing': [
    { prompt: 'none', scope: `openid ${purpose} location-verification:verify` },
    'consent_required',
    /./,
  ],
  'a request_uri of another place': [
    { request_uri: 'https://evil.example/object' },
    'request_uri_not_supported',
    /^/,
  ],
  'a request_uri that nobody pushed': [
    { request_uri: 'urn:ietf:params:oauth:request_uri:abcdefghijklmnop' },
    'invalid_request_uri',
    /./,
  ],
  'an unsigned request object': [
    { request: 'eyJhbGciOiJub25lIn0.e30.' },
    'invalid_request_object',
    /./,
  ],
  'another resource': [{ resource: 'https://evil.example/' }, 'invalid_target', /./],
}

test('tells the registered page what is wrong with a request', async (t) => {
  const { authorize, issuer } = await code(t)
  for (const [name, [change, error, description]] of Object.entries(redirected)) {
    await t.test(name, async () => {
      const answer = await authorize(change)
      assert.equal(answer.status, 303, answer.text)
      assert.ok(answer.location.startsWith(`${callback}?`), answer.location)
      assert.equal(answer.query.get('error'), error, answer.location)
      assert.match(answer.query.get('error_description') ?? '', description)
      assert.equal(answer.query.get('state'), 'xyz')
      assert.equal(answer.query.get('iss'), issuer('sandbox'))
      assert.equal(answer.query.get('code'), null)
    })
  }
})

const shown: Record<string, Record<string, string | undefined>> = {
  'an unknown client': { client_id: 'wl_sbx_zzzzzzzzzzzzzzzzzzzz' },
  'a client of the other environment': { client_id: 'wl_live_0123456789abcdefghij' },
  'no client': { client_id: undefined },
  'no redirect_uri': { redirect_uri: undefined },
  'an empty redirect_uri': { redirect_uri: '' },
  'an unregistered address': { redirect_uri: 'https://evil.example/callback' },
  'a registered address with more behind it': { redirect_uri: `${callback}/..` },
  'a registered address with a query': { redirect_uri: `${callback}?x=1` },
  'a registered address with a fragment': { redirect_uri: `${callback}#x` },
  'a registered address in other letters': { redirect_uri: 'https://APP.example/callback' },
  'a registered address with a user': { redirect_uri: 'https://app.example@evil.example/callback' },
  'a port on an address that is no loopback': { redirect_uri: 'https://app.example:8443/callback' },
  'an error and an unregistered address': { redirect_uri: 'https://evil.example/', scope: 'x' },
}

test('shows a page, and redirects nowhere, for a client or address that is not known', async (t) => {
  const { authorize, visit, parameters } = await code(t)
  for (const [name, change] of Object.entries(shown)) {
    await t.test(name, async () => {
      const answer = await authorize(change)
      assert.equal(answer.status, 400, answer.text)
      assert.equal(answer.location, '')
      assert.match(String(answer.headers['content-type']), /text\/html/)
      assert.match(String(answer.headers['content-security-policy']), /frame-ancestors 'none'/)
    })
  }
  for (const again of ['redirect_uri=https%3A%2F%2Fevil.example', 'client_id=x']) {
    await t.test(`twice: ${again}`, async () => {
      const twice = await visit(`/sandbox/authorize?${queryOf(parameters)}&${again}`)
      assert.deepEqual([twice.status, twice.location], [400, ''])
    })
  }
})

test('a page tells the developer of the wrong environment and of an address that is not registered', async (t) => {
  const { authorize } = await code(t)
  const other = await authorize({ client_id: 'wl_live_0123456789abcdefghij' })
  assert.match(
    other.text,
    /no active client has this client_id in sandbox; ids that begin with wl_live_ are not of/,
  )
  const unknown = await authorize({ client_id: 'wl_sbx_zzzzzzzzzzzzzzzzzzzz' })
  assert.match(unknown.text, /no active client has this client_id in sandbox</)
  const address = await authorize({ redirect_uri: 'https://app.example/other' })
  assert.match(address.text, /invalid_redirect_uri.*compared character by character: register it/s)
})

test('posts its answer to a client that wants it so, from a page that nobody can frame or keep', async (t) => {
  const { authorize, redeem } = await code(t)
  const { status, text, headers } = await authorize({ response_mode: 'form_post' })
  assert.equal(status, 200)
  assert.match(text, /<form method="post" action="https:\/\/app\.example\/callback">/)
  assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/)
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(String(headers['cache-control']), /no-store/)
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''
  assert.equal(field('state'), 'xyz')
  assert.equal((await redeem(field('code'))).status, 200)
})

test('tells the client of a parameter that is there twice, and believes neither', async (t) => {
  const { visit, parameters } = await code(t)
  for (const name of ['scope', 'state', 'nonce', 'prompt', 'login_hint', 'code_challenge']) {
    await t.test(name, async () => {
      const again = `${queryOf({ [name]: 'x', ...parameters })}&${name}=y`
      const { status, location } = await visit(`/sandbox/authorize?${again}`)
      assert.equal(status, 303, location)
      assert.ok(location.startsWith(`${callback}?`), location)
      const told = new URL(location).searchParams
      assert.equal(told.get('error'), 'invalid_request')
      assert.match(String(told.get('error_description')), new RegExp(`${name}.*twice`))
      assert.equal(told.get('state'), name === 'state' ? null : parameters.state)
      assert.ok(told.get('iss'))
    })
  }
})

test('takes any port of a registered loopback address, and no other host', async (t) => {
  const { authorize } = await code(t)
  const there = await authorize({ redirect_uri: 'http://127.0.0.1:51234/cb' })
  assert.ok(there.location.startsWith('http://127.0.0.1:51234/cb?code='), there.location)
  assert.equal((await authorize({ redirect_uri: 'http://127.0.0.2:51234/cb' })).status, 400)
})

test('passes over what means nothing here', async (t) => {
  const { authorize, redeem } = await code(t)
  const plain = await authorize({
    scope: `${purpose} sim-swap:check`,
    acr_values: '9 8',
    login_hint: 'tel:+99000000000',
    id_token_hint: 'x',
    max_age: '60',
    unknown: 'x',
  })
  const { status, body } = await redeem(plain.query.get('code') ?? plain.location)
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(body.id_token, undefined)
  const openid = await authorize({ acr_values: '9', prompt: 'login consent', max_age: '0' })
  const { body: full } = await redeem(openid.query.get('code') ?? openid.location)
  assert.equal(decodeJwt(String(full.id_token)).acr, undefined)
})

test('without a mobile network there is nobody to ask', async (t) => {
  const { authorize, world } = await code(t)
  world.identity = undefined
  assert.equal((await authorize({ prompt: 'none' })).query.get('error'), 'login_required')
  assert.equal((await authorize()).query.get('error'), 'access_denied')
})

test('a fault of ours is told to the registered page, and to no other, without its details', async (t) => {
  const { authorize, redeem, world, issuer } = await code(t)
  const { identity, bases } = world
  const fault = (error: Error) => () => {
    throw error
  }
  const broken = (error: Error): void => {
    Object.defineProperty(world, 'identity', { configurable: true, get: fault(error) })
  }
  for (const [error, told] of [
    [new Error('what broke and where'), 'server_error'],
    [Object.assign(new Error('no way'), { code: 'ECONNREFUSED' }), 'temporarily_unavailable'],
  ] as const) {
    broken(error)
    const answer = await authorize({ prompt: 'none' })
    assert.equal(answer.status, 303, answer.text)
    assert.ok(answer.location.startsWith(`${callback}?`))
    assert.equal(answer.query.get('error'), told)
    assert.equal(answer.query.get('state'), 'xyz')
    assert.equal(answer.query.get('iss'), issuer('sandbox'))
    assert.ok(!answer.location.includes(encodeURIComponent(error.message).replaceAll('%20', '+')))
    const elsewhere = await authorize({ redirect_uri: 'https://evil.example/' })
    assert.deepEqual([elsewhere.status, elsewhere.location], [400, ''])
  }
  Object.defineProperty(world, 'identity', { configurable: true, value: identity })
  const value = (await authorize()).query.get('code') ?? ''
  // The legal basis of each scope is asked for when consent is.
  const get = bases.get.bind(bases)
  bases.get = fault(Object.assign(new Error('no way'), { code: 'ECONNREFUSED' }))
  assert.equal((await authorize()).query.get('error'), 'temporarily_unavailable')
  assert.equal((await redeem(value)).status, 503)
  bases.get = get
  assert.equal((await redeem(value)).status, 200, 'a code outlives what was no fault of its client')
})

test('refuses a code with another verifier, address, client or environment, and it stays good', async (t) => {
  const { authorize, redeem, clients, post } = await code(t)
  const other = { clientId: 'wl_sbx_00000000000000000000', secret: `wl_sbx_sk_${'C'.repeat(49)}` }
  clients.add({
    clientId: other.clientId,
    environment: 'sandbox',
    secrets: [{ credentialId: 'crd_other', hash: clients.secretHash(other.secret) }],
    settings: codeSettings,
  })
  const value = (await authorize()).query.get('code') ?? ''
  const refused = async (change: Record<string, string>, why: RegExp) => {
    const { status, body } = await redeem(value, change)
    assert.deepEqual([status, body.error], [400, 'invalid_grant'], JSON.stringify(body))
    assert.match(String(body.error_description), why)
  }
  await refused({ code_verifier: '' }, /code_verifier is missing/)
  await refused({ code_verifier: 'x'.repeat(43) }, /does not fit the code_challenge/)
  await refused({ redirect_uri: 'http://127.0.0.1/cb' }, /redirect_uri is not the one/)
  const stolen = await post(
    '/sandbox/token',
    {
      grant_type: 'authorization_code',
      code: value,
      redirect_uri: callback,
      code_verifier: 'x'.repeat(43),
    },
    basic(other.clientId, other.secret),
  )
  assert.deepEqual([stolen.status, stolen.body.error], [400, 'invalid_grant'])
  const unknown = (await redeem('x'.repeat(43))).body
  assert.deepEqual(stolen.body, unknown, 'a code of another client is like one that there is not')
  assert.equal((await redeem(value)).status, 200)
  assert.match(String((await redeem(value)).body.error_description), /was used before/)
})

test('a code outlives a client that went away before its token was made', async (t) => {
  const gone = Promise.withResolvers<void>()
  const { authorize, redeem, clients, servers, verifier } = await code(t, {
    server: {
      observe: (server) =>
        server.on('request', ({ headers, socket }) => {
          if (headers.host === 'leaves') socket.once('close', () => gone.resolve())
        }),
    },
  })
  const value = (await authorize()).query.get('code') ?? ''
  const { scopesOf } = clients
  const reached = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  clients.scopesOf = async () => {
    reached.resolve()
    await gate.promise
    return clients.scopes
  }
  const form = new URLSearchParams({
    ...{ grant_type: 'authorization_code', code: value, redirect_uri: callback },
    ...{ code_verifier: verifier, client_id: sandboxId, client_secret: sandboxSecret },
  }).toString()
  const socket = connect(servers[0]?.port() ?? 0, '127.0.0.1')
  socket.write(
    `POST /sandbox/token HTTP/1.1\r\nHost: leaves\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`,
  )
  await reached.promise
  socket.destroy()
  await gone.promise
  clients.scopesOf = scopesOf
  gate.resolve()
  // Long enough for what is left of the first request.
  for (let i = 0; i < 3; i += 1) await authorize()
  assert.equal((await redeem(value)).status, 200)
})

test('asks on a page of one browser, once, and goes on with the answer', async (t) => {
  const { authorize, visit, redeem, issuer } = await code(t)
  const scope = `openid ${purpose} location-verification:verify`
  const asked = await authorize({ scope })
  assert.equal(asked.status, 303)
  const page = new URL(asked.location)
  assert.ok(asked.location.startsWith(`${issuer('sandbox')}/interaction/`), asked.location)
  const cookie = cookieOf(asked)
  assert.equal((await visit(page.pathname)).status, 400)
  const form = await visit(page.pathname, { headers: { cookie } })
  assert.equal(form.status, 200, form.text)
  assert.match(String(form.headers['content-security-policy']), /frame-ancestors 'none'/)
  const fields = fieldsOf(form.text)
  fields.set('answer', 'allow')
  const origin = new URL(issuer('sandbox')).origin
  const send = (headers: Record<string, string>, body = fields.toString()) =>
    visit(page.pathname, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
    })
  assert.equal((await send({ cookie })).status, 403)
  assert.equal((await send({ cookie, origin: 'https://evil.example' })).status, 403)
  assert.equal((await send({ origin })).status, 400)
  const forged = new URLSearchParams(fields)
  forged.set('form_token', 'x')
  assert.equal((await send({ cookie, origin }, forged.toString())).status, 403)
  const answered = await send({ cookie, origin })
  assert.equal(answered.status, 303, answered.text)
  const back = new URL(answered.location)
  assert.equal((await visit(back.pathname)).status, 400)
  const both = await Promise.all(
    [1, 2, 3, 4].map(() => visit(back.pathname, { headers: { cookie } })),
  )
  const codes = both.filter(({ query }) => query.get('code') !== null)
  assert.equal(codes.length, 1, both.map(({ status, location }) => `${status} ${location}`).join())
  const { body } = await redeem(codes[0]?.query.get('code') ?? '')
  assert.equal((decodeJwt(String(body.access_token)).cns as string[]).length, 1)
  // Now that there is consent, nobody is asked again.
  assert.notEqual((await authorize({ scope, prompt: 'none' })).query.get('code'), null)
})

test('two browsers that opened one pushed request get one code, however late they answer', async (t) => {
  const clock = manualClock(new Date().toISOString())
  const { visit, parameters, post, issuer } = await code(t, { clock })
  const scope = `openid ${purpose} location-verification:verify`
  const pushed = await post(
    '/sandbox/par',
    { ...parameters, scope },
    basic(sandboxId, sandboxSecret),
  )
  assert.equal(pushed.status, 201, JSON.stringify(pushed.body))
  const request_uri = String(pushed.body.request_uri)
  const opened = await Promise.all(
    [1, 2].map(async () => {
      const asked = await visit(
        `/sandbox/authorize?${queryOf({ client_id: sandboxId, request_uri })}`,
      )
      const cookie = cookieOf(asked)
      const { pathname } = new URL(asked.location)
      const fields = fieldsOf((await visit(pathname, { headers: { cookie } })).text)
      return { cookie, pathname, fields }
    }),
  )
  clock.advance(599_000)
  const codes: (string | null)[] = []
  for (const { cookie, pathname, fields } of opened) {
    fields.set('answer', 'allow')
    const { origin } = new URL(issuer('sandbox'))
    const answered = await visit(pathname, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie, origin },
      body: fields.toString(),
    })
    const back = new URL(answered.location)
    codes.push((await visit(back.pathname, { headers: { cookie } })).query.get('code'))
  }
  assert.equal(codes.filter((one) => one !== null).length, 1, codes.join())
})

type Visited = { headers: Record<string, string | string[] | undefined> }

function cookieOf({ headers }: Visited): string {
  const lines = [headers['set-cookie'] ?? []].flat()
  return lines
    .map((line) => {
      assert.match(line, /httponly/i)
      assert.match(line, /samesite=lax/i)
      return line.split(';', 1)[0]
    })
    .join('; ')
}

const fieldsOf = (page: string): URLSearchParams =>
  new URLSearchParams(
    [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']): [string, string] => [name, value],
    ),
  )
