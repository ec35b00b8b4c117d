import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { eventually } from '#journal/testing'
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
    statuses: () => Array.from(state.text.matchAll(/^HTTP\/1\.1 (\d+)/gm), (match) => match[1]),
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

for (const secure of [false, true]) {
  const kind = secure ? 'a TLS' : 'a plain'

  test(`${kind} connection serves many calls, one by one and in a row, with long bodies and answers`, async (t) => {
    const made = await tlsGateway(t)
    const long = { swapped: true, x: 'x'.repeat(300_000) }
    made.upstream.answer = (_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(long))
    }
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
    assert.ok(made.upstream.requests.every(({ body: content }) => JSON.parse(content) !== null))
    assert.equal(client.closed, false)
    await eventually(async () => (await counted(made, 'wayleave_gateway_in_flight')) === 0)
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
