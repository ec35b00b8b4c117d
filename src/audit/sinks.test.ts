import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { manualClock } from '#platform/clock'
import { createEgress } from '#platform/egress'
import type { Platform } from '#platform/module'
import { testPlatform } from '#platform/testing'
import { makeCertificate } from '#platform/testing-certificates'
import { testFolder } from '#platform/testing-folder'
import { type CheckpointSink, type ExportedCheckpoint, fileSink } from './checkpoint-sink.ts'
import { createAudit } from './create-audit.ts'
import { httpSink } from './http-sink.ts'
import { append } from './store.ts'
import { syslogSink } from './syslog-sink.ts'
import type { AuditTables } from './tables.ts'
import { openCheckpoint, readCheckpointLines } from './verify.mjs'

let count = 0
async function act(platform: Platform, times = 1): Promise<void> {
  const db = platform.database.as<AuditTables>()
  await db.transaction().execute(async (trx) => {
    for (let i = 0; i < times; i += 1) {
      count += 1
      await append(trx, {
        ...{ event_id: `evt_s${count}`, occurred_at: new Date(0), actor_kind: 'system' },
        ...{
          actor_id: 'x',
          via: null,
          partner_id: null,
          action: 'x.done',
          target: 'x',
          detail: {},
        },
      })
    }
  })
}

const listening = async (t: TestContext, server: Server): Promise<number> => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

type Store = {
  lines: ExportedCheckpoint[]
  posts: { key: string; body: string }[]
  /** what the next requests are answered with instead */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  shows: 'pages' | 'all' | 'nothing'
}

/** A server as the guide describes it. */
async function keeper(t: TestContext): Promise<{ store: Store; url: string }> {
  const store: Store = { lines: [], posts: [], answer: undefined, shows: 'pages' }
  const seen = new Set<string>()
  const server = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      if (store.answer !== undefined) return store.answer(request, response)
      if (request.headers.authorization !== 'Bearer s3cret') return response.writeHead(401).end()
      if (request.method === 'POST') {
        const key = String(request.headers['idempotency-key'])
        store.posts.push({ key, body })
        if (!seen.has(key)) store.lines.push(...readCheckpointLines(body))
        seen.add(key)
        return response.writeHead(201).end()
      }
      if (store.shows === 'nothing') return response.writeHead(405).end()
      const after = Number(new URL(request.url ?? '', 'http://x').searchParams.get('after'))
      const shown =
        store.shows === 'all'
          ? store.lines
          : store.lines.filter((line) => sizeOf(line) > after).slice(0, 3)
      return response.end(shown.map((line) => `${JSON.stringify(line)}\n`).join(''))
    })()
  })
  t.after(() => server.closeAllConnections())
  return { store, url: `http://127.0.0.1:${await listening(t, server)}/evidence` }
}

const sizeOf = ({ checkpoint, key }: ExportedCheckpoint): number =>
  openCheckpoint(checkpoint, key).size
const egress = createEgress({ networks: ['127.0.0.0/8'] })

async function setUp(t: TestContext, make: (url: string) => CheckpointSink[]) {
  const clock = manualClock('2030-01-01T00:00:00Z')
  const platform = await testPlatform(t, { clock })
  const { store, url } = await keeper(t)
  const audit = createAudit(platform, { sinks: make(url) })
  const sign = async (): Promise<void> => {
    await act(platform)
    await audit.checkpoint({ now: true })
  }
  return { clock, platform, store, url, audit, sign }
}

const http = (url: string): CheckpointSink => httpSink({ url, token: 's3cret', egress })

test('a server gets each checkpoint once and in order, and is compared with the log', async (t) => {
  const { store, audit, sign, url } = await setUp(t, (to) => [http(to)])
  for (let i = 0; i < 8; i += 1) await sign()
  assert.deepEqual(store.lines.map(sizeOf), [1, 2, 3, 4, 5, 6, 7, 8])
  for (const shows of ['pages', 'all'] as const) {
    store.shows = shows
    assert.equal((await http(url).list())?.length, 8, shows)
    assert.deepEqual(await http(url).newest(4), store.lines.at(-1), shows)
    const report = await audit.verifyLog()
    assert.ok(report.ok && report.checkpoints.exported === 8, JSON.stringify(report))
  }
  store.lines.splice(2, 1)
  const gone = await audit.verifyLog()
  assert.ok(!gone.ok)
  assert.match(
    gone.reason,
    /checkpoint of 3 leaves was exported \(http 127\.0\.0\.1:\d+\/evidence\)/,
  )
})

