import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import type { ApiEntry, SubjectRule } from '#snapshot'
import {
  type Answer,
  customer,
  sealing,
  type TestGateway,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { simSwap } from '../testing-entries.ts'
import { subjectRuleOf } from './subject-rule.ts'
import { ipv6Text } from './subscriber-identifier.ts'
import { sessions } from './testing-writes.ts'

type Context = Parameters<typeof testUpstream>[0]

const key = testKey()
const number = '+99012345678'
const other = '+99087654321'
const threeLegged = (phoneNumber = number, n = 1): string =>
  key.token(n, { sub: 'pairwise', sbj: sealing.seal(phoneNumber, `subject:wl_sbx_${n}`) })
const authenticatedBy = (amr: string[]): string =>
  key.token(1, { sub: 'pairwise', sbj: sealing.seal(number, 'subject:wl_sbx_1'), amr })
const twoLegged = key.token(1)

const withRule = (api: ApiEntry, operationId: string, subject: SubjectRule): ApiEntry => ({
  ...api,
  operations: api.operations.map((one) =>
    one.operationId === operationId ? { ...one, terms: { subject } } : one,
  ),
})

async function setup(
  t: Context,
  more: { answer?: Answer; change?: (apis: ApiEntry[]) => ApiEntry[] } = {},
) {
  const upstream = await testUpstream(t, more.answer)
  const apis = [simSwap(upstream.url), sessions(upstream.url)]
  const entries = [...(more.change?.(apis) ?? apis), key.entry, ...customer(1)]
  return { ...(await testGateway(t, entries)), upstream }
}

const send = (
  gateway: Pick<TestGateway, 'url'>,
  path: string,
  token: string,
  body: object,
): Promise<Response> =>
  fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const check = '/sim-swap/v2/check'
const session = '/sessions/v1/sessions'
const made: Answer = (_request, response) => {
  response.writeHead(201, { 'content-type': 'application/json' }).end('{"sessionId":"s"}')
}

const rules: readonly [string, string, object, number, string | undefined][] = [
  [check, threeLegged(), { phoneNumber: number }, 422, 'UNNECESSARY_IDENTIFIER'],
  [check, threeLegged(), { phoneNumber: other }, 422, 'UNNECESSARY_IDENTIFIER'],
  [check, threeLegged(), {}, 200, undefined],
  [check, twoLegged, { phoneNumber: number }, 200, undefined],
  [check, twoLegged, {}, 422, 'MISSING_IDENTIFIER'],
  [check, twoLegged, { phoneNumber: 'abc' }, 400, 'INVALID_ARGUMENT'],
  [check, threeLegged(), { phoneNumber: 'abc' }, 400, 'INVALID_ARGUMENT'],
  [session, twoLegged, {}, 422, 'MISSING_IDENTIFIER'],
  [session, twoLegged, { device: {} }, 400, 'INVALID_ARGUMENT'],
  [
    session,
    twoLegged,
    { device: { networkAccessIdentifier: 'a@b' } },
    422,
    'UNSUPPORTED_IDENTIFIER',
  ],
  [
    session,
    threeLegged(),
    { device: { networkAccessIdentifier: 'a@b' } },
    422,
    'UNNECESSARY_IDENTIFIER',
  ],
  [session, threeLegged(), { device: { ipv6Address: '::1' } }, 422, 'UNNECESSARY_IDENTIFIER'],
  [session, twoLegged, { device: { ipv6Address: '::1', phoneNumber: number } }, 200, undefined],
  [
    session,
    twoLegged,
    { device: { networkAccessIdentifier: 'a', ipv6Address: '::1' } },
    200,
    undefined,
  ],
]
test('a subscriber is named by the token or by the request, and never by both', async (t) => {
  const gateway = await setup(t, {
    answer: (request, response, body) => {
      if (request.url === session) made(request, response, body)
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{"swapped":true}')
    },
  })
  for (const [path, token, body, status, code] of rules) {
    const response = await send(gateway, path, token, body)
    const answer = (await response.json()) as { code?: string }
    assert.equal(Math.floor(response.status / 100), Math.floor(status / 100), JSON.stringify(body))
    assert.equal(answer.code, code, JSON.stringify(body))
    if (code !== undefined) assert.equal(response.status, status)
  }
})

test('the upstream is told the number of a 3-legged token; the journal only has a pseudonym, the same for both kinds', async (t) => {
  const gateway = await setup(t)
  await send(gateway, check, threeLegged(), {})
  await send(gateway, check, twoLegged, { phoneNumber: number })
  const [three, two] = gateway.upstream.requests
  assert.equal(three?.headers['x-wayleave-subject'], number)
  assert.equal(two?.headers['x-wayleave-subject'], undefined)
  await eventually(() => gateway.journal.records.length === 2)
  const [first, second] = gateway.journal.records
  assert.equal(first?.subject, sealing.keyedHash('subject', number))
  assert.equal(first?.subject, second?.subject)
  assert.equal(JSON.stringify(gateway.journal.records).includes('99012345678'), false)
})

test('a caller cannot tell the upstream who it is about', async (t) => {
  const gateway = await setup(t)
  await fetch(gateway.url + check, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${twoLegged}`,
      'content-type': 'application/json',
      'x-wayleave-subject': other,
    },
    body: JSON.stringify({ phoneNumber: number }),
  })
  assert.equal(gateway.upstream.requests[0]?.headers['x-wayleave-subject'], undefined)
})

test('a subject that was sealed for another client, or with another key, is no subject: 401', async (t) => {
  const gateway = await setup(t)
  const foreign = sealing.seal(number, 'subject:wl_sbx_2')
  for (const sbj of [foreign, 'nonsense', sealing.seal('not a number', 'subject:wl_sbx_1')]) {
    const response = await send(gateway, check, key.token(1, { sbj }), {})
    assert.equal(response.status, 401)
    assert.equal(((await response.json()) as { code: string }).code, 'UNAUTHENTICATED')
  }
  assert.equal((await send(gateway, check, key.token(1, { sbj: 5 }), {})).status, 401)
  assert.equal(gateway.upstream.requests.length, 0)
})

test('an operation that compares is told both numbers; one that documents the mismatch is refused here', async (t) => {
  const compared: SubjectRule = { kind: 'compared', field: 'phoneNumber' }
  const documents = (api: ApiEntry): ApiEntry => ({
    ...api,
    operations: api.operations.map((one) => ({
      ...one,
      responses: one.responses.map((response) =>
        response.status === '403'
          ? {
              ...response,
              content: {
                'application/json': {
                  type: 'object',
                  properties: { code: { enum: ['PERMISSION_DENIED', 'INVALID_TOKEN_CONTEXT'] } },
                },
              },
            }
          : response,
      ),
    })),
  })
  const plain = await setup(t, {
    change: ([api, ...rest]) => [withRule(api as ApiEntry, 'checkSimSwap', compared), ...rest],
  })
  assert.equal((await send(plain, check, threeLegged(), { phoneNumber: other })).status, 200)
  assert.equal(plain.upstream.requests[0]?.headers['x-wayleave-subject'], number)
  assert.equal((await send(plain, check, twoLegged, {})).status, 422)
  const strict = await setup(t, {
    change: ([api, ...rest]) => [
      documents(withRule(api as ApiEntry, 'checkSimSwap', compared)),
      ...rest,
    ],
  })
  const refused = await send(strict, check, threeLegged(), { phoneNumber: other })
  assert.equal(refused.status, 403)
  assert.equal(((await refused.json()) as { code: string }).code, 'INVALID_TOKEN_CONTEXT')
  assert.equal((await send(strict, check, threeLegged(), { phoneNumber: number })).status, 200)
})

test('where the request always names somebody, it is about that one, whoever the token is about', async (t) => {
  const gateway = await setup(t, {
    change: ([api, ...rest]) => [
      withRule(api as ApiEntry, 'checkSimSwap', { kind: 'always', field: 'phoneNumber' }),
      ...rest,
    ],
  })
  assert.equal((await send(gateway, check, threeLegged(), { phoneNumber: other })).status, 200)
  assert.equal((await send(gateway, check, threeLegged(), {})).status, 422)
  assert.equal(gateway.upstream.requests[0]?.headers['x-wayleave-subject'], undefined)
  assert.equal(gateway.journal.records[0]?.subject, sealing.keyedHash('subject', other))
})

test('what is about the user whom the network authenticated takes no other token: 403 with the code of its document', async (t) => {
  const code = 'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK'
  const enumOf = { properties: { code: { enum: ['PERMISSION_DENIED', code] } } }
  const gateway = await setup(t, {
    change: (apis) =>
      apis.map((api) => ({
        ...api,
        operations: api.operations.map((one) => ({
          ...one,
          responses: one.responses.map((answer) =>
            one.operationId === 'readSession' && answer.status === '403'
              ? { ...answer, content: { 'application/json': enumOf } }
              : answer,
          ),
        })),
      })),
  })
  const read = (token: string): Promise<Response> =>
    fetch(`${gateway.url}${session}/s-1`, { headers: { authorization: `Bearer ${token}` } })
  const refused = await read(twoLegged)
  assert.equal(refused.status, 403)
  assert.equal(((await refused.json()) as { code: string }).code, code)
  assert.equal(gateway.upstream.requests.length, 0)
  // Of CIBA, of the JWT bearer grant, and of anything else that was not the network.
  assert.equal((await read(threeLegged())).status, 403)
  assert.equal((await read(authenticatedBy(['sms', 'otp']))).status, 403)
  assert.equal(gateway.upstream.requests.length, 0)
  await read(authenticatedBy(['nbma']))
  assert.equal(gateway.upstream.requests.length, 1)
})

test('an operation about nobody is told of nobody', async (t) => {
  const gateway = await setup(t, {
    change: ([api, ...rest]) => [
      withRule(api as ApiEntry, 'checkSimSwap', { kind: 'none' }),
      ...rest,
    ],
  })
  assert.equal((await send(gateway, check, twoLegged, {})).status, 200)
  assert.equal((await send(gateway, check, threeLegged(), { phoneNumber: number })).status, 200)
  assert.equal(gateway.upstream.requests[1]?.headers['x-wayleave-subject'], undefined)
})

const devices: readonly [string, string, object | undefined, object, object | undefined][] = [
  ['a 3-legged caller', threeLegged(), undefined, { phoneNumber: number }, undefined],
  [
    'the one that was used',
    twoLegged,
    { phoneNumber: number, ipv6Address: '::1' },
    { phoneNumber: number },
    { phoneNumber: number },
  ],
  [
    'one that was not sent',
    twoLegged,
    { ipv6Address: '2001:DB8::1' },
    { phoneNumber: number, ipv6Address: '2001:db8:0::1' },
    { ipv6Address: '2001:db8:0::1' },
  ],
  ['another number', twoLegged, { phoneNumber: number }, { phoneNumber: other }, undefined],
  [
    'parts that were not sent',
    twoLegged,
    { ipv4Address: { publicAddress: '203.0.113.7', publicPort: 5 } },
    { ipv4Address: { publicAddress: '203.0.113.7', publicPort: 5, privateAddress: '10.0.0.1' } },
    { ipv4Address: { publicAddress: '203.0.113.7', publicPort: 5 } },
  ],
  [
    'a name of the network',
    twoLegged,
    { phoneNumber: number, networkAccessIdentifier: 'a' },
    { networkAccessIdentifier: 'a' },
    undefined,
  ],
]
for (const [what, token, sent, shown, expected] of devices)
  test(`a device in an answer is one that the caller sent itself: ${what}`, async (t) => {
    const gateway = await setup(t, {
      answer: (_request, response) => {
        response.writeHead(201, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ sessionId: 's', device: shown }))
      },
    })
    const response = await send(gateway, session, token, sent === undefined ? {} : { device: sent })
    assert.equal(response.status, 201)
    const { device } = (await response.json()) as { device?: object }
    assert.deepEqual(device, expected)
  })

test('one address has one spelling', () => {
  assert.equal(ipv6Text('2001:DB8:0:0::1'), '2001:db8::1')
  assert.equal(ipv6Text('2001:db8::/64'), '2001:db8::/64')
  assert.equal(ipv6Text('NONSENSE'), 'nonsense')
})

const ruleOf = (
  api: ApiEntry,
  operationId: string,
  schema: object,
  codes: string[] = [],
): unknown => {
  const documented = api.operations.find((one) => one.operationId === operationId)
  assert.ok(documented)
  const content = { 'application/json': { type: 'object', properties: { code: { enum: codes } } } }
  const rule = subjectRuleOf({
    api,
    documented: {
      ...documented,
      requestBody: { required: true, content: { 'application/json': { ...schema } } },
      responses: [{ status: '403', content, headers: [] }],
    },
  } as unknown as Parameters<typeof subjectRuleOf>[0])
  return [rule.kind, rule.path?.text]
}

test('how a subscriber is named is found from the document', () => {
  const api = simSwap('http://upstream')
  const number = { type: 'string' }
  const with_ = (properties: object, more: object = {}): object => ({
    allOf: [{ type: 'object', properties, ...more }],
  })
  const rule = (schema: object, codes?: string[]): unknown =>
    ruleOf(api, 'checkSimSwap', schema, codes)
  assert.deepEqual(rule(with_({ phoneNumber: number })), ['identifier', 'phoneNumber'])
  assert.deepEqual(rule(with_({ phoneNumber: number }, { required: ['phoneNumber'] })), [
    'always',
    'phoneNumber',
  ])
  assert.deepEqual(rule(with_({ device: { $ref: '#/$defs/Device' } })), ['identifier', 'device'])
  assert.deepEqual(rule(with_({ phoneNumber: number, hashedPhoneNumber: number })), [
    'compared',
    'phoneNumber',
  ])
  assert.deepEqual(rule(with_({ phoneNumber: number }), ['INVALID_TOKEN_CONTEXT']), [
    'compared',
    'phoneNumber',
  ])
  const inside = { type: 'object', properties: { phoneNumber: number }, required: ['phoneNumber'] }
  assert.deepEqual(
    rule(with_({ amountTransaction: inside }, { required: ['amountTransaction'] })),
    ['always', 'amountTransaction.phoneNumber'],
  )
  assert.deepEqual(rule(with_({ amountTransaction: inside })), [
    'identifier',
    'amountTransaction.phoneNumber',
  ])
  assert.deepEqual(rule(with_({ other: number })), ['token', undefined])
  const detail = { type: 'object', properties: { device: { type: 'object' } } }
  const config = { type: 'object', properties: { subscriptionDetail: detail } }
  assert.deepEqual(rule(with_({ config })), ['identifier', 'config.subscriptionDetail.device'])
})
