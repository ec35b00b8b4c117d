import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { ApiEntry, SnapshotOperation } from '#snapshot'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

type Context = Parameters<typeof testUpstream>[0]
type Parameters_ = SnapshotOperation['parameters']

const key = testKey()
const parameters: Parameters_ = [
  { name: 'page', in: 'query', required: false, schema: { type: 'integer', minimum: 1 } },
  { name: 'exact', in: 'query', required: false, schema: { type: 'boolean' } },
  { name: 'near', in: 'query', required: false, schema: { type: 'number' } },
  {
    name: 'tag',
    in: 'query',
    required: false,
    schema: { type: 'array', maxItems: 2, items: { type: 'string', minLength: 1 } },
  },
  {
    name: 'span',
    in: 'query',
    required: false,
    style: 'deepObject',
    explode: true,
    schema: {
      type: 'object',
      required: ['from'],
      additionalProperties: false,
      properties: { from: { type: 'integer' }, to: { type: 'integer' } },
    },
  },
  {
    name: 'ids',
    in: 'query',
    required: false,
    explode: false,
    schema: { type: 'array', maxItems: 2, items: { type: 'integer' } },
  },
  { name: 'X-Level', in: 'header', required: false, schema: { enum: ['a', 'b'] } },
]

async function setup(
  t: Context,
  profile: ApiEntry['profile'],
  more: Partial<SnapshotOperation> = {},
) {
  const upstream = await testUpstream(t)
  const base = simSwap(upstream.url, { profile })
  const [one] = base.operations
  assert.ok(one)
  const gateway = await testGateway(t, [
    { ...base, operations: [{ ...one, parameters, ...more }] },
    key.entry,
    ...customer(1),
  ])
  const send = async (
    body: string | Buffer | undefined,
    headers: Record<string, string> = {},
    query = '',
  ): Promise<{ status: number; error: Record<string, unknown>; text: string }> => {
    const response = await fetch(`${gateway.url}/sim-swap/v2/check${query}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key.token(1)}`,
        'content-type': 'application/json',
        ...headers,
      },
      body: body === undefined ? null : new Uint8Array(Buffer.from(body)),
    })
    const text = await response.text()
    return { status: response.status, error: JSON.parse(text), text }
  }
  return { ...gateway, upstream, send }
}

const fine = '{"phoneNumber":"+99012345678"}'
const nested = (depth: number, open: string, close: string): string =>
  open.repeat(depth) + close.repeat(depth)

