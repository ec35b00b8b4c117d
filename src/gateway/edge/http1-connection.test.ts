import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { eventually } from '#journal/testing'
import { simSwap } from '../testing-entries.ts'
import { body, counted, tlsGateway, token } from './testing-tls.ts'

type Context = Parameters<typeof tlsGateway>[0]
type Made = Awaited<ReturnType<typeof tlsGateway>>

const call = (name: string, content = body, more = ''): string =>
  `POST /sim-swap/v2/check HTTP/1.1\r\nhost: localhost\r\nx-correlator: ${name}\r\n${more}authorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(content)}\r\n\r\n${content}`

function open(t: Context, made: Made, secure: boolean) {
  const socket: Socket = secure
    ? connectTls({ port: made.port, host: '127.0.0.1', ca: made.cert, servername: 'localhost' })
    : connect(made.gateway.port(), '127.0.0.1')
  const state = {
    socket,
    text: '',
    closed: false,
    names: () => Array.from(state.text.matchAll(/^x-correlator: (\S+)/gm), (match) => match[1]),
    statuses: () => Array.from(state.text.matchAll(/HTTP\/1\.1 (\d{3}) /g), (match) => match[1]),
  }
  socket.on('data', (data) => {
    state.text += data.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    state.closed = true
  })
  t.after(() => void socket.destroy())
  return state
}

/** The upstream gives answers of this length, which the document describes: of others the gateway takes away what is too much. */
function answerAtLength(made: Made, length: number): void {
  const entry = simSwap(made.upstream.url)
  const CheckSimSwapInfo = {
    type: 'object',
    required: ['swapped'],
    properties: { swapped: { type: 'boolean' }, x: { type: 'string' } },
  }
  made.snapshot.put({ ...entry, schemas: { ...entry.schemas, CheckSimSwapInfo } })
  made.upstream.answer = (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ swapped: true, x: 'x'.repeat(length) }))
  }
}

for (const secure of [false, true]) {
  const kind = secure ? 'a TLS' : 'a plain'

  test(`${kind} connection serves many calls, one by one and in a row, with long bodies and answers`, async (t) => {
    const made = await tlsGateway(t)
    const length = 300_000
    answerAtLength(made, length)
    const client = open(t, made, secure)
    const names: string[] = []
    for (let round = 0; round < 12; round += 1) {
      const batch = Array.from({ length: (round % 3) + 1 }, (_, i) => `c-${round}-${i}`)
      names.push(...batch)
      const padded = `{"phoneNumber":"+99012345678"${' '.repeat(round * 9_000)}}`
      client.socket.write(batch.map((name) => call(name, padded)).join(''))
      await eventually(() => client.names().length === names.length)
    }
    await eventually(() => client.text.endsWith('}'))
    assert.deepEqual(client.names(), names)
    assert.ok(client.statuses().every((status) => status === '200'))
    assert.equal(client.text.split('x'.repeat(length)).length, names.length + 1)
    assert.ok(made.upstream.requests.every(({ body: content }) => JSON.parse(content) !== null))
    assert.equal(client.closed, false)
    await eventually(async () => (await counted(made, 'wayleave_gateway_in_flight')) === 0)
  })

  test(`${kind} connection whose client does not read for a while gets every answer all the same`, async (t) => {
    const made = await tlsGateway(t)
    answerAtLength(made, 300_000)
    const client = open(t, made, secure)
    client.socket.pause()
    const names = Array.from({ length: 60 }, (_, i) => `c-${i}`)
    client.socket.write(names.map((name) => call(name)).join(''))
    await eventually(() => made.journal.records.length === names.length)
    assert.ok((await counted(made, 'wayleave_gateway_in_flight')) > 0)
    client.socket.resume()
    await eventually(() => client.names().length === names.length)
    assert.deepEqual(client.names(), names)
    await eventually(async () => (await counted(made, 'wayleave_gateway_in_flight')) === 0)
    client.socket.write(call('more'))
    await eventually(() => client.names().at(-1) === 'more')
  })

  test(`${kind} connection whose client never reads is ended`, async (t) => {
    const made = await tlsGateway(t, { limits: { responseTimeoutMs: 1_500 } })
    answerAtLength(made, 300_000)
    const client = open(t, made, secure)
    client.socket.pause()
    client.socket.write(call('unread').repeat(60))
    await eventually(() => made.journal.records.length === 60)
    assert.ok((await counted(made, 'wayleave_gateway_in_flight')) > 0)
    await eventually(async () => (await counted(made, 'wayleave_gateway_in_flight')) === 0)
    const listener = secure ? 'https' : 'http'
    const line = `wayleave_gateway_open_connections{listener="${listener}"}`
    await eventually(async () => (await counted(made, line)) === 0)
  })

  test(`${kind} connection that ends one half takes its unanswered calls with it`, async (t) => {
    const made = await tlsGateway(t)
    let gone = false
    made.upstream.answer = (request) => {
      request.socket.on('close', () => {
        gone = true
      })
    }
    const client = open(t, made, secure)
    client.socket.write(call('left'))
    await eventually(() => made.upstream.requests.length === 1)
    client.socket.end()
    await eventually(() => gone && client.closed)
    await eventually(() => made.journal.records.length === 1)
    assert.equal(made.journal.records[0]?.status, 499)
  })
}

