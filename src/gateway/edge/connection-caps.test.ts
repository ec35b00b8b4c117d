import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { ConnectionCaps, connectionsWithin, openFilesOfProcess } from './connection-caps.ts'
import { counted, type testCertificate, tlsGateway } from './testing-tls.ts'

type TestContext = Parameters<typeof testCertificate>[0]

function open(
  t: TestContext,
  port: number,
  localAddress: string,
): { socket: Socket; closed: boolean } {
  const state = { socket: connect({ port, host: '127.0.0.1', localAddress }), closed: false }
  state.socket.on('error', () => undefined)
  state.socket.on('close', () => {
    state.closed = true
  })
  t.after(() => void state.socket.destroy())
  return state
}
const refusedBy = (reason: string): string =>
  `wayleave_gateway_refused_connections_total{reason="${reason}"}`
const asked = (t: TestContext, port: number, localAddress: string): Promise<string> =>
  new Promise((resolve) => {
    const { socket } = open(t, port, localAddress)
    let text = ''
    socket.on('data', (data) => {
      text += data.toString()
    })
    socket.on('close', () => resolve(text))
    socket.write('GET / HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n')
  })

test('an address that hoards connections takes places from itself only, on both listeners together', async (t) => {
  const made = await tlsGateway(t, { limits: { connectionsPerAddress: 6 } })
  const plain = made.gateway.port()
  const held = [plain, plain, plain, made.port, made.port, made.port].map((port) =>
    open(t, port, '127.0.0.2'),
  )
  await eventually(() => held.every(({ socket }) => !socket.connecting))
  const beyond = [plain, made.port, plain].map((port) => open(t, port, '127.0.0.2'))
  await eventually(() => beyond.every(({ closed }) => closed))
  assert.equal(await counted(made, refusedBy('address')), 3)
  assert.ok(held.every(({ closed }) => !closed))
  assert.match(await asked(t, plain, '127.0.0.3'), /^HTTP\/1\.1 404/)
  held[0]?.socket.destroy()
  await eventually(async () => (await asked(t, plain, '127.0.0.2')).startsWith('HTTP/1.1 404'))
})

test('a trusted proxy brings the connections of many, and has no share of its own', async (t) => {
  const made = await tlsGateway(t, {
    trustedProxies: ['127.0.0.2/32'],
    limits: { connectionsPerAddress: 2 },
  })
  const held = Array.from({ length: 8 }, () => open(t, made.gateway.port(), '127.0.0.2'))
  await eventually(() => held.every(({ socket }) => !socket.connecting))
  assert.match(await asked(t, made.gateway.port(), '127.0.0.2'), /^HTTP\/1\.1 404/)
  assert.ok(held.every(({ closed }) => !closed))
})

test('all listeners together take no more connections than the process has files for', async (t) => {
  const caps = new ConnectionCaps({ perAddress: 9, inAll: 2, isProxy: () => true })
  const refused: string[] = []
  const ports = await Promise.all(
    [1, 2].map(async () => {
      const server = createServer(() => undefined)
      const events = { connected() {}, unreadable() {}, sessionEnded() {} }
      caps.guard(server, { ...events, refused: (reason) => void refused.push(reason) })
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve)
      })
      t.after(() => void server.close())
      return (server.address() as AddressInfo).port
    }),
  )
  const [one = 0, two = 0] = ports
  const held = [open(t, one, '127.0.0.2'), open(t, two, '127.0.0.3')]
  await eventually(() => held.every(({ socket }) => !socket.connecting))
  const beyond = [open(t, one, '127.0.0.4'), open(t, two, '127.0.0.5')]
  await eventually(() => beyond.every(({ closed }) => closed))
  assert.deepEqual(refused, ['descriptors', 'descriptors'])
  assert.ok(held.every(({ closed }) => !closed))
})

test('connections stay below the limit of open files, with room for what the process opens itself', () => {
  assert.equal(connectionsWithin(20_000, 2_512), 17_488)
  assert.equal(connectionsWithin(1_024, 2_512), 512)
  const files = openFilesOfProcess()
  assert.ok(Number.isInteger(files) && files >= 256, `${files}`)
})
