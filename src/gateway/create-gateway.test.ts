import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import {
  application,
  contract,
  customer,
  silent,
  subscription,
  type TestGateway,
  testGateway,
  testKey,
  testUpstream,
} from './testing.ts'
import { payments, simSwap } from './testing-entries.ts'

const key = testKey()
const check = '/sim-swap/v2/check'
const number = '+99012345678'
const body = JSON.stringify({ phoneNumber: number, maxAge: 24 })
const json = { 'content-type': 'application/json' }

type Context = Parameters<typeof testUpstream>[0]

async function setup(t: Context, terms: Parameters<typeof contract>[1] = {}, more = {}) {
  const upstream = await testUpstream(t)
  const entries = [simSwap(upstream.url), payments(upstream.url), key.entry, ...customer(1, terms)]
  const gateway = await testGateway(t, entries, more)
  return { upstream, ...gateway, token: key.token(1) }
}

const post = (
  gateway: Pick<TestGateway, 'url'>,
  path: string,
  token: string | undefined,
  init: { body?: string; headers?: Record<string, string>; method?: string } = {},
): Promise<Response> =>
  fetch(gateway.url + path, {
    method: init.method ?? 'POST',
    headers: {
      ...(init.body === undefined ? {} : json),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...init.headers,
    },
    ...(init.body === undefined ? {} : { body: init.body }),
  })

async function refusal(
  response: Response,
): Promise<{ status: number; code: string; message: string }> {
  const parsed = (await response.json()) as { status: number; code: string; message: string }
  assert.equal(parsed.status, response.status)
  assert.ok(parsed.message.length > 0 && parsed.message.length <= 512)
  assert.match(response.headers.get('x-correlator') ?? '', /^[\w-]+$/)
  return parsed
}

test('a correlator with a number is echoed and passed on, and written down nowhere', async (t) => {
  const lines: string[] = []
  const log: typeof silent = Object.assign(Object.create(silent) as typeof silent, {
    warn: (...line: unknown[]) => void lines.push(JSON.stringify(line)),
  })
  const { upstream, journal, token, ...gateway } = await setup(t, {}, { log })
  const headers = { 'x-correlator': `check-${number.slice(1)}` }
  const response = await post(gateway, check, token, { body, headers })
  assert.equal(response.headers.get('x-correlator'), headers['x-correlator'])
  assert.equal(upstream.requests[0]?.headers['x-correlator'], headers['x-correlator'])
  upstream.answer = (_request, answer) => void answer.end('no JSON')
  assert.equal((await post(gateway, check, token, { body, headers })).status, 502)
  const [first, second] = journal.records
  assert.match(first?.correlator ?? '', /^hashed:/)
  assert.equal(first?.correlator, second?.correlator)
  assert.equal(lines.length, 1)
  assert.ok(lines[0]?.includes(String(first?.correlator)))
  for (const text of [...lines, JSON.stringify(journal.records)])
    assert.ok(!text.includes(number.slice(1)))
})

test('a good call reaches the upstream as it was sent, is answered, and is written down with its price', async (t) => {
  const { upstream, journal, token, ...gateway } = await setup(t)
  const response = await post(gateway, check, token, { body, headers: { 'x-correlator': 'abc-1' } })
  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), { swapped: false })
  assert.equal(response.headers.get('x-correlator'), 'abc-1')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const [record] = journal.records
  assert.equal(response.headers.get('x-exchange-id'), record?.id)
  assert.equal(record?.units, 1)
  assert.equal(record?.priceId, 'prc_sim')
  assert.equal(record?.applicationId, 'app_1')
  assert.equal(record?.contractId, 'ctr_1')
  assert.equal(record?.credentialId, 'crd_1')
  assert.equal(record?.correlator, 'abc-1')
  assert.equal(JSON.stringify(record).includes(number), false)
  const [request] = upstream.requests
  assert.equal(request?.url, check)
  assert.equal(request?.body, body)
  const { host, connection, ...headers } = request?.headers ?? {}
  assert.ok(host && connection)
  assert.deepEqual(headers, {
    accept: 'application/json',
    'content-length': String(body.length),
    'content-type': 'application/json',
    'x-correlator': 'abc-1',
    'x-wayleave-application': 'app_1',
    'x-wayleave-partner': 'prt_1',
    'x-wayleave-environment': 'sandbox',
    'x-wayleave-operation': 'sim-swap/v2 checkSimSwap',
    'x-wayleave-deadline-ms': '10000',
  })
})

