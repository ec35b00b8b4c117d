import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import { freePort } from '#platform/testing'
import type { ApiEntry, FunctionTarget } from '#snapshot'
import {
  type Answer,
  customer,
  type TestGateway,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { payments, simSwap } from '../testing-entries.ts'
import type { InvocationEvent } from './invocation-event.ts'

const key = testKey()
type Context = Parameters<typeof testUpstream>[0]
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}

const replying =
  (payload: unknown, headers: Record<string, string> = {}, status = 200): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof payload === 'string' ? payload : JSON.stringify(payload))
  }

const served = (api: ApiEntry, target: Partial<FunctionTarget>, timeoutMs = 1_000): ApiEntry => ({
  ...api,
  upstream: {
    kind: 'function',
    timeoutMs,
    function: { name: 'sim-swap', region: 'eu-central-1', ...target },
    breaker: { failures: 1_000, openSeconds: 1 },
  },
})

async function setup(
  t: Context,
  more: { target?: Partial<FunctionTarget>; unsigned?: boolean; sessionToken?: string } = {},
) {
  const runtime = await testUpstream(t, replying({ swapped: true }))
  const target = { endpoint: runtime.url, ...more.target }
  const { sessionToken } = more
  const own = sessionToken === undefined ? credentials : { ...credentials, sessionToken }
  const apis = [served(simSwap(''), target), served(payments(''), target)]
  const gateway = await testGateway(t, [...apis, key.entry, ...customer(1)], {
    upstreams: more.unsigned === true ? {} : { credentials: own },
  })
  return { runtime, gateway }
}

const check = (gateway: TestGateway, more: RequestInit = {}): Promise<Response> =>
  fetch(`${gateway.url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key.token(1)}`,
      'content-type': 'application/json',
      'user-agent': 'bank/1.0',
    },
    body: '{"phoneNumber":"+99012345678","maxAge":12}',
    ...more,
  })

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (secret: string | Buffer, text: string): Buffer =>
  createHmac('sha256', secret).update(text).digest()
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** Signature Version 4 once more, from its specification and not from the package that the product uses. */
function signatureOf(request: {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: string
}): {
  sent: string | undefined
  computed: string
  signed: string[]
} {
  const { method, url, headers, body } = request
  const field = headers.authorization ?? ''
  const signed = (/SignedHeaders=([^,]+)/.exec(field)?.[1] ?? '').split(';')
  const [path = '', query = ''] = url.split('?')
  const canonicalQuery = query
    .split('&')
    .filter((part) => part !== '')
    .map((part) =>
      part
        .split('=')
        .map((side) => encode(decodeURIComponent(side)))
        .join('='),
    )
    .sort()
    .join('&')
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    canonicalQuery,
    ...signed.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signed.join(';'),
    sha256(body),
  ].join('\n')
  const at = String(headers['x-amz-date'])
  const scope = `${at.slice(0, 8)}/eu-central-1/lambda/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n')
  const secret = `AWS4${credentials.secretAccessKey}`
  const signingKey = scope
    .split('/')
    .reduce<string | Buffer>((under, part) => hmac(under, part), secret)
  return {
    sent: /Signature=([0-9a-f]{64})/.exec(field)?.[1],
    computed: hmac(signingKey, toSign).toString('hex'),
    signed,
  }
}

test('an invocation is signed with Signature Version 4, over host, date, body and session', async (t) => {
  const names: Partial<FunctionTarget>[] = [
    {},
    { name: 'arn:aws:lambda:eu-central-1:123456789012:function:sim-swap', qualifier: '$LATEST' },
  ]
  for (const target of names) {
    const { runtime, gateway } = await setup(t, { target, sessionToken: 'session/+=' })
    assert.equal((await check(gateway)).status, 200)
    const [request] = runtime.requests
    assert.ok(request)
    const { sent, computed, signed } = signatureOf(request)
    assert.equal(sent, computed, target.name ?? '')
    for (const name of ['host', 'x-amz-date', 'x-amz-security-token'])
      assert.ok(signed.includes(name))
    assert.equal(request.headers['x-amz-security-token'], 'session/+=')
    assert.match(request.headers.authorization ?? '', /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\//)
    const altered = signatureOf({ ...request, body: request.body.replace('12', '13') })
    assert.notEqual(altered.computed, sent)
  }
})

test('the Invoke API is called by name or ARN, with the qualifier, and waits for the answer', async (t) => {
  const { runtime, gateway } = await setup(t, {
    target: { name: 'arn:aws:lambda:eu-central-1:1:function:f', qualifier: 'live' },
  })
  await check(gateway)
  assert.equal(runtime.requests[0]?.method, 'POST')
  assert.equal(
    runtime.requests[0]?.url,
    '/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1%3A1%3Afunction%3Af/invocations?Qualifier=live',
  )
  assert.equal(runtime.requests[0]?.headers['x-amz-invocation-type'], 'RequestResponse')
})

test('the event is of version 2.0 and says what HTTP upstreams are told', async (t) => {
  const { runtime, gateway } = await setup(t)
  await check(gateway)
  const event = JSON.parse(runtime.requests[0]?.body ?? '') as InvocationEvent
  assert.equal(event.version, '2.0')
  assert.equal(event.routeKey, 'POST /sim-swap/v2/check')
  assert.equal(event.rawPath, '/sim-swap/v2/check')
  assert.equal(event.rawQueryString, '')
  assert.equal(event.body, '{"phoneNumber":"+99012345678","maxAge":12}')
  assert.equal(event.isBase64Encoded, false)
  assert.equal(event.headers['x-wayleave-application'], 'app_1')
  assert.equal(event.headers['content-type'], 'application/json')
  assert.equal(event.headers.authorization, undefined)
  assert.ok(Object.keys(event.headers).every((name) => name === name.toLowerCase()))
  const { http, requestId, stage, time, timeEpoch } = event.requestContext
  assert.equal(http.method, 'POST')
  assert.equal(http.path, '/sim-swap/v2/check')
  assert.equal(http.protocol, 'HTTP/1.1')
  assert.equal(http.userAgent, 'bank/1.0')
  assert.equal(http.sourceIp, '127.0.0.1')
  assert.equal(requestId, gateway.journal.records[0]?.id)
  assert.equal(stage, 'sandbox')
  assert.match(time, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/)
  assert.ok(Math.abs(timeEpoch - Date.now()) < 60_000)
})

test('query and path parameters are in the event, repeated ones joined by commas', async (t) => {
  const { runtime, gateway } = await setup(t)
  runtime.answer = replying([])
  const get = (path: string): Promise<Response> =>
    check(gateway, { method: 'GET', body: null }).then(() =>
      fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${key.token(1)}` } }),
    )
  assert.equal(
    (await get('/payments/v0.5/payments?status=succeeded&status=denied&other=1')).status,
    200,
  )
  const listed = JSON.parse(runtime.requests.at(-1)?.body ?? '') as InvocationEvent
  assert.deepEqual({ ...listed.queryStringParameters }, { status: 'succeeded,denied' })
  assert.equal(listed.rawQueryString, 'status=succeeded&status=denied')
  assert.equal(listed.body, undefined)
  await get('/payments/v0.5/payments/abc')
  const one = JSON.parse(runtime.requests.at(-1)?.body ?? '') as InvocationEvent
  assert.deepEqual(one.pathParameters, { paymentId: 'abc' })
  assert.equal(one.routeKey, 'GET /payments/v0.5/payments/{paymentId}')
})

