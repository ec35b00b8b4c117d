import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

/** Answers bytes that are no request, in the standard's error model, and ends the connection. */
export function refuseRaw(socket: Socket, status: number, message: string): void {
  const code = status === 405 ? 'METHOD_NOT_ALLOWED' : 'INVALID_ARGUMENT'
  const body = JSON.stringify({ status, code, message })
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-correlator: ${randomUUID()}`,
      'cache-control: no-store',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  )
}