test('nothing that a caller adds goes along: header fields, query names, aliases', async (t) => {
  const { upstream, token, ...gateway } = await setup(t)
  const path = '/payments/v0.5/payments?page=2&debug=1&status=denied&status=succeeded'
  const response = await fetch(gateway.url + path, {
    headers: {
      authorization: `Bearer ${token}`,
      'x-forwarded-for': '1.2.3.4',
      'x-wayleave-partner': 'prt_other',
      'x-trace-level': 'b',
      x_trace_level: 'a',
      cookie: 'a=b',
      'x-original-url': '/other',
    },
  })
  // The test upstream answers an object where the document has a list.
  assert.equal(response.status, 502)
  const [request] = upstream.requests
  assert.equal(request?.url, '/payments/v0.5/payments?page=2&status=denied&status=succeeded')
  assert.equal(request?.headers['x-trace-level'], 'b')
  assert.equal(request?.headers['x-wayleave-partner'], 'prt_1')
  for (const name of [
    'authorization',
    'x-forwarded-for',
    'x_trace_level',
    'cookie',
    'x-original-url',
  ])
    assert.equal(request?.headers[name], undefined, name)
})

const before: readonly [string, string, Parameters<typeof post>[3], number, string][] = [
  ['an unknown path', '/nothing', {}, 404, 'NOT_FOUND'],
  ['a method that the path does not have', check, { method: 'DELETE' }, 405, 'METHOD_NOT_ALLOWED'],
  ['HEAD', check, { method: 'HEAD' }, 405, ''],
  ['OPTIONS', check, { method: 'OPTIONS' }, 405, 'METHOD_NOT_ALLOWED'],
  [
    'a correlator with a space',
    check,
    { headers: { 'x-correlator': 'a b' } },
    400,
    'INVALID_ARGUMENT',
  ],
  [
    'a correlator of 257',
    check,
    { headers: { 'x-correlator': 'a'.repeat(257) } },
    400,
    'INVALID_ARGUMENT',
  ],
  ['an encoded slash', '/sim-swap%2fv2/check', {}, 400, 'INVALID_ARGUMENT'],
  ['a doubled slash', '/sim-swap//v2/check', {}, 400, 'INVALID_ARGUMENT'],
  ['an encoded letter', '/sim-swap/v2/%63heck', {}, 400, 'INVALID_ARGUMENT'],
  ['a query that cannot be read', `${check}?a=%zz`, {}, 400, 'INVALID_ARGUMENT'],
  ['no token', check, {}, 401, 'UNAUTHENTICATED'],
  [
    'a token that is none',
    check,
    { headers: { authorization: 'Bearer x' } },
    401,
    'UNAUTHENTICATED',
  ],
  ['a password', check, { headers: { authorization: 'Basic eDp5' } }, 401, 'UNAUTHENTICATED'],
]
for (const [what, path, init, status, code] of before)
  test(`before anyone is known, ${what} is ${status} ${code}`, async (t) => {
    const { upstream, journal, ...gateway } = await setup(t)
    const response = await post(gateway, path, undefined, init)
    assert.equal(response.status, status)
    if (code !== '') assert.equal((await refusal(response)).code, code)
    assert.ok(response.headers.get('x-correlator'))
    assert.equal(upstream.requests.length, 0)
    assert.equal(journal.records[0]?.units, 0)
    assert.equal(journal.records[0]?.applicationId, undefined)
    if (status === 401)
      assert.match(
        response.headers.get('www-authenticate') ?? '',
        // RFC 6750 section 3.1: no error where nothing was shown that could be wrong.
        what === 'a token that is none'
          ? /^Bearer error="invalid_token", DPoP algs="ES256 /
          : /^Bearer, DPoP algs="ES256 /,
      )
    if (status === 405) assert.equal(response.headers.get('allow'), 'POST')
  })

