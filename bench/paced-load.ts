import { connect, createServer, type Socket } from 'node:net'

/**
 * Load at a steady rate and the upstream behind it, in one process that has a core for itself. While a run is on it never
 * sleeps: it turns its event loop, sends what is due and answers what the server under test asks. So nothing waits for a
 * wake-up or for another process of that core, and what is left of a latency is the server's.
 *
 * Calls are sent whether or not earlier ones were answered (an open loop), and a latency counts from when its call was
 * due. It says `{ port }` of the upstream, and answers each `PacedRun` with a `Latency`.
 */
export type PacedRun = { port: number; rate: number; seconds: number; requests: string[] }

/** in milliseconds; `sentLate` is the p99 of how late calls were sent, which is the load's own part of a latency */
export type Latency = { p50: number; p90: number; p99: number; sentLate: number; failed: number }

type Connection = { socket: Socket; dueMs: number; text: string }

const mostConnections = 32
const warmMs = 500
const answerBody = '{"swapped":false}'
const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answerBody.length}\r\n\r\n${answerBody}`

/** @returns the length of the first whole message of the text; 0 while it is not there */
function wholeMessage(text: string): number {
  const end = text.indexOf('\r\n\r\n') + 4
  if (end < 4) return 0
  const length = end + Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0)
  return text.length < length ? 0 : length
}

const upstream = createServer({ noDelay: true }, (socket) => {
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
    for (let length = wholeMessage(text); length > 0; length = wholeMessage(text)) {
      text = text.slice(length)
      socket.write(answer, 'latin1')
    }
  })
  socket.on('error', () => socket.destroy())
})

function run({ port, rate, seconds, requests }: PacedRun, done: (latency: Latency) => void): void {
  const gapMs = 1_000 / rate
  const count = Math.ceil((seconds * 1_000 + warmMs) / gapMs)
  const latencies = new Float64Array(count)
  const lateness = new Float64Array(count)
  const idle: Connection[] = []
  const all = new Set<Socket>()
  let sent = 0
  let ended = 0
  let failed = 0
  let startMs = 0

  const open = (whenOpen: (connection: Connection) => void): void => {
    const buffer = Buffer.allocUnsafeSlow(16_384)
    const callback = (length: number): boolean => {
      connection.text += buffer.toString('latin1', 0, length)
      const whole = wholeMessage(connection.text)
      if (whole > 0) answered(connection)
      return true
    }
    const onread = { buffer, callback }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    const connection = { socket, dueMs: 0, text: '' }
    all.add(socket)
    socket.once('connect', () => whenOpen(connection))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => all.delete(socket))
  }
  const answered = (connection: Connection): void => {
    const { text } = connection
    latencies[ended] = performance.now() - connection.dueMs
    ended += 1
    connection.text = ''
    if (!text.startsWith('HTTP/1.1 200')) failed += 1
    // A server ends a connection after so many requests: another one takes its place, as with any client.
    if (/\r\nconnection: close/i.test(text)) open((fresh) => idle.push(fresh))
    else idle.push(connection)
  }
  const turn = (): void => {
    // What waits for a connection keeps its due time: nothing that waits goes uncounted.
    while (sent < count && idle.length > 0) {
      const dueMs = startMs + sent * gapMs
      const nowMs = performance.now()
      if (dueMs > nowMs) break
      const connection = idle.pop()
      if (connection === undefined) break
      lateness[sent] = nowMs - dueMs
      connection.dueMs = dueMs
      connection.socket.write(requests[sent % requests.length] ?? '', 'latin1')
      sent += 1
    }
    const isOver = ended === count || performance.now() - startMs > 3 * (seconds * 1_000 + warmMs)
    if (!isOver) {
      setImmediate(turn)
      return
    }
    for (const socket of all) socket.destroy()
    const warm = Math.floor(warmMs / gapMs)
    const at = (times: Float64Array, part: number): number => {
      const sorted = times.slice(warm, ended).sort()
      return sorted[Math.floor(sorted.length * part)] ?? Number.NaN
    }
    const [p50, p90, p99] = [at(latencies, 0.5), at(latencies, 0.9), at(latencies, 0.99)]
    done({ p50, p90, p99, sentLate: at(lateness, 0.99), failed: failed + count - ended })
  }
  for (let i = 0; i < mostConnections; i += 1)
    open((connection) => {
      idle.push(connection)
      if (idle.length < mostConnections || sent > 0) return
      startMs = performance.now()
      turn()
    })
}

upstream.listen(0, '127.0.0.1', () => {
  const address = upstream.address()
  const port = typeof address === 'object' ? address?.port : 0
  process.send?.({ port, tokens: ['none'] })
})
process.on('message', (wanted: PacedRun) => run(wanted, (latency) => process.send?.(latency)))
process.on('SIGTERM', () => process.exit(0))
