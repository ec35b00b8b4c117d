import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { mock, test } from 'node:test'
import { createHttpServer } from './http-server.ts'
import { createLog } from './log.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

async function serve(t: TestContext, log = createLog({ name: 'test', level: 'silent' })) {
  const server = createHttpServer({ log, bodyLimit: 1_000, mostBodyBytes: 2_500 })
  server.post('/things', (request) => ({ length: JSON.stringify(request.body).length }))
  await server.listen({ port: 0, host: '127.0.0.1' })
  const { port } = server.server.address() as AddressInfo
  const open: Socket[] = []
  t.after(async () => {
    for (const socket of open) socket.destroy()
    await server.close()
  })
  /** A request as far as `body`, which may be less than it says; the server has its head. */
  return async (head: string, body: string): Promise<Socket> => {
    const seen = once(server.server, 'request')
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined).setEncoding('utf8')
    socket.write(`POST ${head}\r\nHost: a\r\nContent-Type: application/json\r\n`)
    socket.write(body)
    open.push(socket)
    await seen
    return socket
  }
}

const unfinished = 'Content-Length: 1000\r\n\r\n"'
const answerOf = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0])

test('clients that begin bodies and end none fill no memory: the oldest is given up', async (t) => {
  const log = createLog({ name: 'test', level: 'silent' })
  const told = mock.method(log, 'error')
  const send = await serve(t, log)
  const first = await send('/things HTTP/1.1', unfinished)
  const second = await send('/things HTTP/1.1', 'Transfer-Encoding: chunked\r\n\r\n1\r\n"\r\n')
  const firstIsGone = once(first, 'close')
  const third = await send('/things HTTP/1.1', unfinished)
  await firstIsGone
  third.write(`${'a'.repeat(998)}"`)
  assert.match(await answerOf(third), /^HTTP\/1\.1 200 /)
  second.write('4\r\naaa"\r\n0\r\n\r\n')
  assert.match(await answerOf(second), /"length":5\}/)
  assert.equal(told.mock.callCount(), 0, 'a client that has gone is no fault of ours')
})

test('bodies that have come make room for others, on one connection too', async (t) => {
  const send = await serve(t)
  const slow = await send('/things HTTP/1.1', unfinished)
  const body = `"${'a'.repeat(900)}"`
  const whole = `Content-Length: ${body.length}\r\n\r\n${body}`
  const busy = await send('/things HTTP/1.1', whole)
  for (let count = 0; count < 5; count += 1) {
    assert.match(await answerOf(busy), /^HTTP\/1\.1 200 /)
    busy.write(`POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${whole}`)
  }
  slow.write(`${'a'.repeat(998)}"`)
  assert.match(await answerOf(slow), /^HTTP\/1\.1 200 /)
})

test('what is not there is told before its body has come', async (t) => {
  const send = await serve(t)
  assert.match(await answerOf(await send('/nothing HTTP/1.1', unfinished)), /^HTTP\/1\.1 404 /)
})
