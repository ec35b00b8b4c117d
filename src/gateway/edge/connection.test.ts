import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { Pool } from 'undici'
import { eventually } from '#journal/testing'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

const key = testKey()
const token = key.token(1)
const body = '{"phoneNumber":"+99012345678"}'
type Context = Parameters<typeof testUpstream>[0]

async function setup(t: Context, more = {}) {
  const upstream = await testUpstream(t)
  const made = await testGateway(t, [simSwap(upstream.url), key.entry, ...customer(1)], more)
  return { upstream, ...made, port: made.gateway.port() }
}

const request = (name: string, authorization = `Bearer ${token}`): string =>
  `POST /sim-swap/v2/check HTTP/1.1\r\nhost: gw\r\nx-correlator: ${name}\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`

type Conversation = {
  socket: Socket
  text: string
  closed: boolean
  /** status, x-correlator and Connection of each answer */
  answers(): string[]
}

function converse(t: Context, port: number, bytes: string): Conversation {
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
  t.after(() => void socket.destroy())
  const conversation: Conversation = {
    socket,
    text: '',
    closed: false,
    answers: () =>
      conversation.text
        .split(/(?=HTTP\/1\.1 \d{3} )/)
        .filter((one) => one.startsWith('HTTP/1.1 '))
        .map((one) =>
          [/ (\d{3}) /, /x-correlator: (\S+)/i, /\r\nconnection: (\S+)/i]
            .map((pattern) => pattern.exec(one)?.[1])
            .join(' '),
        ),
  }
  socket.on('data', (data) => {
    conversation.text += data.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    conversation.closed = true
  })
  return conversation
}

test('what follows a refused framing is never acted upon, however fast it could be', async (t) => {
  const { upstream, port } = await setup(t)
  const warm = converse(t, port, request('warm'))
  await eventually(() => warm.answers().length === 1)
  const smuggled = request('a').replace('host: gw', 'host: gw\r\nhost: gw2')
  const conversation = converse(t, port, smuggled + request('b').repeat(3))
  await eventually(() => conversation.closed)
  assert.deepEqual(conversation.answers(), ['400 a close'])
  assert.equal(upstream.requests.length, 1)
})

test('requests before a refused framing get their answers first', async (t) => {
  const { upstream, port } = await setup(t)
  const held: (() => void)[] = []
  const fine = upstream.answer
  upstream.answer = (...args) => void held.push(() => fine(...args))
  const smuggled = request('b').replace('host: gw', 'host: gw\r\nhost: gw2')
  const conversation = converse(t, port, request('a') + smuggled + request('c'))
  await eventually(() => held.length === 1)
  for (const release of held) release()
  await eventually(() => conversation.closed)
  assert.deepEqual(conversation.answers(), ['200 a keep-alive', '400 b close'])
  assert.equal(upstream.requests.length, 1)
})

test('a hundred requests may wait on one connection; the next one ends it, and none of the others fails', async (t) => {
  const { upstream, port } = await setup(t)
  const held: (() => void)[] = []
  const fine = upstream.answer
  upstream.answer = (...args) => void held.push(() => fine(...args))
  const names = Array.from({ length: 130 }, (_, i) => `n${i}`)
  const conversation = converse(t, port, names.map((name) => request(name)).join(''))
  await eventually(() => held.length === 100)
  upstream.answer = fine
  for (const release of held) release()
  await eventually(() => conversation.closed)
  const answers = conversation.answers()
  assert.equal(answers.length, 101)
  assert.deepEqual(
    answers.slice(0, 100),
    names.slice(0, 100).map((name) => `200 ${name} keep-alive`),
  )
  assert.equal(answers[100], '503 n100 close')
  assert.equal(upstream.requests.length, 100)
})

