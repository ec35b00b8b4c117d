import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An upstream that is a process of its own, so that a test can stop and kill it. */
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end('{"swapped":false}')
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
