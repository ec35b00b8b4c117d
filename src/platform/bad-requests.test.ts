import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Type } from 'typebox'
import { createHttpServer } from './http-server.ts'
import { createLog } from './log.ts'

type TestContext = { after: (fn: () => Promise<void>) => void }
type Body = { status: number; code: string; message: string; violations?: { path: string }[] }

const strict = { additionalProperties: false }
const Choice = Type.Union([
  Type.Object({ type: Type.Literal('secret') }, strict),
  Type.Object({ type: Type.Literal('key'), jwk: Type.Object({}) }, strict),
])

const Texts = Type.Object({
  number: Type.Optional(Type.String({ pattern: '^\\d+$', must: 'must be digits' })),
  other: Type.Optional(Type.String({ pattern: '^a+$' })),
})

const Kind = Type.Union(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((kind) => Type.Literal(kind)))

async function serve(t: TestContext): Promise<URL> {
  const server = createHttpServer({ log: createLog({ name: 'test', level: 'silent' }) })
  server.get('/things/:id', () => ({ ok: true }))
  server.post('/things/:id', () => ({ ok: true }))
  server.delete('/things/:id', () => ({ ok: true }))
  server.post('/texts', { schema: { body: Texts } }, () => ({ ok: true }))
  const many = Type.Object({ kinds: Type.Array(Kind, { maxItems: 3 }) }, strict)
  server.post('/many', { schema: { body: many } }, () => ({ ok: true }))
  server.post('/any', { schema: { body: Type.Object({}) } }, () => ({ ok: true }))
  server.post('/choices', { schema: { body: Choice } }, () => ({ ok: true }))
  t.after(() => server.close())
  return new URL(await server.listen({ port: 0, host: '127.0.0.1' }))
}

/** Bytes as they are: no client mends them on the way. */
function raw(url: URL, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(Number(url.port), url.hostname, () => socket.write(bytes))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.once('error', reject)
    socket.once('close', () => {
      resolve(text)
    })
  })
}

test('an address that cannot be decoded or is far too long is answered in the error model', async (t) => {
  const url = await serve(t)
  for (const [path, status, code] of [
    ['/things/%ff', 400, 'INVALID_ARGUMENT'],
    ['/things/%', 400, 'INVALID_ARGUMENT'],
    [`/things/${'x'.repeat(5_000)}`, 404, 'NOT_FOUND'],
  ] as const) {
    const text = await raw(url, `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
    assert.match(text, new RegExp(`^HTTP/1.1 ${status} `))
    assert.match(text, /x-correlator: [0-9a-f-]{36}\r\n/)
    assert.ok(text.includes(`{"status":${status},"code":"${code}","message":"`), text)
    assert.ok(text.length < 1_000, 'the address is not sent back')
  }
})

test('bytes that are no request, or have too many headers, are answered in the error model', async (t) => {
  const url = await serve(t)
  for (const [bytes, status] of [
    ['nonsense\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const text = await raw(url, bytes)
    assert.match(text, new RegExp(`^HTTP/1.1 ${status} `))
    assert.match(text, /x-correlator: /)
    assert.match(text, new RegExp(`\\{"status":${status},"code":"INVALID_ARGUMENT","message":"`))
  }
})

test('a method that an address does not have is 405 with those that it has', async (t) => {
  const url = await serve(t)
  const answer = await fetch(new URL('/things/1', url), { method: 'PUT' })
  assert.equal(answer.status, 405)
  assert.equal(answer.headers.get('allow'), 'DELETE, GET, HEAD, POST')
  assert.equal(((await answer.json()) as Body).code, 'METHOD_NOT_ALLOWED')
  assert.equal((await fetch(new URL('/things/1/2', url), { method: 'PUT' })).status, 404)
})

test('a request without a body may name a media type all the same', async (t) => {
  const url = await serve(t)
  const headers = { 'content-type': 'application/json' }
  for (const method of ['POST', 'DELETE'])
    assert.equal((await fetch(new URL('/things/1', url), { method, headers })).status, 200)
  const missing = await fetch(new URL('/choices', url), { method: 'POST', headers })
  assert.equal(missing.status, 400)
  assert.match(((await missing.json()) as Body).message, /the body must be an object/)
})

test('a body of another media type is refused as such, also plain text', async (t) => {
  const url = await serve(t)
  for (const type of ['text/plain', 'text/plain;charset=UTF-8', 'application/xml', 'bogus']) {
    const answer = await fetch(new URL('/choices', url), {
      method: 'POST',
      headers: { 'content-type': type },
      body: '{"type":"secret"}',
    })
    assert.equal(answer.status, 415, type)
    assert.equal(((await answer.json()) as Body).code, 'UNSUPPORTED_MEDIA_TYPE')
  }
})

test('of a choice, the alternative that was meant says what is wrong', async (t) => {
  const url = await serve(t)
  const messageOf = async (body: unknown): Promise<string> => {
    const answer = await fetch(new URL('/choices', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return ((await answer.json()) as Body).message
  }
  assert.equal(await messageOf({ type: 'x' }), '/type: must be one of secret, key')
  assert.equal(await messageOf({ type: 'key' }), '/jwk: is required')
  assert.equal(await messageOf({ type: 'secret', jwk: {} }), '/jwk: is not known here')
  assert.equal(await messageOf([]), 'the body must be an object')
})

test('a text in a wrong form is told in words: those of its schema, or general ones, never the value', async (t) => {
  const answer = await fetch(new URL('/texts', await serve(t)), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ number: '+secret', other: 'secret' }),
  })
  assert.equal(answer.status, 400)
  const text = await answer.text()
  assert.ok(!text.includes('secret'))
  assert.deepEqual((JSON.parse(text) as Body).violations, [
    { path: '/number', message: 'must be digits' },
    { path: '/other', message: 'has a form or a character that is not allowed here' },
  ])
})

test('a body of a megabyte with a fault in each of its parts is refused as fast as another one', async (t) => {
  const url = await serve(t)
  const post = async (to: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(new URL(to, url), {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await answer.text()
    return { status: answer.status, body: JSON.parse(text) as Body, length: text.length }
  }
  const kinds = Array.from({ length: 200_000 }, () => 0)
  const unknown = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 0]))
  for (const body of [{ kinds }, { kinds: [], ...unknown }, { kinds: ['a', { kinds }] }]) {
    const answer = await post('/many', body)
    assert.equal(answer.status, 400)
    assert.ok((answer.body.violations?.length ?? 0) < 3)
    assert.ok(answer.length < 1_000)
  }
  // Of one that somebody may have meant, every fault is told; and large is not wrong.
  const few = await post('/many', { kinds: Array.from({ length: 90 }, () => 0), more: 1 })
  assert.ok((few.body.violations?.length ?? 0) > 90)
  assert.equal((await post('/any', { kinds, ...unknown })).status, 200)
})
