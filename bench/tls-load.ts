import { connect } from 'node:tls'

/**
 * As many requests as a server takes in TLS, on connections that are kept, each waiting for its answer:
 * `tls-load.ts <port> <seconds>` with `{ requests, key, cert }` in BENCH_REQUEST. `handshakes` counts what a connection
 * costs: each is used for one request then.
 */
const [port = '0', seconds = '2', mode = 'keep'] = process.argv.slice(2)
const { requests, ...identity } = JSON.parse(process.env.BENCH_REQUEST ?? '{}') as {
  requests: string[]
  key?: string
  cert?: string
}
const connections = 16
const endMs = performance.now() + Number(seconds) * 1_000
let sent = 0
let answered = 0
let failed = 0
let open = connections

function run(): void {
  const socket = connect({
    ...{ port: Number(port), host: '127.0.0.1', servername: 'localhost' },
    // Its own certificate: what is measured is the server.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...identity,
  })
  socket.setNoDelay(true)
  const next = (): void => {
    socket.write(requests[sent % requests.length] ?? '', 'latin1')
    sent += 1
  }
  let over = false
  const finished = (): void => {
    over = true
    socket.destroy()
    open -= 1
    if (open === 0) {
      console.log(JSON.stringify({ answered, failed }))
      process.exit(0)
    }
  }
  let text = ''
  socket.on('secureConnect', next)
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
    const end = text.indexOf('\r\n\r\n') + 4
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0)
    if (end < 4 || text.length < end + length) return
    answered += 1
    if (!text.startsWith('HTTP/1.1 200')) failed += 1
    text = ''
    if (performance.now() >= endMs) finished()
    else if (mode === 'keep') next()
    else socket.destroy()
  })
  // The server ends a connection after some thousand requests.
  socket.on('close', () => {
    if (!over) run()
  })
  socket.on('error', (error) => {
    throw error
  })
}
for (let i = 0; i < connections; i += 1) run()