test('a request is the same in pieces of one byte, and an answer to HEAD leaves the connection as it was', async (t) => {
  const made = await tlsGateway(t)
  const client = open(t, made, false)
  client.socket.setNoDelay(true)
  for (const byte of `HEAD /nothing/here HTTP/1.1\r\nhost: localhost\r\n\r\n${call('slow')}`) {
    client.socket.write(byte)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  await eventually(() => client.statuses().length === 2)
  assert.deepEqual(client.statuses(), ['404', '200'])
  const head = client.text.slice(0, client.text.indexOf('\r\n\r\n') + 4)
  assert.match(head, /\r\ncontent-length: [1-9]/)
  assert.match(client.text.slice(head.length), /^HTTP\/1\.1 200/)
  assert.equal(made.upstream.requests[0]?.body, body)
})

test('what comes behind a request that ends its connection is not a request', async (t) => {
  const made = await tlsGateway(t)
  const client = open(t, made, false)
  const last = call('last', body, 'connection: close\r\n')
  client.socket.write(last + call('beyond').repeat(50))
  await eventually(() => client.closed)
  assert.deepEqual(client.names(), ['last'])
  assert.equal(made.upstream.requests.length, 1)
})

const stranger = (more: string): string =>
  `POST /sim-swap/v2/check HTTP/1.1\r\nhost: localhost\r\n${more}`

for (const [what, rest, end] of [
  ['a body that is no such thing', 'transfer-encoding: chunked\r\n\r\n', 'zz\r\n'],
  ['a body that is cut off', 'content-length: 20\r\n\r\n{', undefined],
  ['a body that never ends', 'content-length: 20\r\n\r\n{', ''],
] as const)
  test(`a request that was answered early gets no second answer for ${what}`, async (t) => {
    const made = await tlsGateway(t, { limits: { requestTimeoutMs: 500 } })
    const client = open(t, made, false)
    client.socket.write(stranger(rest))
    await eventually(() => client.statuses().length === 1)
    if (end === undefined) client.socket.end()
    else client.socket.write(end)
    await eventually(() => client.closed)
    assert.deepEqual(client.statuses(), ['401'])
  })

for (const [what, comes] of [
  ['is not acted upon', true],
  ['does not take the answers before it along when it stays out', false],
] as const)
  test(`a request whose head is not whole when the connection has its last one ${what}`, async (t) => {
    const made = await tlsGateway(t, {
      limits: { requestsPerConnection: 2, headersTimeoutMs: 300 },
    })
    const answers: (() => void)[] = []
    made.upstream.answer = (request, response) => {
      const answer = (): void => {
        response.setHeader('content-type', 'application/json')
        response.end('{"swapped":false}')
      }
      if (request.headers['x-correlator'] === 'first') answers.push(answer)
      else answer()
    }
    const client = open(t, made, false)
    const beyond = call('beyond')
    client.socket.write(call('first') + call('last') + beyond.slice(0, 40))
    await eventually(() => made.journal.records.length === 1 && answers.length === 1)
    if (comes) client.socket.write(beyond.slice(40))
    else
      await new Promise((resolve) => {
        setTimeout(resolve, 1_500)
      })
    const other = open(t, made, false)
    other.socket.write(call('other'))
    await eventually(() => other.statuses().length === 1)
    for (const answer of answers) answer()
    await eventually(() => client.closed)
    assert.deepEqual(client.names(), ['first', 'last'])
    assert.equal(made.upstream.requests.length, 3)
  })

test('a client whose bytes are left unread is not cut off for being slow', async (t) => {
  const made = await tlsGateway(t, { limits: { headersTimeoutMs: 300, pipelined: 1_000 } })
  const answers: (() => void)[] = []
  made.upstream.answer = (request, response) => {
    const answer = (): void => {
      response.setHeader('content-type', 'application/json')
      response.end('{"swapped":false}')
    }
    if (request.headers['x-correlator'] === 'first') answers.push(answer)
    else answer()
  }
  const client = open(t, made, false)
  const last = call('last')
  const many = 400
  // Their answers wait for the first one, and are more than a connection holds.
  const others = 'GET /nothing/here HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(many)
  client.socket.write(call('first') + others + last.slice(0, 40))
  await eventually(() => answers.length === 1)
  client.socket.write(last.slice(40))
  // Longer than the limit and the second within which every connection is looked at.
  await new Promise((resolve) => {
    setTimeout(resolve, 1_600)
  })
  assert.equal(client.closed, false)
  for (const answer of answers) answer()
  await eventually(() => client.statuses().length === many + 2)
  assert.deepEqual([client.names()[0], client.names().at(-1)], ['first', 'last'])
})

test('an answer has left although the next request is asked for its body', async (t) => {
  const made = await tlsGateway(t)
  const client = open(t, made, true)
  const expecting = call('expecting', body, 'expect: 100-continue\r\n')
  const head = expecting.slice(0, -body.length)
  client.socket.write(call('first') + head)
  await eventually(() => client.text.includes('100 Continue'))
  await eventually(async () => (await counted(made, 'wayleave_gateway_in_flight')) === 1)
  client.socket.write(body)
  await eventually(() => client.statuses().length === 3)
  assert.deepEqual(client.statuses(), ['200', '100', '200'])
})
