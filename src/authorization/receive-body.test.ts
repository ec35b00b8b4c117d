import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { OAuthError } from './oauth-error.ts'
import { bodyOf, createBodyReceiver } from './receive-body.ts'
import { basic, sandboxId, sandboxSecret, testServers } from './testing.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

const head = (length: number): string =>
  `POST /sandbox/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${length}\r\n\r\n`

/** Connections that are ended with the test; nothing that happens to one is a fault of the test. */
function connections(t: TestContext): (port: number, text: string) => Socket {
  const open: Socket[] = []
  t.after(() => {
    for (const socket of open) socket.destroy()
  })
  return (port, text) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(text)
    open.push(socket)
    return socket
  }
}

/** What became of each body: its text, `gone`, or the status of its refusal. */
async function received(t: TestContext, limits: { most: number; mostMs: number }) {
  const bodies = createBodyReceiver(limits)
  const outcomes: string[] = []
  const outcome = async (request: IncomingMessage): Promise<string> => {
    try {
      return (await bodies.receive(request)) ? bodyOf(request).toString('utf8') : 'gone'
    } catch (error) {
      assert.ok(error instanceof OAuthError)
      return String(error.statusCode)
    }
  }
  const server = createServer((request) => {
    void outcome(request).then((text) => {
      outcomes.push(text)
      server.emit('outcome')
    })
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    arrived: () => once(server, 'request'),
    async after(count: number): Promise<string[]> {
      while (outcomes.length < count) await once(server, 'outcome')
      return outcomes
    },
  }
}

test('a body that does not come is not waited for, and one that is too large is not read', async (t) => {
  const { port, after } = await received(t, { most: 10, mostMs: 50 })
  const send = connections(t)
  send(port, `${head(3)}a`)
  assert.deepEqual(await after(1), ['408'])
  send(port, `${head(50_000)}a`)
  assert.deepEqual(await after(2), ['408', '413'])
  send(port, `${head(3)}a=b`)
  assert.deepEqual(await after(3), ['408', '413', 'a=b'])
})

test('beyond the most bodies that are waited for, the oldest is given up', async (t) => {
  const { port, arrived, after } = await received(t, { most: 2, mostMs: 60_000 })
  const send = connections(t)
  const sockets: Socket[] = []
  for (const text of ['x', 'y', 'z']) {
    sockets.push(send(port, `${head(3)}${text}`))
    await arrived()
  }
  assert.deepEqual(await after(1), ['gone'])
  sockets[2]?.write('=1')
  assert.deepEqual(await after(2), ['gone', 'z=1'])
  sockets[1]?.destroy()
  assert.deepEqual(await after(3), ['gone', 'z=1', 'gone'])
})

test('more clients than requests are served at once begin bodies and end none: the others get their tokens', async (t) => {
  // Before the servers, which wait for requests when they are stopped.
  const send = connections(t)
  let arrived = 0
  const { servers, post } = await testServers(t, {
    count: 1,
    server: { observe: (server) => server.on('request', () => (arrived += 1)) },
  })
  for (let i = 0; i < 520; i += 1) send(servers[0]?.port() ?? 0, `${head(100)}a`)
  const deadline = performance.now() + 30_000
  while (arrived < 520) {
    assert.ok(performance.now() < deadline, `${arrived} requests have come`)
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
  }
  const { status, body } = await post(
    '/sandbox/token',
    { grant_type: 'client_credentials', scope: 'sim-swap:check' },
    basic(sandboxId, sandboxSecret),
  )
  assert.equal(status, 200, JSON.stringify(body))
})

test('a client that hangs up before its answer is no fault of ours', async (t) => {
  const send = connections(t)
  const gone: Promise<unknown>[] = []
  let arrived = () => {}
  const { servers, platform } = await testServers(t, {
    count: 1,
    server: {
      observe: (server) =>
        server.on('request', (_request, response) => {
          gone.push(once(response, 'close'))
          arrived()
        }),
    },
  })
  const errors: unknown[] = []
  platform.log.error = (...line: unknown[]) => void errors.push(line)
  const form = `grant_type=client_credentials&client_id=${sandboxId}&client_secret=wrong`
  for (let i = 0; i < 10; i += 1) {
    const seen = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const socket = send(servers[0]?.port() ?? 0, head(form.length) + form)
    await seen
    socket.resetAndDestroy()
  }
  await Promise.all(gone)
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  assert.deepEqual(errors, [])
})
