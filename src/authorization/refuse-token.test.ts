import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import {
  type Answer,
  assertion,
  assertionForm,
  basic,
  sandboxId,
  sandboxSecret,
  type TestKey,
  testKey,
  testServers,
} from './testing.ts'

const grant = { grant_type: 'client_credentials', scope: 'sim-swap:check' }
const wrongSecret = `wl_sbx_sk_${'C'.repeat(43)}000000`

const refused = (answer: Answer, status: number, error: string, description?: RegExp): void => {
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  assert.equal(answer.body.error, error)
  if (description) assert.match(String(answer.body.error_description), description)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  // RFC 6749, appendix A.8
  assert.match(String(answer.body.error_description), /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
  assert.equal(answer.headers['set-cookie'], undefined)
}

test('answers the same to an unknown client, a wrong secret and a suspended client', async (t) => {
  const { clients, post } = await testServers(t)
  const suspended = 'wl_sbx_suspendedsuspended00'
  clients.add({
    clientId: suspended,
    environment: 'sandbox',
    state: 'suspended',
    secrets: [{ credentialId: 'crd_s', hash: clients.secretHash(sandboxSecret) }],
  })
  const ask = async (id: string, secret: string) => {
    const answer = await post('/sandbox/token', grant, basic(id, secret))
    refused(answer, 401, 'invalid_client')
    const { 'x-correlator': _, date: __, ...headers } = answer.headers
    return { ...answer, headers }
  }
  const unknown = await ask('wl_sbx_unknownunknownunknow', sandboxSecret)
  assert.match(String(unknown.headers['www-authenticate']), /^Basic realm="http/)
  assert.deepEqual(await ask(sandboxId, wrongSecret), unknown)
  assert.deepEqual(await ask(suspended, sandboxSecret), unknown)
  assert.deepEqual(await ask(sandboxId, `${sandboxSecret}x`), unknown)
})

test('answers the same to an unknown client, an unknown key and a wrong signature', async (t) => {
  const { clients, post, issuer } = await testServers(t)
  const [mine, foreign] = [testKey('ES256', 'k1'), testKey('ES256', 'k1')]
  clients.set(sandboxId, { keys: [{ credentialId: 'crd_k', jwk: mine.jwk }] })
  const ask = async (key: TestKey, id: string) => {
    const jws = await assertion(key, { iss: id, sub: id, aud: issuer('sandbox') })
    const answer = await post('/sandbox/token', assertionForm(jws))
    refused(answer, 401, 'invalid_client', /the ES256 key 'k1'/)
    return answer.body
  }
  const wrongSignature = await ask(foreign, sandboxId)
  const unknownClient = await ask(mine, 'wl_sbx_unknownunknownunknow')
  clients.set(sandboxId, { keys: [] })
  const noKey = await ask(mine, sandboxId)
  assert.deepEqual(wrongSignature, unknownClient)
  assert.deepEqual(noKey, unknownClient)
})

test('does not tell by time that a client exists', async (t) => {
  const { clients, post } = await testServers(t, { count: 1 })
  const find = clients.findClient.bind(clients)
  // A lookup that takes longer for a client that exists, as one with a second query does.
  clients.findClient = async (id, environment) => {
    const found = await find(id, environment)
    if (found !== undefined) {
      await new Promise((resolve) => {
        setTimeout(resolve, 15)
      })
    }
    return found
  }
  // In turn, and the fastest of each: what else the machine does falls on both alike.
  const fastest = { known: Number.POSITIVE_INFINITY, unknown: Number.POSITIVE_INFINITY }
  const ids = { known: sandboxId, unknown: 'wl_sbx_unknownunknownunknow' }
  const apartMs = () => Math.abs(fastest.known - fastest.unknown)
  // Where they are alike the fastest are, after enough of them; where they are not, no number brings them together.
  for (let i = 0; i < 10 || (apartMs() >= 10 && i < 60); i += 1) {
    for (const who of ['known', 'unknown'] as const) {
      const start = performance.now()
      await post('/sandbox/token', grant, basic(ids[who], wrongSecret))
      fastest[who] = Math.min(fastest[who], performance.now() - start)
    }
  }
  assert.ok(apartMs() < 10, JSON.stringify(fastest))
})

type Claims = Parameters<typeof assertion>[1]
const now = () => Math.floor(Date.now() / 1_000)
const claimCases: [title: string, claims: () => Claims, description: RegExp][] = [
  ['no exp', () => ({ exp: undefined as never }), /exp is missing/],
  ['exp in the past', () => ({ iat: now() - 60, exp: now() }), /has passed; the time here is/],
  ['exp 310 s ahead', () => ({ iat: now() + 2, exp: now() + 310 }), /more than 300 s ahead/],
  ['exp ten years ahead', () => ({ exp: now() + 315_000_000 }), /more than 300 s ahead/],
  ['exp 301 s after iat', () => ({ iat: now() - 100, exp: now() + 201 }), /300 s after iat/],
  ['iat in the future', () => ({ iat: now() + 20, exp: now() + 60 }), /clock of the client/],
  ['nbf in the future', () => ({ nbf: now() + 20 }), /nbf/],
  ['exp that is text', () => ({ exp: String(now() + 60) as never }), /number of seconds/],
  ['no jti', () => ({ jti: undefined as never }), /jti/],
  ['an empty jti', () => ({ jti: '' }), /jti/],
  ['a jti that is a number', () => ({ jti: 7 as never }), /jti/],
  ['a jti that is too long', () => ({ jti: 'x'.repeat(257) }), /jti/],
  ['no aud', () => ({ aud: undefined as never }), /aud: it must be one string/],
  ['aud in an array', () => ({ aud: ['@issuer'] }), /aud: it must be one string/],
  ['aud with another in an array', () => ({ aud: ['@issuer', 'https://evil'] }), /one string/],
  ['a foreign aud', () => ({ aud: 'https://evil.example' }), /'https:\/\/evil.example' is not/],
  ['aud with a slash after it', () => ({ aud: '@issuer/' }), /is not/],
  ['aud of the other issuer', () => ({ aud: '@other' }), /is not/],
  ['aud by the Host header', () => ({ aud: 'http://evil.example/sandbox/token' }), /is not/],
  ['iss that is not sub', () => ({ iss: 'somebody' }), /iss and sub/],
  ['no iss', () => ({ iss: undefined as never }), /iss and sub/],
  ['no sub', () => ({ sub: undefined as never }), /iss and sub/],
]
test('refuses an assertion whose claims break a rule, and says which', async (t) => {
  const { clients, post, issuer } = await testServers(t, { count: 1 })
  const key = testKey('ES256', 'k')
  clients.set(sandboxId, { keys: [{ credentialId: 'crd_k', jwk: key.jwk }] })
  const placed = (aud: unknown): unknown => {
    if (Array.isArray(aud)) return aud.map(placed)
    return typeof aud === 'string'
      ? aud.replace('@issuer', issuer('sandbox')).replace('@other', issuer('production'))
      : aud
  }
  for (const [title, claims, description] of claimCases) {
    await t.test(title, async () => {
      const given = { iss: sandboxId, sub: sandboxId, aud: '@issuer', ...claims() }
      const jws = await assertion(key, { ...given, aud: placed(given.aud) as string })
      const form = assertionForm(jws)
      const answer = await post('/sandbox/token', form, { host: 'evil.example' })
      refused(answer, 401, 'invalid_client', description)
    })
  }
  await t.test('none broken: it is accepted at the very limit', async () => {
    const at = now()
    const claims = { iss: sandboxId, sub: sandboxId, aud: issuer('sandbox') }
    const jws = await assertion(key, { ...claims, iat: at, exp: at + 300 })
    assert.equal((await post('/sandbox/token', assertionForm(jws))).status, 200)
    const without = await assertion(key, { ...claims, iat: undefined as never })
    assert.equal((await post('/sandbox/token', assertionForm(without))).status, 200)
    // FAPI 2.0 asks for 10 s, for clocks that are ahead of ours.
    const times = { iat: now() + 10, nbf: now() + 10, exp: now() + 70 }
    const early = await assertion(key, { ...claims, ...times })
    assert.equal((await post('/sandbox/token', assertionForm(early))).status, 200)
  })
})

test('refuses an assertion that is not one strict compact JWS with an allowed header', async (t) => {
  const { clients, post, issuer } = await testServers(t, { count: 1 })
  const key = testKey('ES256', 'k')
  const weak = testKey('RS256', 'weak', 1_024)
  const pss = testKey('PS256', 'pss')
  clients.set(sandboxId, {
    keys: [key, weak, pss].map(({ jwk }) => ({ credentialId: `crd_${jwk.kid}`, jwk })),
  })
  const claims = { iss: sandboxId, sub: sandboxId, aud: issuer('sandbox') }
  const good = () => assertion(key, claims)
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const [, payload, signature] = (await good()).split('.')
  const cases: [string, string][] = [
    ['two parts', `${encode({ alg: 'ES256' })}.${payload}`],
    ['five parts', `${await good()}.a.b`],
    ['padding', `${await good()}==`],
    ['a space', `${(await good()).replace('.', '. ')}`],
    ['standard base64', (await good()).replace(/.$/, '+')],
    ['no signature', `${encode({ alg: 'none' })}.${payload}.`],
    ['alg none', `${encode({ alg: 'none' })}.${payload}.${signature}`],
    ['HS256', `${encode({ alg: 'HS256' })}.${payload}.${signature}`],
    ['ES384', `${encode({ alg: 'ES384' })}.${payload}.${signature}`],
    ['EdDSA', `${encode({ alg: 'EdDSA' })}.${payload}.${signature}`],
    ['crit', `${encode({ alg: 'ES256', crit: ['b64'], b64: false })}.${payload}.${signature}`],
    ['another typ', await assertion(key, claims, { typ: 'at+jwt' })],
    ['a kid that is a number', await assertion(key, claims, { kid: 5 })],
    ['an empty kid', await assertion(key, claims, { kid: '' })],
    ['claims that are a list', `${encode({ alg: 'ES256' })}.${encode([])}.${signature}`],
    ['a header that is text', `${encode('ES256')}.${payload}.${signature}`],
    ['nothing readable', 'a.b.c'],
    ['an RSA key of 1024 bits', 'weak'],
    ['a PS256 key used for RS256', 'downgrade'],
    ['a signature by another key', await assertion({ ...key, ...testKey('ES256', 'k') }, claims)],
    [
      'altered claims',
      `${encode({ alg: 'ES256' })}.${encode({ ...claims, exp: now() + 60, jti: 'x' })}.${signature}`,
    ],
  ]
  for (const [title, given] of cases) {
    await t.test(title, async () => {
      let jws = given
      if (given === 'weak') jws = await weakAssertion(weak, claims)
      if (given === 'downgrade') jws = await assertion({ ...pss, alg: 'RS256' }, claims)
      refused(await post('/sandbox/token', assertionForm(jws)), 401, 'invalid_client')
    })
  }
  assert.equal((await post('/sandbox/token', assertionForm(await good()))).status, 200)
})

/** jose refuses to sign with a short key, so this one is signed by hand. */
async function weakAssertion(key: TestKey, claims: Claims): Promise<string> {
  const { sign } = await import('node:crypto')
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const data = `${encode({ alg: 'RS256', kid: 'weak' })}.${encode({ ...claims, exp: now() + 60, jti: 'weak' })}`
  return `${data}.${sign('sha256', Buffer.from(data), key.privateKey).toString('base64url')}`
}

const form = (values: Record<string, string>): string => new URLSearchParams(values).toString()
const post0 = { ...grant, client_id: sandboxId, client_secret: sandboxSecret }
const requestCases: [
  title: string,
  body: string,
  headers: Record<string, string>,
  status: number,
  error: string,
  description?: RegExp,
][] = [
  [
    'header and body secret',
    form(post0),
    basic(sandboxId, sandboxSecret),
    400,
    'invalid_request',
    /one way/,
  ],
  [
    'header and assertion',
    form({ ...assertionForm('a.b.c') }),
    basic(sandboxId, sandboxSecret),
    400,
    'invalid_request',
    /one way/,
  ],
  [
    'secret and assertion',
    form({ ...post0, ...assertionForm('a.b.c') }),
    {},
    400,
    'invalid_request',
    /one way/,
  ],
  [
    'secret and assertion type alone',
    form({ ...post0, client_assertion_type: 'x' }),
    {},
    400,
    'invalid_request',
    /one way/,
  ],
  [
    'bearer header and secret',
    form(post0),
    { authorization: 'Bearer x' },
    400,
    'invalid_request',
    /one way/,
  ],
  [
    'two client ids',
    form({ ...grant, client_id: 'other' }),
    basic(sandboxId, sandboxSecret),
    400,
    'invalid_request',
  ],
  [
    'client id beside its own assertion',
    form({ ...assertionForm('a.b.c'), client_id: 'other' }),
    {},
    401,
    'invalid_client',
  ],
  ['no authentication', form({ ...grant, client_id: sandboxId }), {}, 401, 'invalid_client'],
  ['nothing at all', '', {}, 400, 'invalid_request'],
  ['another scheme', form(grant), { authorization: 'Digest x' }, 400, 'invalid_request'],
  ['basic that is no base64', form(grant), { authorization: 'Basic %%%' }, 400, 'invalid_request'],
  [
    'a wrong assertion type',
    form({ ...assertionForm('a.b.c'), client_assertion_type: 'saml' }),
    {},
    400,
    'invalid_request',
    /client_assertion_type/,
  ],
  [
    'a repeated parameter',
    `${form(post0)}&scope=sim-swap%3Acheck`,
    {},
    400,
    'invalid_request',
    /'scope' must not be sent twice/,
  ],
  [
    'a repeated unknown parameter',
    `${form(post0)}&x=1&x=2`,
    {},
    400,
    'invalid_request',
    /'x' must not/,
  ],
  [
    'a parameter repeated in other letters',
    `${form(post0)}&%73cope=x`,
    {},
    400,
    'invalid_request',
    /'scope'/,
  ],
  ['a broken escape', `${form(post0)}&x=%zz`, {}, 400, 'invalid_request', /well-formed/],
  ['no UTF-8', `${form(post0)}&x=%ff`, {}, 400, 'invalid_request', /well-formed/],
  [
    'a NUL',
    `${form({ ...grant, client_secret: 'x' })}&client_id=a%00b`,
    {},
    400,
    'invalid_request',
    /well-formed/,
  ],
  [
    'JSON',
    JSON.stringify(post0),
    { 'content-type': 'application/json' },
    400,
    'invalid_request',
    /content-type/,
  ],
  ['no content-type', form(post0), { 'content-type': '' }, 400, 'invalid_request', /content-type/],
  [
    'UTF-16',
    form(post0),
    { 'content-type': 'application/x-www-form-urlencoded; charset=utf-16' },
    400,
    'invalid_request',
    /content-type/,
  ],
  ['gzip', form(post0), { 'content-encoding': 'gzip' }, 400, 'invalid_request', /content-encoding/],
  ['a body of 65 537 bytes', `x=${'a'.repeat(65_535)}`, {}, 413, 'invalid_request', /larger/],
  ['a body of 49 153 bytes', `x=${'a'.repeat(49_151)}`, {}, 413, 'invalid_request', /larger/],
  [
    'a malformed x-correlator',
    form(post0),
    { 'x-correlator': 'a b' },
    400,
    'invalid_request',
    /x-correlator/,
  ],
  [
    'no grant type',
    form({ client_id: sandboxId, client_secret: sandboxSecret }),
    {},
    400,
    'invalid_request',
  ],
  [
    'the password grant',
    form({ ...post0, grant_type: 'password' }),
    {},
    400,
    'unsupported_grant_type',
  ],
  [
    'the code grant',
    form({ ...post0, grant_type: 'authorization_code', code: 'x' }),
    {},
    400,
    'unsupported_grant_type',
  ],
  [
    'CIBA',
    form({ ...post0, grant_type: 'urn:openid:params:grant-type:ciba' }),
    {},
    400,
    'unsupported_grant_type',
  ],
  ['a refresh', form({ ...post0, grant_type: 'refresh_token' }), {}, 400, 'unsupported_grant_type'],
  [
    'a client id that is too long',
    form({ ...post0, client_id: 'x'.repeat(1_000) }),
    {},
    401,
    'invalid_client',
  ],
  ['a client id in Cyrillic', form({ ...post0, client_id: 'клиент' }), {}, 401, 'invalid_client'],
  [
    'a prototype for a client id',
    form({ ...post0, client_id: '__proto__' }),
    {},
    401,
    'invalid_client',
  ],
]
test('refuses a request that breaks a rule', async (t) => {
  const { post } = await testServers(t, { count: 1 })
  for (const [title, body, headers, status, error, description] of requestCases) {
    await t.test(title, async () => {
      refused(await post('/sandbox/token', body, headers), status, error, description)
    })
  }
  assert.equal((await post('/sandbox/token', form(post0))).status, 200)
})

test('refuses parameters in the URL, and any credential there', async (t) => {
  const { post } = await testServers(t, { count: 1 })
  const answer = await post(`/sandbox/token?${form(post0)}`, form(post0))
  refused(answer, 400, 'invalid_request', /must be treated as leaked/)
})

test('echoes x-correlator, and makes one when there is none', async (t) => {
  const { post } = await testServers(t, { count: 1 })
  const given = await post('/sandbox/token', form(post0), { 'x-correlator': 'my-call_1' })
  assert.equal(given.headers['x-correlator'], 'my-call_1')
  const made = await post('/sandbox/token', form(post0))
  assert.match(String(made.headers['x-correlator']), /^[0-9a-f-]{36}$/)
})

test('limits failures by client and address, and never locks the owner out', async (t) => {
  const { post } = await testServers(t)
  const fail = () => post('/sandbox/token', grant, basic(sandboxId, wrongSecret))
  const answers = await Promise.all(Array.from({ length: 90 }, fail))
  const limited = answers.filter(({ status }) => status === 429)
  assert.equal(limited.length, 30)
  assert.ok(Number(limited[0]?.headers['retry-after']) > 0)
  assert.equal(limited[0]?.body.error, 'temporarily_unavailable')
  assert.equal(answers.length - limited.length, 60)
  assert.equal((await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))).status, 200)
  const other = await post('/sandbox/token', grant, basic('wl_sbx_other', wrongSecret))
  assert.equal(other.status, 401)
})

