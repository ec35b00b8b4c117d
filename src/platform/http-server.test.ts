import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { Type } from 'typebox'
import { AppError } from './app-error.ts'
import { createDatabasePool } from './database.ts'
import { createHttpServer } from './http-server.ts'
import { createLog } from './log.ts'

type TestContext = { after: (fn: () => Promise<void>) => void }

async function serve(t: TestContext): Promise<string> {
  const server = createHttpServer({
    log: createLog({ name: 'test', level: 'silent' }),
    bodyLimit: 1_000,
  })
  const body = Type.Object(
    {
      name: Type.String({ minLength: 1, pattern: '\\S' }),
      email: Type.String({ format: 'email' }),
      count: Type.Integer({ minimum: 1 }),
    },
    { additionalProperties: false },
  )
  server.post('/things', { schema: { body } }, () => ({ ok: true }))
  server.get('/broken', () => {
    throw new TypeError('the password is hunter2')
  })
  server.get('/taken', () => {
    throw new AppError('ALREADY_EXISTS', 'It is taken.', { headers: { 'retry-after': '3' } })
  })
  t.after(() => server.close())
  return await server.listen({ port: 0, host: '127.0.0.1' })
}

const post = (
  url: string,
  body: string,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) => fetch(`${url}/things`, { method: 'POST', headers, body })

test('every fault of a body is told at once, in the error model', async (t) => {
  const url = await serve(t)
  const answer = await post(url, '{"name":"","email":"ada","count":"1","more":1}')
  assert.equal(answer.status, 400)
  assert.deepEqual(await answer.json(), {
    status: 400,
    code: 'INVALID_ARGUMENT',
    message:
      '/more: is not known here; /name: must not be empty; /email: is not a valid e-mail address; /count: must be an integer',
    violations: [
      { path: '/more', message: 'is not known here' },
      { path: '/name', message: 'must not be empty' },
      { path: '/email', message: 'is not a valid e-mail address' },
      { path: '/count', message: 'must be an integer' },
    ],
  })
})

test('a body that is no JSON, too large, or of another type has its own code', async (t) => {
  const url = await serve(t)
  const expected: [Response, number, string][] = [
    [await post(url, '{'), 400, 'INVALID_ARGUMENT'],
    [await post(url, '{"__proto__": {"x": 1}}'), 400, 'INVALID_ARGUMENT'],
    [await post(url, `{"name":"${'x'.repeat(2_000)}"}`), 413, 'PAYLOAD_TOO_LARGE'],
    [
      await post(url, 'name=x', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [await fetch(`${url}/nowhere`), 404, 'NOT_FOUND'],
  ]
  for (const [answer, status, code] of expected) {
    const body = (await answer.json()) as { status: number; code: string; message: string }
    assert.deepEqual([answer.status, body.status, body.code], [status, status, code])
    assert.ok(body.message.length > 0)
  }
})

test('a fault of ours says nothing of its cause', async (t) => {
  const answer = await fetch(`${await serve(t)}/broken`)
  assert.equal(answer.status, 500)
  const text = await answer.text()
  assert.match(text, /INTERNAL/)
  assert.doesNotMatch(text, /hunter2/)
})

test('a refusal keeps its code and headers', async (t) => {
  const answer = await fetch(`${await serve(t)}/taken`)
  assert.equal(answer.status, 409)
  assert.equal(answer.headers.get('retry-after'), '3')
})

test('x-correlator is echoed, made when it is absent, and refused when its pattern forbids it', async (t) => {
  const url = await serve(t)
  const ask = (correlator?: string) =>
    fetch(`${url}/taken`, {
      headers: correlator === undefined ? {} : { 'x-correlator': correlator },
    })
  assert.equal((await ask('a-b_c:1;2./<3>{4}')).headers.get('x-correlator'), 'a-b_c:1;2./<3>{4}')
  assert.match((await ask()).headers.get('x-correlator') ?? '', /^[0-9a-f-]{36}$/)
  assert.equal((await ask('a b')).status, 400)
  assert.equal((await ask('x'.repeat(257))).status, 400)
})

test('bytes that are no HTTP close the connection and leave the server serving', async (t) => {
  const url = await serve(t)
  const { port } = new URL(url)
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.end('\u0000\u0001 nonsense\r\n\r\n'),
    )
    socket.once('close', () => {
      resolve()
    })
    socket.resume()
  })
  assert.equal((await fetch(`${url}/taken`)).status, 409)
})

test('a client that asks and reads nothing loses its connection, with what was to be sent', async (t) => {
  const server = createHttpServer({
    log: createLog({ name: 'test', level: 'silent' }),
    mostIdleMs: 300,
  })
  server.get('/long', () =>
    Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(1_048_576))),
  )
  t.after(() => server.close())
  const { port } = new URL(await server.listen({ port: 0, host: '127.0.0.1' }))
  const reader = connect(Number(port), '127.0.0.1')
  t.after(async () => void reader.destroy())
  await once(reader, 'connect')
  reader.pause().write('GET /long HTTP/1.1\r\nhost: x\r\n\r\n')
  const open = promisify(server.server.getConnections.bind(server.server))
  for (const until = Date.now() + 30_000; (await open()) > 0; await delay(20))
    assert.ok(Date.now() < until, 'its connection is closed')
})

test('a database that cannot be reached is 503 with Retry-After, and says nothing of its address', async (t) => {
  const server = createHttpServer({ log: createLog({ name: 'test', level: 'silent' }) })
  const database = createDatabasePool('postgresql://wayleave:secret@127.0.0.1:1/none', {
    applicationName: 'test',
  })
  server.get('/rows', async () => await sql`select 1`.execute(database.as()))
  t.after(async () => {
    await server.close()
    await database.close()
  })
  const answer = await fetch(`${await server.listen({ port: 0, host: '127.0.0.1' })}/rows`)
  assert.equal(answer.status, 503)
  assert.equal(answer.headers.get('retry-after'), '5')
  const text = await answer.text()
  assert.match(text, /UNAVAILABLE/)
  assert.doesNotMatch(text, /127\.0\.0\.1|wayleave/)
})
