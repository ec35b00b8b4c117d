import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyPluginAsync, FastifyPluginCallback } from 'fastify'
import { createAttempts } from '#platform/attempts'
import { createHttpServer, type HttpServer } from '#platform/http-server'
import { testPlatform } from '#platform/testing'
import { createIdentity } from './create-identity.ts'
import { requirePartner } from './require-partner.ts'
import { identityUnderTest } from './testing.ts'

const system = { kind: 'system', id: 'test' } as const

/** A route for everybody, for members, for staff and for both, for reading and for changing. */
const accesses = ['public', 'consent-count.read', 'staff.read', 'session.read'] as const
function probes(server: HttpServer): void {
  for (const access of accesses) {
    server.get(`/probe/${access}`, { config: { access } }, (request) => request.actor)
    server.post(`/probe/${access}`, { config: { access } }, (request) => request.actor)
  }
  server.get<{ Params: { id: string } }>(
    '/probe/of/:id',
    { config: { access: 'session.read' } },
    (request) => requirePartner(request, request.params.id),
  )
}

test('each kind of caller reaches exactly the routes that are declared for it', async (t) => {
  const { call, member, operator, identity } = await identityUnderTest(t, { extra: probes })
  const ada = await member('ada@example.com')
  const grace = await operator()
  const { token: partnerToken } = await identity.createToken({
    role: 'partner',
    partnerId: ada.partnerId,
    name: 'ci',
    createdBy: system,
  })
  const { token: operatorToken } = await identity.createToken({
    role: 'operator',
    name: 'ci',
    createdBy: system,
  })
  const callers = {
    anonymous: {},
    member: { cookie: ada.cookie },
    'partner token': { token: partnerToken },
    staff: { cookie: grace.cookie },
    'operator token': { token: operatorToken },
  }
  const allowed: Record<string, Record<string, number>> = {
    public: {
      anonymous: 200,
      member: 200,
      'partner token': 200,
      staff: 200,
      'operator token': 200,
    },
    'consent-count.read': {
      anonymous: 401,
      member: 200,
      'partner token': 200,
      staff: 403,
      'operator token': 403,
    },
    'staff.read': {
      anonymous: 401,
      member: 403,
      'partner token': 403,
      staff: 200,
      'operator token': 200,
    },
    'session.read': {
      anonymous: 401,
      member: 200,
      'partner token': 200,
      staff: 200,
      'operator token': 200,
    },
  }
  for (const [access, statuses] of Object.entries(allowed)) {
    for (const [name, caller] of Object.entries(callers)) {
      for (const method of ['GET', 'POST']) {
        const answer = await call(method, `/probe/${access}`, caller)
        assert.equal(answer.status, statuses[name], `${method} ${access} by ${name}`)
        assert.equal(answer.headers.get('cache-control'), 'no-store')
      }
    }
  }
  assert.deepEqual((await call('GET', '/probe/public', { token: partnerToken })).body, {
    kind: 'partner',
    id: (await call('GET', '/session', { token: partnerToken })).body.id,
    name: 'ci',
    partnerId: ada.partnerId,
    role: 'owner',
    via: 'token',
  })
  assert.deepEqual((await call('GET', '/probe/public')).body, { kind: 'anonymous' })
})

test('every refusal of an unknown caller reads the same, whatever is wrong with the credential', async (t) => {
  const { call, member, signIn } = await identityUnderTest(t, { extra: probes })
  const ada = await member('ada@example.com')
  const ended = await signIn('ada@example.com')
  await call('DELETE', '/session', { cookie: ended })
  const name = ada.cookie.split('=')[0]
  const answers = await Promise.all([
    call('GET', '/session'),
    call('GET', '/session', { cookie: ended }),
    call('GET', '/session', { cookie: `${name}=${'A'.repeat(43)}` }),
    call('GET', '/session', { cookie: `${name}=` }),
    call('GET', '/session', { cookie: `other=1; x; =; ${name}=a b` }),
    call('GET', '/session', { token: 'wl_tok_nonsense' }),
    call('GET', '/session', { token: '' }),
    call('GET', '/session', { token: `wl_tok_${'0'.repeat(49)}` }),
    call('GET', '/probe/of/prt_1'),
    call('GET', '/partners/prt_1/members'),
  ])
  for (const { status, body, headers } of answers) {
    assert.deepEqual(
      [status, body, headers.get('www-authenticate')],
      [
        401,
        { status: 401, code: 'UNAUTHENTICATED', message: 'Sign in, or send an API token.' },
        'Bearer',
      ],
    )
  }
})

test('a bearer token wins over the cookie, and a bad one is refused even where anybody may come', async (t) => {
  const { call, member, operator, identity } = await identityUnderTest(t, { extra: probes })
  const ada = await member('ada@example.com')
  await operator()
  const { token } = await identity.createToken({ role: 'operator', name: 'ci', createdBy: system })
  const both = await call('GET', '/probe/public', { cookie: ada.cookie, token })
  assert.equal(both.body.kind, 'operator')
  const bad = await call('GET', '/probe/public', { cookie: ada.cookie, token: `${token}x` })
  assert.equal(bad.status, 401)
  const basic = { headers: { authorization: 'Basic YTpi' } }
  assert.equal((await call('GET', '/probe/public', basic)).status, 200)
  assert.equal((await call('GET', '/probe/session.read', basic)).status, 401)
})

test('guessing tokens is stopped', async (t) => {
  const { call } = await identityUnderTest(t, { extra: probes })
  const answers = await Promise.all(
    Array.from({ length: 210 }, (_, i) => call('GET', '/probe/public', { token: `guess${i}` })),
  )
  assert.equal(answers.filter(({ status }) => status === 401).length, 200)
  assert.equal(answers.filter(({ status }) => status === 429).length, 10)
})