test('writes nothing for a success, and a used-up window costs no more writes', async (t) => {
  const { platform, post } = await testServers(t, { count: 1 })
  const count = async (): Promise<number> => {
    const { rows } = await platform.database.pool.query(
      'select sum(count)::int as n from platform.attempt_count',
    )
    return rows[0].n ?? 0
  }
  await post('/sandbox/token', form(post0))
  assert.equal(await count(), 0)
  const fail = () => post('/sandbox/token', grant, basic(sandboxId, wrongSecret))
  for (let i = 0; i < 61; i += 1) await fail()
  const before = await count()
  await fail()
  // one write, by address: the window of this client is known to be used up
  assert.equal(await count(), before + 1)
})

test('has only the endpoints of what is on', async (t) => {
  const { servers } = await testServers(t, { count: 1 })
  const base = `http://127.0.0.1:${servers[0]?.port()}`
  const absent = [
    '/sandbox',
    '/sandbox/',
    '/sandbox/auth',
    '/sandbox/auth/x',
    '/sandbox/me',
    '/sandbox/reg',
    '/sandbox/request',
    '/sandbox/session/end',
    '/sandbox/session/end/confirm',
    '/sandbox/device',
    '/sandbox/device/auth',
    '/sandbox/backchannel',
    '/sandbox/token/introspection',
    '/sandbox/token/revocation',
    '/sandbox/interaction/x',
    '/sandbox/TOKEN',
    '/sandbox/token/',
    '/staging/token',
    '/token',
    '/jwks',
    '/SANDBOX/jwks',
    '//sandbox/token',
    '/sandbox/../token',
    '/.well-known/openid-configuration',
    '/__proto__',
    '/constructor',
  ]
  for (const path of absent) {
    for (const method of ['GET', 'POST']) {
      const answer = await fetch(base + path, { method, redirect: 'manual' })
      assert.equal(answer.status, 404, `${method} ${path}`)
      const body = (await answer.json()) as Record<string, unknown>
      assert.equal(body.code, 'NOT_FOUND')
      assert.equal(body.status, 404)
    }
  }
  for (const [method, path, allow] of [
    ['GET', '/sandbox/token', 'POST'],
    ['OPTIONS', '/sandbox/token', 'POST'],
    ['POST', '/sandbox/jwks', 'GET, HEAD'],
    ['DELETE', '/', 'GET, HEAD'],
  ] as const) {
    const answer = await fetch(base + path, { method })
    assert.equal(answer.status, 405)
    assert.equal(answer.headers.get('allow'), allow)
    assert.equal(answer.headers.get('access-control-allow-origin'), null)
  }
  const listing = (await (await fetch(base)).json()) as { issuers: Record<string, string> }
  assert.deepEqual(Object.keys(listing.issuers), ['sandbox', 'production'])
})