test('every cause of a 401 has the same answer, byte for byte', async (t) => {
  const { snapshot, ...gateway } = await setup(t)
  const answers = new Set<string>()
  const tokens = [
    undefined,
    'x.y.z',
    key.token(1, { exp: 1 }),
    key.token(1, { aud: 'http://localhost:8081' }),
    key.token(1, { crd: 'crd_gone' }),
    key.token(99),
    testKey('key-1').token(1),
    testKey('other').token(1),
  ]
  for (const token of tokens) {
    const response = await post(gateway, check, token, { body })
    assert.equal(response.status, 401)
    answers.add(await response.text())
  }
  assert.equal(answers.size, 1)
  assert.ok(snapshot.reads > 0)
})

const known: readonly [string, Parameters<typeof post>[3], number, string][] = [
  ['no body', {}, 400, 'INVALID_ARGUMENT'],
  [
    'another media type',
    { body: 'a=b', headers: { 'content-type': 'text/plain' } },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'another charset',
    { body, headers: { 'content-type': 'application/json; charset=latin1' } },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'a compressed body',
    { body, headers: { 'content-encoding': 'gzip' } },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  ['a body that is no JSON', { body: '{' }, 400, 'INVALID_ARGUMENT'],
  ['a list where an object is documented', { body: '[]' }, 400, 'INVALID_ARGUMENT'],
  ['a wrong type', { body: '{"maxAge":"24"}' }, 400, 'INVALID_ARGUMENT'],
  ['a number without its plus', { body: '{"phoneNumber":"99012345678"}' }, 400, 'INVALID_ARGUMENT'],
  ['a value outside its range', { body: '{"maxAge":2401}' }, 400, 'OUT_OF_RANGE'],
  [
    'a value outside its range and another fault',
    { body: '{"maxAge":0,"phoneNumber":1}' },
    400,
    'INVALID_ARGUMENT',
  ],
  [
    'a body of more than 1 MiB',
    { body: `{"phoneNumber":"${'1'.repeat(1_048_577)}"}` },
    413,
    'PAYLOAD_TOO_LARGE',
  ],
]
for (const [what, init, status, code] of known)
  test(`from a known caller, ${what} is ${status} ${code}, is journalled, and reaches nobody`, async (t) => {
    const { upstream, journal, token, ...gateway } = await setup(t)
    const answer = await refusal(await post(gateway, check, token, init))
    assert.equal(answer.status, status)
    assert.equal(answer.code, code)
    assert.equal(/\+?\d{8}/.test(answer.message), false)
    assert.equal(upstream.requests.length, 0)
    const [record] = journal.records
    assert.equal(record?.status, status)
    assert.equal(record?.code, code)
    assert.equal(record?.applicationId, 'app_1')
    assert.equal(record?.units, 0)
  })

test('a message about bad input names every field', async (t) => {
  const { token, ...gateway } = await setup(t)
  const bad = '{"maxAge":"x","phoneNumber":"12"}'
  const { message } = await refusal(await post(gateway, check, token, { body: bad }))
  assert.match(message, /\/maxAge/)
  assert.match(message, /\/phoneNumber/)
})

test('parameters of path, query and header are held to the document', async (t) => {
  const { upstream, token, ...gateway } = await setup(t)
  const get = (path: string, headers: Record<string, string> = {}) =>
    post(gateway, `/payments/v0.5${path}`, token, { method: 'GET', headers })
  for (const path of [
    '/payments?page=0',
    '/payments?page=x',
    '/payments?page=1&page=2',
    '/payments?status=other',
    `/payments/${'a'.repeat(41)}`,
  ])
    assert.equal((await get(path)).status, 400, path)
  assert.equal((await get('/payments', { 'x-trace-level': 'c' })).status, 400)
  assert.equal(upstream.requests.length, 0)
  upstream.answer = (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('[]')
  }
  for (const path of ['/payments', '/payments?page=1&status=denied', '/payments?unknown=1'])
    assert.equal((await get(path)).status, 200, path)
  const withBody = await fetch(`${gateway.url}/payments/v0.5/payments/p1`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}`, ...json },
    body: '{}',
  })
  assert.equal(withBody.status, 400)
})

test('a refusal for scopes names only those that are missing, for each way of calling the operation', async (t) => {
  const { snapshot, ...gateway } = await setup(t)
  for (const [scopes, scope, words, challenge] of [
    [[['a', 'b', 'c']], 'a c', 'b', 'a b c'],
    [
      [
        ['a', 'b'],
        ['c', 'd', 'e'],
      ],
      'b c',
      'a, or d and e',
      'a b',
    ],
    [
      [
        ['a', 'b'],
        ['a', 'c'],
      ],
      'b c',
      'a',
      'a b',
    ],
    [[['a'], ['b']], '', 'a, or b', 'a'],
  ] as const) {
    const [one] = simSwap(gateway.upstream.url).operations
    assert.ok(one)
    snapshot.put(simSwap(gateway.upstream.url, { operations: [{ ...one, scopes }] }))
    const response = await post(gateway, check, key.token(1, { scope }), { body })
    assert.equal(response.status, 403)
    const expected = `Bearer error="insufficient_scope", scope="${challenge}"`
    assert.equal(response.headers.get('www-authenticate'), expected)
    assert.equal(
      (await refusal(response)).message,
      `The access token lacks the scope ${words}. Ask for it when you request a token.`,
    )
  }
})

test('what is missing is named: subscription, contract, scope, or an active application', async (t) => {
  const { snapshot, journal, token, ...gateway } = await setup(t)
  const message = async (): Promise<string> => {
    const answer = await refusal(await post(gateway, check, token, { body }))
    assert.equal(answer.code, 'PERMISSION_DENIED')
    return answer.message
  }
  snapshot.put(subscription(1, { apiId: 'other/v1' }))
  assert.match(await message(), /no subscription to sim-swap\/v2/)
  snapshot.put(subscription(1, { state: 'suspended' }))
  assert.match(await message(), /subscription.*suspended/)
  snapshot.put(subscription(1), contract(1, { state: 'suspended' }))
  assert.match(await message(), /contract.*not active/)
  snapshot.put(contract(1, { partnerId: 'prt_other' }))
  assert.match(await message(), /contract.*not active/)
  snapshot.put(contract(1), application(1, { state: 'suspended' }))
  assert.match(await message(), /application is suspended/)
  snapshot.put(application(1))
  const scopeless = await refusal(
    await post(gateway, check, key.token(1, { scope: 'other' }), { body }),
  )
  assert.equal(scopeless.code, 'PERMISSION_DENIED')
  assert.match(scopeless.message, /lacks the scope sim-swap:check, or sim-swap\. Ask/)
  assert.equal(
    (await post(gateway, check, key.token(1, { scope: 'sim-swap' }), { body })).status,
    200,
  )
  assert.ok(journal.records.every((record) => record.applicationId === 'app_1'))
})

test('a subscription that names the API wins over one to all', async (t) => {
  const { snapshot, journal, token, ...gateway } = await setup(t)
  const named = { ...subscription(1), id: 'sub_named', apiId: 'sim-swap/v2', contractId: 'ctr_2' }
  snapshot.put(contract(2, { partnerId: 'prt_1' }), named)
  assert.equal((await post(gateway, check, token, { body })).status, 200)
  assert.equal(journal.records[0]?.contractId, 'ctr_2')
  snapshot.remove(named)
  assert.equal((await post(gateway, check, token, { body })).status, 200)
  assert.equal(journal.records[1]?.contractId, 'ctr_1')
})

test('a change counts from the next call on: deleted secret, suspension, new key set, retirement', async (t) => {
  const { snapshot, upstream, token, ...gateway } = await setup(t)
  const status = async () => (await post(gateway, check, token, { body })).status
  assert.equal(await status(), 200)
  snapshot.put(application(1, { credentialIds: ['crd_new'] }))
  assert.equal(await status(), 401)
  snapshot.put(application(1))
  await eventually(async () => (await status()) === 200)
  snapshot.remove(key.entry)
  assert.equal(await status(), 401)
  snapshot.put(key.entry)
  await eventually(async () => (await status()) === 200)
  snapshot.put(simSwap(upstream.url, { lifecycle: 'retired' }))
  assert.equal(await status(), 410)
  snapshot.put(simSwap(upstream.url, { lifecycle: 'draft' }))
  assert.equal(await status(), 404)
  snapshot.put(simSwap(upstream.url, { lifecycle: 'deprecated' }))
  assert.equal(await status(), 200)
})

test('an application, a key and a subscription of a moment ago work at once: the feed is asked', async (t) => {
  const { snapshot, ...gateway } = await setup(t)
  const fresh = testKey('fresh-key')
  snapshot.arriving.push(fresh.entry, application(5))
  const { catchUp } = snapshot
  snapshot.catchUp = async () => {
    await catchUp()
    if (snapshot.reads === 2) snapshot.arriving.push(contract(5), subscription(5))
  }
  assert.equal((await post(gateway, check, fresh.token(5), { body })).status, 200)
})

test('an old token of an unknown client asks the feed once and is then refused from memory', async (t) => {
  const { snapshot, ...gateway } = await setup(t)
  const old = key.token(77, { iat: Math.floor(Date.now() / 1_000) - 300 })
  for (let i = 0; i < 5; i += 1)
    assert.equal((await post(gateway, check, old, { body })).status, 401)
  assert.equal(snapshot.reads, 1)
})

test('rates are shared by the applications of a contract, exact, and say when to come back', async (t) => {
  const { snapshot, upstream, token, ...gateway } = await setup(t, {
    rate: [
      { limit: 5, windowSeconds: 60 },
      { limit: 100, windowSeconds: 1 },
    ],
  })
  const second = application(2, { partnerId: 'prt_1' })
  snapshot.put(second, subscription(2, { contractId: 'ctr_1' }))
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      post(gateway, check, i % 2 === 0 ? token : key.token(2), { body }),
    ),
  )
  assert.equal(answers.filter((answer) => answer.status === 200).length, 5)
  const refused = answers.find((answer) => answer.status === 429) ?? assert.fail()
  assert.equal((await refusal(refused)).code, 'TOO_MANY_REQUESTS')
  const retryAfter = Number(refused.headers.get('retry-after'))
  assert.ok(retryAfter > 50 && retryAfter <= 60)
  assert.match(refused.headers.get('ratelimit') ?? '', /^"60s";r=0;t=\d+, "1s";r=95;t=1$/)
  assert.equal(refused.headers.get('ratelimit-policy'), '"60s";q=5;w=60, "1s";q=100;w=1')
  assert.equal(upstream.requests.length, 5)
})

test('the quota admits exactly its number; refused and failed calls do not use it', async (t) => {
  const { upstream, journal, token, ...gateway } = await setup(t, {
    tier: 'paid',
    quota: { limit: 10, period: 'month' },
  })
  await Promise.all(Array.from({ length: 5 }, () => post(gateway, check, token, { body: '{' })))
  await post(gateway, check, key.token(1, { scope: 'none' }), { body })
  const fine = upstream.answer
  upstream.answer = (_request, response) => response.writeHead(500).end()
  assert.equal((await post(gateway, check, token, { body })).status, 502)
  upstream.answer = fine
  const answers = await Promise.all(
    Array.from({ length: 25 }, () => post(gateway, check, token, { body })),
  )
  assert.equal(answers.filter((answer) => answer.status === 200).length, 10)
  const refused = answers.find((answer) => answer.status === 429) ?? assert.fail()
  assert.equal((await refusal(refused)).code, 'QUOTA_EXCEEDED')
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal(
    journal.records.reduce((sum, record) => sum + record.units, 0),
    10,
  )
})

test('without the quota ledger a paid contract is refused as unavailable, and a free one goes on', async (t) => {
  const quota = { limit: 10, period: 'day' } as const
  const { snapshot, ledger, token, ...gateway } = await setup(t, { tier: 'paid', quota })
  ledger.down = true
  assert.equal((await refusal(await post(gateway, check, token, { body }))).code, 'UNAVAILABLE')
  snapshot.put(...customer(2, { tier: 'free', quota }))
  assert.equal((await post(gateway, check, key.token(2), { body })).status, 200)
})

test('a journal that cannot be written refuses before anything is done, and never bills what it could not write', async (t) => {
  const { upstream, journal, ledger, token, ...gateway } = await setup(t, {
    tier: 'paid',
    quota: { limit: 10, period: 'day' },
  })
  journal.unhealthy = true
  assert.equal((await refusal(await post(gateway, check, token, { body }))).code, 'UNAVAILABLE')
  assert.equal(gateway.gateway.ready(), false)
  assert.equal(upstream.requests.length, 0)
  journal.unhealthy = false
  journal.failing = true
  const lost = await post(gateway, check, token, { body })
  assert.equal((await refusal(lost)).code, 'UNAVAILABLE')
  journal.failing = false
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => post(gateway, check, token, { body })),
  )
  assert.equal(answers.filter((answer) => answer.status === 200).length, 10)
  assert.ok(ledger.used.size > 0)
})

test('anonymous refusals are journalled up to 50 a second, and the others counted', async (t) => {
  const { journal, ...gateway } = await setup(t)
  await Promise.all(Array.from({ length: 120 }, () => post(gateway, '/nothing', undefined)))
  const counted =
    (journal as unknown as { counters: Record<string, number> }).counters['unrecorded:404'] ?? 0
  assert.equal(journal.records.length + counted, 120)
  assert.ok(journal.records.length >= 50 && journal.records.length <= 100)
})

test('beyond its bound of calls at once it refuses, and serves again when they are done', async (t) => {
  const { upstream, token, ...gateway } = await setup(
    t,
    { tier: 'enterprise' },
    { limits: { inFlight: 3 } },
  )
  const held: (() => void)[] = []
  const fine = upstream.answer
  upstream.answer = (...args) => void held.push(() => fine(...args))
  const first = Array.from({ length: 3 }, () => post(gateway, check, token, { body }))
  await eventually(() => held.length === 3)
  const refused = await post(gateway, check, token, { body })
  assert.equal((await refusal(refused)).code, 'UNAVAILABLE')
  assert.equal(refused.headers.get('retry-after'), '1')
  for (const release of held) release()
  assert.deepEqual(
    (await Promise.all(first)).map((answer) => answer.status),
    [200, 200, 200],
  )
  upstream.answer = fine
  assert.equal((await post(gateway, check, token, { body })).status, 200)
})

test('a call for the other environment, by its host, is refused', async (t) => {
  const foreign = 'gateway.production.example:443'
  const { token, ...gateway } = await setup(t, {}, { foreignHosts: [foreign] })
  const { request } = await import('undici')
  const { statusCode, body: answer } = await request(`${gateway.url}${check}`, {
    method: 'POST',
    headers: { host: foreign, authorization: `Bearer ${token}`, ...json },
    body,
  })
  assert.equal(statusCode, 404)
  await answer.dump()
})

test('metrics count answers by operation and class of status, with labels from documents only', async (t) => {
  const { registry, token, ...gateway } = await setup(t)
  await post(gateway, check, token, { body })
  await post(gateway, '/random/path', undefined)
  const text = await registry.metrics()
  assert.match(
    text,
    /requests_total\{api="sim-swap\/v2",operation="checkSimSwap",tier="free",status="2xx"\} 1/,
  )
  assert.match(text, /requests_total\{api="none",operation="none",tier="none",status="4xx"\} 1/)
  assert.equal(text.includes('random'), false)
})