test('a connection ends after its share of requests, announced by the last answer, and no call fails', async (t) => {
  const { gateway, port } = await setup(t, { limits: { requestsPerConnection: 5 } })
  const pool = new Pool(`http://127.0.0.1:${gateway.port()}`, { connections: 2, pipelining: 1 })
  t.after(() => pool.destroy())
  const closes: boolean[] = []
  const client = async (): Promise<void> => {
    for (let i = 0; i < 50; i += 1) {
      const {
        statusCode,
        headers,
        body: content,
      } = await pool.request({
        method: 'POST',
        path: '/sim-swap/v2/check',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body,
      })
      await content.dump()
      assert.equal(statusCode, 200)
      closes.push(headers.connection === 'close')
    }
  }
  await Promise.all([client(), client()])
  assert.equal(closes.filter(Boolean).length, 20)
  const pipelined = converse(
    t,
    port,
    Array.from({ length: 8 }, (_, i) => request(`p${i}`)).join(''),
  )
  await eventually(() => pipelined.closed)
  assert.deepEqual(
    pipelined.answers(),
    Array.from({ length: 8 }, (_, i) => `200 p${i} ${i === 7 ? 'close' : 'keep-alive'}`),
  )
})

test('a drain ends a connection with its newest answer only', async (t) => {
  const { upstream, gateway, port } = await setup(t)
  const held: (() => void)[] = []
  const fine = upstream.answer
  upstream.answer = (...args) => void held.push(() => fine(...args))
  const conversation = converse(t, port, request('a') + request('b') + request('c'))
  await eventually(() => held.length === 3)
  const stopped = gateway.stop()
  assert.equal(gateway.ready(), false)
  for (const release of held) release()
  await stopped
  await eventually(() => conversation.closed)
  assert.deepEqual(conversation.answers(), ['200 a keep-alive', '200 b keep-alive', '200 c close'])
})

test('an idle connection is kept longer than clients are told, so that none of them is too late', async (t) => {
  const { port } = await setup(t, { limits: { keepAliveTimeoutMs: 1_000 } })
  const conversation = converse(t, port, request('a'))
  await eventually(() => conversation.answers().length === 1)
  const answeredMs = performance.now()
  assert.match(conversation.text, /\r\nkeep-alive: timeout=1\r\n/i)
  await eventually(() => conversation.closed)
  assert.ok(performance.now() - answeredMs > 2_000)
})

test('a client that was not told to send its body is not read on: the next bytes could be either', async (t) => {
  const { upstream, port } = await setup(t)
  const bytes = request('a', 'Bearer x').replace('host: gw', 'host: gw\r\nexpect: 100-continue')
  const head = bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4)
  const conversation = converse(t, port, head)
  await eventually(() => conversation.closed)
  assert.deepEqual(conversation.answers(), ['401 a close'])
  assert.equal(upstream.requests.length, 0)
})

test('a refused body is thrown away up to a bound, and cut off at once when it comes in crumbs', async (t) => {
  const { port } = await setup(t)
  const head = request('a', 'Bearer x').split('content-length')[0]
  const whole = converse(
    t,
    port,
    `${head}transfer-encoding: chunked\r\n\r\n${`10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(20)}0\r\n\r\n${request('b')}`,
  )
  await eventually(() => whole.answers().length === 2)
  assert.deepEqual(whole.answers(), ['401 a keep-alive', '200 b keep-alive'])
  const crumbs = converse(t, port, `${head}transfer-encoding: chunked\r\n\r\n`)
  const timer = setInterval(() => {
    if (!crumbs.closed) crumbs.socket.write('1\r\nx\r\n'.repeat(1_000))
  }, 5)
  t.after(() => clearInterval(timer))
  await eventually(() => crumbs.closed)
})

test('HTTP/1.0 ends its connection unless it asks to go on', async (t) => {
  const { port } = await setup(t)
  const old = request('a').replace('HTTP/1.1', 'HTTP/1.0')
  const once = converse(t, port, old)
  await eventually(() => once.closed)
  assert.deepEqual(once.answers(), ['200 a close'])
  const kept = converse(t, port, old.replace('host: gw', 'host: gw\r\nconnection: keep-alive'))
  await eventually(() => kept.answers().length === 1)
  kept.socket.write(request('b').replace('host: gw', 'host: gw\r\nconnection: close'))
  await eventually(() => kept.closed)
  assert.deepEqual(kept.answers(), ['200 a keep-alive', '200 b close'])
})