test('a server that shows what it has, and lost it, is a fault; one that only takes is none', async (t) => {
  const { store, audit, sign } = await setUp(t, (to) => [http(to)])
  await sign()
  await sign()
  const kept = store.lines.splice(0)
  assert.match((await audit.state()).sinks[0]?.fault ?? '', /given the checkpoint of 2 leaves/)
  await assert.rejects(sign(), /shows nothing: put back/)
  assert.equal(store.lines.length, 0)
  store.shows = 'nothing'
  assert.equal((await audit.state()).sinks[0]?.fault, undefined)
  store.shows = 'pages'
  store.lines.push(...kept)
  await audit.checkpoint()
  assert.deepEqual(store.lines.map(sizeOf), [1, 2, 3])
})

test('the same checkpoints sent again come under the same key', async (t) => {
  const { store, sign, url } = await setUp(t, (to) => [http(to)])
  await sign()
  await http(url).add(store.lines)
  const [first, second] = store.posts
  assert.deepEqual(second, first)
  assert.deepEqual(store.lines.map(sizeOf), [1])
})

test('a server that only takes is given everything, and nothing is expected of it', async (t) => {
  const { store, audit, sign } = await setUp(t, (to) => [http(to)])
  store.shows = 'nothing'
  for (let i = 0; i < 3; i += 1) await sign()
  assert.deepEqual(store.lines.map(sizeOf), [1, 2, 3])
  const report = await audit.verifyLog()
  assert.ok(report.ok && report.checkpoints.exported === 0, JSON.stringify(report))
})

test('a folder that cannot be looked at is no empty one', async (t) => {
  const folder = testFolder(t)
  const file = fileSink(folder)
  assert.deepEqual([await file.list(), await file.newest()], [[], null])
  const name = path.join(folder, 'checkpoints.jsonl')
  symlinkSync(name, name)
  await assert.rejects(file.list(), /ELOOP/)
  await assert.rejects(file.newest(), /ELOOP/)
})

test('a server that is down stops no signature and no other place, and gets what it lacks later', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-sinks-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = fileSink(folder)
  const { clock, platform, store, audit, sign } = await setUp(t, (to) => [http(to), file])
  store.answer = (_request, response) => void response.writeHead(503).end()
  await assert.rejects(sign(), /could not be exported: http .*answered 503/)
  await assert.rejects(sign(), /answered 503/)
  assert.deepEqual((await file.list()).map(sizeOf), [1, 2])
  const state = await audit.state()
  assert.deepEqual(
    state.sinks.map(({ owed, exported }) => [exported, owed]),
    [
      [0, 2],
      [2, 0],
    ],
  )
  assert.match(state.sinks[0]?.fault ?? '', /503/)
  // It rests: another turn a moment later does not ask it.
  let asked = 0
  store.answer = (_request, response) => {
    asked += 1
    response.writeHead(503).end()
  }
  await assert.rejects(audit.checkpoint(), /503/)
  assert.equal(asked, 0)
  store.answer = undefined
  clock.advance(60_000)
  await act(platform)
  await audit.checkpoint()
  assert.deepEqual(store.lines.map(sizeOf), [1, 2, 3])
  assert.equal((await audit.state()).sinks[0]?.fault, undefined)
})

test('nothing is signed while a server holds checkpoints of another log, or none at all', async (t) => {
  const { store, audit, sign, clock } = await setUp(t, (to) => [http(to)])
  await sign()
  const other = await setUp(t, (to) => [http(to)])
  await other.sign()
  await other.sign()
  store.lines.push(...other.store.lines.slice(1))
  await assert.rejects(sign(), /key that this database does not know.*No checkpoint is signed/s)
  assert.match((await audit.state()).contradiction ?? '', /does not know/)
  store.lines.pop()
  clock.advance(600_000)
  store.answer = (_request, response) => void response.end('nonsense\n')
  await assert.rejects(sign(), /something else than the checkpoints that it was given/)
  store.answer = (_request, response) =>
    void response.end(`${JSON.stringify({ checkpoint: 'x', key: 'y' })}\n`)
  await assert.rejects(sign(), /something else than the checkpoints that it was given/)
  store.answer = undefined
  await audit.checkpoint({ now: true })
  assert.equal((await audit.state()).contradiction, undefined)
})

