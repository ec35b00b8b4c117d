import { connect, type Socket } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/**
 * Sends one request after the other at a steady rate, whether or not earlier ones were answered (an open loop), and
 * prints quantiles of the time from when each was due to its whole answer: `paced-load.ts <port> <rate> <seconds>`, with
 * `{ requests: [text, ...] }` in BENCH_REQUEST.
 *
 * A thread of its own sleeps from one due time to the next, so that this one wakes for answers at once and neither of
 * them keeps the processor from what is measured.
 */
type Pace = { gapMs: number; count: number }

const mostConnections = 64

if (isMainThread) generate()
else keepTime(workerData as Pace)

function keepTime({ gapMs, count }: Pace): void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const startMs = performance.now()
  for (let sent = 0; sent < count; ) {
    const dueMs = startMs + sent * gapMs
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) Atomics.wait(cell, 0, 0, waitMs)
    const nowMs = performance.now()
    let due = 0
    while (sent + due < count && startMs + (sent + due) * gapMs <= nowMs) due += 1
    sent += due
    if (due > 0) parentPort?.postMessage({ due, epochMs: performance.timeOrigin + startMs })
  }
}

type Connection = { socket: Socket; dueMs: number; text: string }

function generate(): void {
  const [port = '0', rate = '1000', seconds = '2'] = process.argv.slice(2)
  const { requests } = JSON.parse(process.env.BENCH_REQUEST ?? '{}') as { requests: string[] }
  const gapMs = 1_000 / Number(rate)
  const warmMs = 500
  const count = Math.ceil((Number(seconds) * 1_000 + warmMs) / gapMs)
  const idle: Connection[] = []
  const waiting: number[] = []
  const latencies: number[] = []
  let begun = 0
  let ended = 0
  let failed = 0

  const next = (connection: Connection): void => {
    const dueMs = waiting.shift()
    if (dueMs === undefined) idle.push(connection)
    else send(connection, dueMs)
  }
  const send = (connection: Connection, dueMs: number): void => {
    connection.dueMs = dueMs
    connection.socket.write(requests[begun % requests.length] ?? '', 'latin1')
    begun += 1
  }
  const answered = (good: boolean, dueMs: number): void => {
    ended += 1
    if (!good) failed += 1
    if (ended > warmMs / gapMs) latencies.push(performance.now() - dueMs)
    if (ended === count) report()
  }
  const report = (): void => {
    latencies.sort((a, b) => a - b)
    const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? -1
    console.log(JSON.stringify({ p50: at(0.5), p90: at(0.9), p99: at(0.99), failed, sent: ended }))
    process.exit(0)
  }
  const open = (whenOpen: (connection: Connection) => void): void => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
    const connection = { socket, dueMs: 0, text: '' }
    socket.on('connect', () => whenOpen(connection))
    socket.on('data', (bytes) => {
      connection.text += bytes.toString('latin1')
      const end = connection.text.indexOf('\r\n\r\n') + 4
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(connection.text)?.[1] ?? 0)
      if (end < 4 || connection.text.length < end + length) return
      const good = connection.text.startsWith('HTTP/1.1 200')
      const closes = /\r\nconnection: close/i.test(connection.text.slice(0, end))
      connection.text = ''
      answered(good, connection.dueMs)
      // A server ends a connection after so many requests: another one takes its place, as with any client.
      if (closes) open(next)
      else next(connection)
    })
    socket.on('error', () => {
      throw new Error('a connection broke')
    })
  }
  for (let i = 0; i < mostConnections; i += 1)
    open((connection) => {
      idle.push(connection)
      if (idle.length === mostConnections) start()
    })

  const start = (): void => {
    let due = 0
    const worker = new Worker(import.meta.filename, { workerData: { gapMs, count } })
    worker.on('message', (message: { due: number; epochMs: number }) => {
      const startMs = message.epochMs - performance.timeOrigin
      for (let i = 0; i < message.due; i += 1) {
        // When it was due counts, not when it could be sent: nothing that waits goes uncounted.
        const dueMs = startMs + due * gapMs
        due += 1
        const connection = idle.pop()
        if (connection === undefined) waiting.push(dueMs)
        else send(connection, dueMs)
      }
    })
  }
}