test('a change that a browser sends with the cookie must come from the portal', async (t) => {
  const { call, member, platform, identity } = await identityUnderTest(t, { extra: probes })
  const ada = await member('ada@example.com')
  const own = platform.config.portal.url
  const change = async (
    origin: string | false,
    headers: Record<string, string> = {},
    caller: object = { cookie: ada.cookie },
  ) => (await call('POST', '/probe/session.read', { ...caller, origin, headers })).status
  assert.equal(await change(own), 200)
  assert.equal(await change(false, { 'sec-fetch-site': 'same-origin' }), 200)
  assert.equal(await change('http://127.0.0.1:1', { 'sec-fetch-site': 'same-origin' }), 200)
  assert.equal(await change(false), 200, 'a program sends neither header')
  for (const origin of [
    'https://evil.example',
    'null',
    `${own}.evil.example`,
    own.replace('http', 'https'),
    `${own}0`,
    `${own}/`,
  ]) {
    assert.equal(await change(origin), 403, origin)
  }
  for (const site of ['cross-site', 'same-site']) {
    assert.equal(await change(false, { 'sec-fetch-site': site }), 403, site)
  }
  const read = { cookie: ada.cookie, origin: 'https://evil.example' }
  assert.equal(
    (await call('GET', '/probe/session.read', read)).status,
    200,
    'reading needs no proof',
  )
  const { token } = await identity.createToken({
    role: 'partner',
    partnerId: ada.partnerId,
    name: 'ci',
    createdBy: system,
  })
  assert.equal(await change('https://evil.example', {}, { token }), 200)
  assert.equal(await change('https://evil.example', {}, { token, cookie: ada.cookie }), 200)
})

test('another site cannot sign a visitor in', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const body = { email: ada.email, password: 'violet harbour 58 lantern' }
  const foreign = await call('POST', '/session', { body, origin: 'https://evil.example' })
  assert.equal(foreign.status, 403)
  assert.equal(foreign.cookie, undefined)
  assert.equal((await call('POST', '/session', { body, origin: false })).status, 201)
})

test('another’s partner and one that does not exist give the same answer', async (t) => {
  const { call, member, operator } = await identityUnderTest(t, { extra: probes })
  const ada = await member('ada@example.com')
  const eve = await member('eve@example.com')
  const grace = await operator()
  const other = await call('GET', `/probe/of/${eve.partnerId}`, { cookie: ada.cookie })
  const absent = await call('GET', '/probe/of/prt_absent', { cookie: ada.cookie })
  assert.equal(other.status, 404)
  assert.deepEqual(other.body, absent.body)
  assert.equal(
    (await call('GET', `/probe/of/${ada.partnerId}`, { cookie: ada.cookie })).status,
    200,
  )
  assert.equal(
    (await call('GET', `/probe/of/${ada.partnerId}`, { cookie: grace.cookie })).status,
    200,
  )
})

test('the server does not start with a route that does not say who may call it', async (t) => {
  const platform = await testPlatform(t)
  const { guard } = createIdentity(platform, {
    attempts: createAttempts(platform.database),
    mail: { send: () => Promise.resolve() },
    isSuspended: async () => false,
  })
  const started = (register: (server: HttpServer) => void) => async () => {
    const server = createHttpServer({ log: platform.log })
    void guard(server)
    register(server)
    await server.ready()
    await server.close()
  }
  const handler = (): object => ({})
  await assert.rejects(
    started((server) => server.get('/management/v1/open', handler)),
    /GET \/management\/v1\/open does not declare who may call it/,
  )
  await assert.rejects(
    started((server) => {
      const nested: FastifyPluginAsync = async (scope) => {
        scope.post('/nested', { config: {} }, handler)
      }
      server.register(nested, { prefix: '/management/v1' })
    }),
    /POST \/management\/v1\/nested does not declare/,
  )
  const misspelt = 'session.raed' as 'session.read'
  await assert.rejects(
    started((server) => server.get('/anywhere', { config: { access: misspelt } }, handler)),
    /does not declare/,
  )
  await started((server) => server.get('/page', handler))()
})

test('registered as a plugin, the guard still covers its siblings', async (t) => {
  const platform = await testPlatform(t)
  const { guard } = createIdentity(platform, {
    attempts: createAttempts(platform.database),
    mail: { send: () => Promise.resolve() },
    isSuspended: async () => false,
  })
  const server = createHttpServer({ log: platform.log })
  await server.register(guard as unknown as FastifyPluginCallback)
  server.get('/management/v1/closed', { config: { access: 'session.read' } }, () => ({}))
  assert.equal((await server.inject('/management/v1/closed')).statusCode, 401)
  await server.close()
})

test('an address that does not exist is 404 for everybody', async (t) => {
  const { call } = await identityUnderTest(t)
  assert.equal((await call('GET', '/absent')).status, 404)
  assert.equal((await call('POST', '/absent', { body: {} })).status, 404)
})

test('a bearer token that is none is refused, whatever else is shown, and lets no other site act with the cookie', async (t) => {
  const { call, member } = await identityUnderTest(t, { extra: probes })
  const { cookie } = await member('ada@example.com')
  for (const authorization of ['Bearer', 'Bearer one two', 'bearer  ,', 'Bearer one, Bearer two'])
    for (const access of ['public', 'session.read'])
      for (const given of [{ cookie }, {}]) {
        const origin = 'https://elsewhere.example'
        const asked = { ...given, headers: { authorization }, origin }
        assert.equal((await call('POST', `/probe/${access}`, asked)).status, 401, authorization)
      }
  const other = { cookie, headers: { authorization: 'Basic eDp5' } }
  assert.equal((await call('POST', '/probe/session.read', other)).status, 200)
})