const body = '{"swapped":false}'
const json = { 'content-type': 'application/json' }
const responses: readonly [string, unknown, Record<string, string>, number, number][] = [
  ['an object without a status is the body of a 200', { swapped: true }, {}, 200, 200],
  ['a string is the body of a 200', JSON.stringify(body), {}, 200, 200],
  [
    'a response',
    { statusCode: 200, headers: { 'Content-Type': 'application/json' }, body },
    {},
    200,
    200,
  ],
  ['a response without a media type', { statusCode: 200, body }, {}, 200, 200],
  ['a status as text', { statusCode: '200', body }, {}, 200, 200],
  [
    'a body in base64',
    {
      statusCode: 200,
      headers: json,
      isBase64Encoded: true,
      body: Buffer.from(body).toString('base64'),
    },
    {},
    200,
    200,
  ],
  [
    'an error of the standard model',
    { statusCode: 404, headers: json, body: '{"status":404,"code":"NOT_FOUND","message":"No."}' },
    {},
    200,
    404,
  ],
  ['a redirect', { statusCode: 302, headers: { location: 'http://other/' } }, {}, 200, 502],
  ['a body that the document does not allow', { swapped: 'yes' }, {}, 200, 502],
  ['a status that is none', { statusCode: 99, body }, {}, 200, 502],
  ['a body that is not text', { statusCode: 200, body: { swapped: true } }, {}, 200, 502],
  [
    'fields that are no text',
    { statusCode: 200, headers: { 'x-total': ['1'] }, body },
    {},
    200,
    502,
  ],
  [
    'a field that would begin another',
    { statusCode: 200, headers: { 'x-total': '1\r\nset-cookie: a=b' }, body },
    {},
    200,
    502,
  ],
  ['a payload that is not JSON', '{', {}, 200, 502],
  [
    'a function that threw',
    { errorMessage: 'for +99012345678', errorType: 'TypeError', trace: ['at x'] },
    { 'X-Amz-Function-Error': 'Unhandled' },
    200,
    502,
  ],
  [
    'a function that ran out of time',
    { errorType: 'Sandbox.Timedout', errorMessage: 'x' },
    { 'X-Amz-Function-Error': 'Unhandled' },
    200,
    504,
  ],
  ['no permission', { Message: 'no' }, { 'x-amzn-ErrorType': 'AccessDeniedException' }, 403, 502],
  ['no such function', {}, { 'x-amzn-ErrorType': 'ResourceNotFoundException' }, 404, 502],
  ['a fault of the service', {}, {}, 500, 502],
]
for (const [what, payload, headers, invokeStatus, expected] of responses)
  test(`function: ${what} (${expected})`, async (t) => {
    const { runtime, gateway } = await setup(t)
    runtime.answer = replying(payload, headers, invokeStatus)
    const response = await check(gateway)
    const text = await response.text()
    assert.equal(response.status, expected, text)
    assert.doesNotMatch(text, /990|TypeError|AccessDenied|at x/)
    assert.equal(response.headers.get('set-cookie'), null)
    if (expected === 200) assert.match(text, /^\{"swapped":(?:true|false)\}$/)
  })