test('a server that answers without end, redirects or is slow does no harm', async (t) => {
  const { store, sign, audit, clock } = await setUp(t, (to) => [http(to)])
  const attacks: Store['answer'][] = [
    (_request, response) =>
      void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    (_request, response) => {
      const pour = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', pour)
      }
      pour()
    },
    (request) => void request.socket.destroy(),
  ]
  for (const attack of attacks) {
    store.answer = attack
    await assert.rejects(sign(), /could not be exported/)
    clock.advance(600_000)
  }
  store.answer = undefined
  await audit.checkpoint({ now: true })
  assert.deepEqual(store.lines.map(sizeOf), [1, 2, 3])
})

/** Messages as RFC 6587, section 3.4.1 frames them. */
function messagesIn(bytes: Buffer): string[] {
  const messages: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const length = Number(bytes.toString('latin1', at, space))
    assert.ok(length > 0, 'a length stands before each message')
    messages.push(bytes.toString('utf8', space + 1, space + 1 + length))
    at = space + 1 + length
  }
  return messages
}

const rfc5424 =
  /^<109>1 2030-01-01T00:00:00\.000Z node-7 wayleave - checkpoint - (\{"checkpoint":.*\})$/

for (const secure of [false, true])
  test(`a collector gets messages by RFC 5424 over ${secure ? 'TLS' : 'TCP'}`, async (t) => {
    const received: Buffer[] = []
    const take = (socket: Socket): void => {
      socket.on('data', (chunk: Buffer) => received.push(chunk))
      socket.on('error', () => undefined)
    }
    const ca = await makeCertificate({ name: 'CN=collectors', authority: {} })
    const leaf = await makeCertificate({
      issuer: ca,
      name: 'CN=localhost',
      dnsNames: ['localhost'],
    })
    const server = secure
      ? createTlsServer({ key: leaf.key, cert: leaf.pem }, take)
      : createTcpServer(take)
    const port = await listening(t, server)
    const clock = manualClock('2030-01-01T00:00:00Z')
    const sink = (trusted: string | undefined): CheckpointSink =>
      syslogSink({
        ...{ url: `${secure ? 'tls' : 'tcp'}://localhost:${port}`, ca: trusted },
        ...{ host: 'node 7'.replace(' ', '-'), clock },
      })
    const platform = await testPlatform(t, { clock })
    const audit = createAudit(platform, { sinks: [sink(secure ? ca.pem : undefined)] })
    for (let i = 0; i < 3; i += 1) {
      await act(platform)
      await audit.checkpoint({ now: true })
    }
    const messages = messagesIn(Buffer.concat(received))
    const lines = messages.map(
      (message) => rfc5424.exec(message)?.[1] ?? `not a message: ${message}`,
    )
    assert.deepEqual(readCheckpointLines(`${lines.join('\n')}\n`).map(sizeOf), [1, 2, 3])
    const report = await audit.verifyLog()
    assert.ok(report.ok && report.checkpoints.signed === 3, JSON.stringify(report))
    if (secure)
      await assert.rejects(sink(undefined).add([{ checkpoint: 'x', key: 'y' }]), /certificate/)
  })

test('a collector that ends the connection before it has read everything has taken nothing', async (t) => {
  const server = createTcpServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.end()
    t.after(() => void socket.destroy())
  })
  const port = await listening(t, server)
  const sink = syslogSink({
    ...{ url: `tcp://127.0.0.1:${port}`, ca: undefined, host: 'x' },
    clock: manualClock('2030-01-01T00:00:00Z'),
  })
  // More than the buffers of both sides hold.
  const many = Array.from({ length: 20_000 }, () => ({ checkpoint: 'x'.repeat(1_000), key: 'y' }))
  await assert.rejects(sink.add(many), /before it had read all messages/)
})

test('a collector that is away, or cuts the connection, is given the messages again', async (t) => {
  const clock = manualClock('2030-01-01T00:00:00Z')
  const platform = await testPlatform(t, { clock })
  let cuts = true
  const received: Buffer[] = []
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    if (cuts) socket.resetAndDestroy()
    else socket.on('data', (chunk: Buffer) => received.push(chunk))
  })
  const port = await listening(t, server)
  const url = `tcp://127.0.0.1:${port}`
  const audit = createAudit(platform, {
    sinks: [syslogSink({ url, ca: undefined, host: 'x', clock })],
  })
  await act(platform)
  await assert.rejects(audit.checkpoint(), /could not be exported: syslog/)
  cuts = false
  clock.advance(60_000)
  await audit.checkpoint()
  assert.equal(messagesIn(Buffer.concat(received)).length, 1)
})