const bodies: [string, string | Buffer | undefined, number][] = [
  ['nothing', undefined, 400],
  ['no bytes', '', 400],
  ['white space', ' \r\n\t', 400],
  ['a byte order mark', `\ufeff${fine}`, 400],
  ['UTF-16', Buffer.from(fine, 'utf16le'), 400],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400],
  ['overlong UTF-8', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 400],
  ['half of a pair', '{"phoneNumber":"\\ud800"}', 400],
  ['a NUL', '{"phoneNumber":"+990\\u00001"}', 400],
  ['two values', `${fine}${fine}`, 400],
  ['a trailing comma', '{"phoneNumber":"+99012345678",}', 400],
  ['a comment', `/* */${fine}`, 400],
  ['single quotes', "{'phoneNumber':'+99012345678'}", 400],
  ['NaN', '{"maxAge":NaN}', 400],
  ['Infinity', '{"maxAge":1e400}', 400],
  ['a number beyond all', `{"maxAge":${'9'.repeat(5_000)}}`, 400],
  ['a leading zero', '{"maxAge":012}', 400],
  ['a fraction of an integer', '{"maxAge":1.5}', 400],
  ['the same name twice', '{"maxAge":1,"maxAge":2}', 400],
  ['the same name twice, once escaped', '{"maxAge":1,"max\\u0041ge":2}', 400],
  ['the same name twice, deep in', '{"x":[{"y":{"a":1,"a":1}}]}', 400],
  ['__proto__', '{"__proto__":{"maxAge":1}}', 400],
  ['constructor', '{"constructor":{"prototype":{}}}', 400],
  ['lists in lists', nested(100_000, '[', ']'), 400],
  ['objects in objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 400],
  ['lists that do not end', '['.repeat(100_000), 400],
  ['many members', `{${Array.from({ length: 20_000 }, (_, i) => `"a${i}":1`).join(',')}}`, 400],
  ['many items', `{"x":[${'1,'.repeat(100_000)}1]}`, 400],
  ['null', 'null', 400],
  ['a list', '[]', 400],
  ['a text', '"+99012345678"', 400],
  ['a number', '1', 400],
  ['null in a field', '{"phoneNumber":null}', 400],
  ['a list in a field', '{"phoneNumber":["+99012345678"]}', 400],
]
for (const profile of ['0.6', '0.8'] as const)
  test(`profile ${profile}: whatever a body holds, it is refused in the standard form, says why, and reaches nobody`, async (t) => {
    const { send, upstream, journal } = await setup(t, profile)
    for (const [what, body, status] of bodies) {
      const answer = await send(body)
      assert.equal(answer.status, status, `${what}: ${answer.text.slice(0, 300)}`)
      assert.equal(answer.error.status, status, what)
      assert.equal(answer.error.code, 'INVALID_ARGUMENT', what)
      assert.equal(typeof answer.error.message, 'string')
      assert.ok(String(answer.error.message).length <= 512)
      assert.doesNotMatch(answer.text, /99012345678|NOT |undefined|\[object/, what)
    }
    assert.equal(upstream.requests.length, 0)
    assert.ok(journal.records.every(({ units, status }) => units === 0 && status === 400))
    assert.equal((await send(fine)).status, 200, 'and it goes on')
  })

test('a field that is not declared is a fault in profile 0.8 and ignored in 0.6', async (t) => {
  for (const [profile, status] of [
    ['0.6', 200],
    ['0.8', 400],
  ] as const) {
    const { send } = await setup(t, profile)
    const answer = await send('{"phoneNumber":"+99012345678","more":{"a":1}}')
    assert.equal(answer.status, status)
    if (status === 400)
      assert.deepEqual(answer.error.violations, [{ path: '/more', message: 'is not known here' }])
  }
})

const types: [string, number][] = [
  ['application/json; charset=utf-8', 200],
  ['application/json;charset="UTF-8"', 200],
  ['APPLICATION/JSON ; Charset=utf-8', 200],
  ['application/json; version=1', 200],
  ['application/json; charset=utf-16', 415],
  ['application/json; charset=iso-8859-1', 415],
  ['application/json; charset=utf-8; charset=utf-16', 415],
  ['application/json, text/plain', 415],
  ['application/json;', 415],
  ['application/json; charset', 415],
  ['application/jsonx', 415],
  ['application/problem+json', 415],
  ['text/json', 415],
  ['application/x-www-form-urlencoded', 415],
  ['multipart/form-data; boundary=a', 415],
  ['json', 415],
  ['constructor', 415],
  ['__proto__/x', 415],
]
for (const [type, status] of types)
  test(`a body that says it is ${type} is ${status}`, async (t) => {
    const { send } = await setup(t, '0.6')
    const answer = await send(fine, { 'content-type': type })
    assert.equal(answer.status, status, answer.text)
    if (status === 415) assert.equal(answer.error.code, 'UNSUPPORTED_MEDIA_TYPE')
  })

const queries: [string, number][] = [
  ['?page=1', 200],
  ['?page=', 400],
  ['?page', 400],
  ['?page=1&page=2', 400],
  ['?page=0', 400],
  ['?page=1.5', 400],
  ['?page=abc', 400],
  ['?page=1e400', 400],
  ['?page=%201', 400],
  ['?page=0x10', 400],
  ['?page=1e2', 400],
  ['?page=true', 400],
  ['?page=null', 400],
  ['?page[]=1', 200],
  ['?page=%00', 400],
  ['?page=%ff', 400],
  ['?page=%', 400],
  ['?near=1.5', 200],
  ['?near=', 400],
  ['?near=%20', 400],
  ['?near=Infinity', 400],
  ['?exact=true', 200],
  ['?exact=1', 400],
  ['?exact=', 400],
  ['?exact=TRUE', 400],
  ['?tag=a', 200],
  ['?tag=a&tag=b', 200],
  ['?tag=a&tag=b&tag=c', 400],
  ['?tag=', 400],
  ['?span[from]=1&span[to]=2', 200],
  ['?span[from]=1&span[from]=2', 400],
  ['?span[to]=1', 400],
  ['?span[from]=a', 400],
  ['?span[from]=1&span[more]=1', 400],
  ['?span[from]=1&span[__proto__]=1', 400],
  ['?ids=1,2', 200],
  ['?ids=1,2,3', 400],
  ['?ids=1,', 400],
  ['?ids=1%2C2', 400],
  ['?other=1&other=2', 200],
  ['?__proto__=1&constructor=2', 200],
  ['?&&&', 200],
]
test('a parameter has one reading: text that is no number, is empty or comes twice is refused', async (t) => {
  const { send } = await setup(t, '0.6')
  const wrong: string[] = []
  for (const [query, status] of queries) {
    const answer = await send(fine, {}, query)
    if (answer.status !== status) wrong.push(`${query}: ${answer.status} ${answer.text}`)
    if (answer.status === 400)
      assert.match(String(answer.error.code), /^(INVALID_ARGUMENT|OUT_OF_RANGE)$/, query)
  }
  assert.deepEqual(wrong, [])
})

test('an upstream gets what was found valid, as it was written, and no other name', async (t) => {
  const { send, upstream } = await setup(t, '0.6')
  const query = '?span%5Bfrom%5D=1&ids=1,2&span[x][y]=2&tag=a&tag=b&other=1'
  assert.equal((await send(fine, {}, query)).status, 200)
  assert.equal(upstream.requests[0]?.url, '/sim-swap/v2/check?span%5Bfrom%5D=1&ids=1,2&tag=a&tag=b')
})

test('a header that is not as documented is named', async (t) => {
  const { send } = await setup(t, '0.6')
  assert.equal((await send(fine, { 'x-level': 'a' })).status, 200)
  for (const value of ['c', '', 'a, b'])
    assert.deepEqual((await send(fine, { 'x-level': value })).error.violations, [
      { path: 'header/x-level', message: 'must be one of a, b' },
    ])
})

test('a body that is cut off, or longer than it says, never becomes a call', async (t) => {
  const { gateway, upstream } = await setup(t, '0.6')
  const raw = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(gateway.port(), '127.0.0.1')
      socket.on('error', () => resolve())
      socket.on('close', () => resolve())
      socket.resume()
      socket.end(text)
    })
  const head = `POST /sim-swap/v2/check HTTP/1.1\r\nhost: 127.0.0.1:${gateway.port()}\r\nauthorization: Bearer ${key.token(1)}\r\ncontent-type: application/json\r\n`
  await raw(`${head}content-length: 100\r\n\r\n${fine}`)
  await raw(`${head}transfer-encoding: chunked\r\n\r\n5\r\n{"pho`)
  assert.equal(upstream.requests.length, 0)
})
