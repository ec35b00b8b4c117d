import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { body, counted, tlsGateway, token } from './testing-tls.ts'

type Context = Parameters<typeof tlsGateway>[0]

async function setup(t: Context, more: Parameters<typeof tlsGateway>[1] = {}) {
  const made = await tlsGateway(t, more)
  const open = (): ClientHttp2Session => {
    const session = connect(`https://localhost:${made.port}`, { ca: made.cert })
    session.on('error', () => undefined)
    t.after(() => session.destroy())
    return session
  }
  return { ...made, open }
}

const check = (more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders => ({
  ':method': 'POST',
  ':path': '/sim-swap/v2/check',
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  ...more,
})

type Answered = { status: number; headers: Record<string, unknown>; body: string }

async function answerOf(stream: ClientHttp2Stream): Promise<Answered> {
  let text = ''
  let headers: Record<string, unknown> = {}
  stream.on('response', (fields) => {
    headers = fields
  })
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await once(stream, 'close')
  return { status: Number(headers[':status']), headers, body: text }
}

/** One call; an error of the stream is a rejection. */
function call(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  content?: string,
): Promise<Answered> {
  const stream = session.request(headers, { endStream: content === undefined })
  if (content !== undefined) stream.end(content)
  return answerOf(stream)
}

test('serves HTTP/2 as it serves HTTP/1.1, without the fields of a connection', async (t) => {
  const { upstream, open, journal, ...gateway } = await setup(t)
  const session = open()
  const made = await call(session, check({ 'x-correlator': 'h2' }), body)
  assert.equal(made.status, 200, made.body)
  assert.equal(made.body, '{"swapped":false}')
  assert.equal(made.headers['x-correlator'], 'h2')
  assert.equal(made.headers['strict-transport-security'], 'max-age=31536000')
  for (const field of ['connection', 'keep-alive', 'transfer-encoding', 'upgrade'])
    assert.equal(made.headers[field], undefined)
  assert.equal(upstream.requests[0]?.body, body)
  assert.equal(upstream.requests[0]?.url, '/sim-swap/v2/check')
  assert.equal(journal.records[0]?.status, 200)
  assert.equal(await counted(gateway, 'wayleave_gateway_connections_total{protocol="h2"'), 1)
})

test('bodies of HTTP/2 end with their stream: with a length, without one, in many frames', async (t) => {
  const { upstream, open } = await setup(t)
  const session = open()
  assert.equal((await call(session, check({ 'content-length': 30 }), body)).status, 200)
  const frames = session.request(check())
  for (const character of body) frames.write(character)
  frames.end()
  assert.equal((await answerOf(frames)).status, 200)
  assert.deepEqual(
    upstream.requests.map((request) => request.body),
    [body, body],
  )
  assert.equal((await call(session, check(), '')).status, 400)
  const large = await call(session, check(), `"${'a'.repeat(1_500_000)}"`)
  assert.equal(large.status, 413)
  assert.equal(upstream.requests.length, 2)
})

test('an operation without a body takes a stream that ends empty, and no byte more', async (t) => {
  const { upstream, open } = await setup(t)
  upstream.answer = (_request, response) => void response.writeHead(204).end()
  const session = open()
  const remove = {
    ':method': 'DELETE',
    ':path': '/payments/v0.5/payments/1',
    authorization: `Bearer ${token}`,
  }
  const empty = await call(session, remove)
  assert.equal(empty.status, 204)
  assert.equal(empty.headers['content-length'], undefined)
  assert.equal((await call(session, remove, '')).status, 204)
  assert.equal((await call(session, remove, 'x')).status, 400)
  assert.equal(upstream.requests.length, 2)
  assert.equal((await call(session, { ...remove, ':method': 'HEAD' })).body, '')
})

const refused: readonly [string, OutgoingHttpHeaders, number][] = [
  ['an asterisk', { ':method': 'OPTIONS', ':path': '*' }, 400],
  ['a proxy request', { ':method': 'CONNECT', ':authority': 'localhost:1' }, 405],
  ['another authority than the name of the connection', check({ ':authority': 'other' }), 421],
  ['another scheme', check({ ':scheme': 'http' }), 400],
  ['another expectation', check({ expect: '200-ok' }), 400],
  ['fields of more than 16 KiB', check({ 'x-a': 'a'.repeat(17_000) }), 431],
  [
    '101 fields',
    check(Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x-${i}`, '1']))),
    431,
  ],
]
for (const [what, headers, status] of refused)
  test(`refuses in HTTP/2 ${what} with ${status}, and the session goes on`, async (t) => {
    const { upstream, open } = await setup(t)
    const session = open()
    const answer = await call(session, headers, headers[':method'] === 'OPTIONS' ? undefined : body)
    assert.equal(answer.status, status, answer.body)
    assert.equal((JSON.parse(answer.body) as { status: number }).status, status)
    assert.equal(upstream.requests.length, 0)
    assert.equal((await call(session, check(), body)).status, 200)
  })

test('a body of HTTP/2 is asked for only when its sender is known', async (t) => {
  const { open } = await setup(t)
  const session = open()
  const wait = (more: OutgoingHttpHeaders) =>
    session.request(check({ expect: '100-continue', ...more }))
  const stranger = wait({ authorization: 'Bearer x' })
  let asked = false
  stranger.on('continue', () => {
    asked = true
  })
  assert.equal((await answerOf(stranger)).status, 401)
  assert.equal(asked, false)
  const known = wait({})
  known.on('continue', () => known.end(body))
  assert.equal((await answerOf(known)).status, 200)
})

test('a client that breaks a stream off cancels its upstream call only', async (t) => {
  const { upstream, open, journal } = await setup(t)
  const fine = upstream.answer
  const gone: boolean[] = []
  upstream.answer = (_request, response) => void response.on('close', () => gone.push(true))
  const session = open()
  const stream = session.request(check())
  stream.on('error', () => undefined)
  stream.end(body)
  await eventually(() => upstream.requests.length === 1)
  stream.close(constants.NGHTTP2_CANCEL)
  await eventually(() => gone.length === 1 && journal.records.length === 1)
  assert.equal(journal.records[0]?.status, 499)
  upstream.answer = fine
  assert.equal((await call(session, check(), body)).status, 200)
})

test('a hundred streams of one session are served at once, and no more', async (t) => {
  const { upstream, open } = await setup(t)
  const held: (() => void)[] = []
  const fine = upstream.answer
  upstream.answer = (...args) => void held.push(() => fine(...args))
  const session = open()
  await once(session, 'remoteSettings')
  assert.equal(session.remoteSettings.maxConcurrentStreams, 100)
  const calls = Array.from({ length: 120 }, () => call(session, check(), body))
  await eventually(() => held.length === 100)
  upstream.answer = fine
  for (const release of held) release()
  const answers = await Promise.all(calls)
  assert.ok(answers.every(({ status }) => status === 200))
})

test('a slow body of HTTP/2 is refused with 408, and others go on', async (t) => {
  const { upstream, open } = await setup(t, {
    limits: { headersTimeoutMs: 1_500, requestTimeoutMs: 1_500 },
  })
  const session = open()
  const slow = session.request(check())
  slow.write('{')
  assert.equal((await answerOf(slow)).status, 408)
  assert.equal(upstream.requests.length, 0)
  assert.equal((await call(session, check(), body)).status, 200)
})

test('a session that nobody uses is ended with a GOAWAY; one that never asks anything, sooner', async (t) => {
  const { open, ...gateway } = await setup(t, {
    limits: { keepAliveTimeoutMs: 300, headersTimeoutMs: 400 },
  })
  const used = open()
  const told = once(used, 'goaway')
  assert.equal((await call(used, check(), body)).status, 200)
  assert.equal((await told)[0], 0)
  await once(used, 'close')
  const silent = open()
  await once(silent, 'close')
  const line = 'wayleave_gateway_http2_sessions_ended_total{reason="silent"}'
  assert.equal(await counted(gateway, line), 1)
})

test('after its share of requests a session is asked to end as soon as it is still, and not one call fails', async (t) => {
  const { open } = await setup(t, { limits: { requestsPerConnection: 20 } })
  const session = open()
  let told = false
  session.on('goaway', () => {
    told = true
  })
  const burst = async (): Promise<void> => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => call(session, check(), body)),
    )
    assert.ok(answers.every(({ status }) => status === 200))
  }
  await burst()
  assert.equal(told, false)
  await burst()
  await eventually(() => told)
  assert.equal((await call(open(), check(), body)).status, 200)
})