const failures: [string, unknown, Record<string, string>, number, string][] = [
  [
    'crashed',
    { errorMessage: 'for +99012345678', errorType: 'TypeError' },
    { 'X-Amz-Function-Error': 'Unhandled' },
    200,
    'the function crashed (Unhandled TypeError)',
  ],
  [
    'crashed with a name that may be a number',
    { errorType: 'E99012345678' },
    { 'X-Amz-Function-Error': 'Unhandled' },
    200,
    'the function crashed (Unhandled)',
  ],
  [
    'was refused to this gateway',
    { Message: 'no' },
    { 'x-amzn-ErrorType': 'AccessDeniedException' },
    403,
    'the function could not be invoked (403 AccessDeniedException)',
  ],
  ['was not reached', {}, {}, 500, 'the function could not be invoked (500)'],
]
for (const [what, payload, headers, invokeStatus, reason] of failures)
  test(`the record of a call says whether its function ${what}`, async (t) => {
    const { runtime, gateway } = await setup(t)
    runtime.answer = replying(payload, headers, invokeStatus)
    assert.equal((await check(gateway)).status, 502)
    assert.equal(gateway.journal.records[0]?.reason, reason)
  })

test('a function that is throttled is 503 with the time that it says, and opens no breaker', async (t) => {
  const { runtime, gateway } = await setup(t)
  runtime.answer = replying(
    { Reason: 'ConcurrentInvocationLimitExceeded' },
    { 'Retry-After': '7' },
    429,
  )
  for (let i = 0; i < 10; i += 1) {
    const response = await check(gateway)
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('retry-after'), '7')
  }
  assert.equal(gateway.gateway.upstreams()[0]?.targets[0]?.breaker, 'closed')
})

test('a function that does not answer in time is 504, and one that is not there 503', async (t) => {
  const hanging = await testUpstream(t, () => undefined)
  const entry = served(simSwap(''), { endpoint: hanging.url }, 100)
  const gateway = await testGateway(t, [entry, key.entry, ...customer(1)])
  assert.equal((await check(gateway)).status, 504)
  gateway.snapshot.put(served(simSwap(''), { endpoint: `http://127.0.0.1:${await freePort()}` }))
  assert.equal((await check(gateway)).status, 503)
})

test('a response of more than 4 MiB is 502, although the Invoke API carries 6 MB', async (t) => {
  const { runtime, gateway } = await setup(t)
  runtime.answer = replying({
    statusCode: 200,
    headers: json,
    body: `{"swapped":true,"x":"${'x'.repeat(4_300_000)}"}`,
  })
  assert.equal((await check(gateway)).status, 502)
})

test('without credentials another runtime is called unsigned, and AWS is not called at all', async (t) => {
  const { runtime, gateway } = await setup(t, { unsigned: true })
  assert.equal((await check(gateway)).status, 200)
  assert.equal(runtime.requests[0]?.headers.authorization, undefined)
  gateway.snapshot.put(served(simSwap(''), {}))
  assert.equal((await check(gateway)).status, 503)
  assert.deepEqual(
    gateway.gateway.upstreams().find(({ api }) => api === 'sim-swap/v2')?.targets,
    [],
  )
})
