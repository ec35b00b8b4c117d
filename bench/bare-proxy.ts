import { createServer } from 'node:http'
import { Pool } from 'undici'

/** What node:http and undici cost by themselves: bodies pass, nothing is looked at. */
const upstream = new Pool(process.argv[2] ?? '', { connections: 1_000, pipelining: 1 })
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const answer: Buffer[] = []
    let status = 502
    let type = ''
    upstream.dispatch(
      {
        method: request.method === 'POST' ? 'POST' : 'GET',
        path: request.url ?? '/',
        headers: ['content-type', request.headers['content-type'] ?? ''],
        body: Buffer.concat(chunks),
      },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, code, headers) => {
          status = code
          type = String(headers['content-type'])
        },
        onResponseData: (_controller, chunk) => void answer.push(chunk),
        onResponseEnd: () => {
          const body = Buffer.concat(answer)
          response.writeHead(status, ['content-type', type, 'content-length', String(body.length)])
          response.end(body)
        },
        onResponseError: () => response.destroy(),
      },
    )
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : 0, tokens: ['none'] })
})
process.on('SIGTERM', () => process.exit(0))