test('serves no page of another origin', async (t) => {
  const { servers, post } = await testServers(t, { count: 1 })
  const origin = { origin: 'https://evil.example' }
  const token = await post('/sandbox/token', form(post0), origin)
  assert.equal(token.status, 200)
  const jwks = await fetch(`http://127.0.0.1:${servers[0]?.port()}/sandbox/jwks`, {
    headers: origin,
  })
  for (const headers of [new Headers(token.headers as Record<string, string>), jwks.headers]) {
    assert.deepEqual(
      [...headers.keys()].filter((name) => name.startsWith('access-control')),
      [],
    )
  }
})

/** Sends exact bytes and returns the status line's code, or '' when the connection was closed without one. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.write(text)
  await new Promise((resolve) => {
    socket.once('close', resolve)
  })
  return Buffer.concat(chunks).toString('latin1').split(' ')[1] ?? ''
}

test('refuses HTTP that two readers could read differently', async (t) => {
  const { servers } = await testServers(t, { count: 1 })
  const port = servers[0]?.port() ?? 0
  const body = form(post0)
  const head = (extra: string, length = body.length): string =>
    `POST /sandbox/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${length}\r\n${extra}\r\n`
  assert.equal(await raw(port, head('') + body), '200')
  const auth = Object.values(basic(sandboxId, wrongSecret))[0]
  for (const extra of [
    'Host: b\r\n',
    `Content-Length: ${body.length}\r\n`,
    'Content-Type: application/json\r\n',
    `Authorization: ${auth}\r\nAuthorization: ${auth}\r\n`,
    'Transfer-Encoding: chunked\r\n',
    `${'X-A: b\r\n'.repeat(120)}`,
  ]) {
    assert.equal(await raw(port, head(extra) + body), '400', extra)
  }
  assert.equal(await raw(port, head('', 1_000_000) + body), '413')
  const chunked = head('').replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked')
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
  assert.equal(await raw(port, `${chunked}${chunk(body)}0\r\n\r\n`), '200')
  assert.equal(await raw(port, chunked + chunk('a'.repeat(40_000)).repeat(2)), '413')
})
