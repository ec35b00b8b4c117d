import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

const statusTexts: Record<number, string> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/** Answers bytes that are no request, in the standard's error model, and ends the connection. */
export function refuseRaw(socket: Duplex | null, status: number, message: string): void {
  if (socket === null || !socket.writable || hasOtherAnswer(socket)) {
    socket?.destroy()
    return
  }
  const code = status === 405 ? 'METHOD_NOT_ALLOWED' : 'INVALID_ARGUMENT'
  const body = JSON.stringify({ status, code, message })
  socket.end(
    [
      `HTTP/1.1 ${status} ${statusTexts[status]}`,
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

/**
 * Whether an earlier request on this connection still waits for its answer, or an answer has begun: what is written
 * now would be taken for it.
 */
function hasOtherAnswer(socket: Duplex): boolean {
  const message = (socket as { _httpMessage?: ServerResponse | null })._httpMessage
  if (message === undefined || message === null) return false
  return message.headersSent || message.req.complete
}

/** Parser codes are a closed set; whatever else comes is one label. */
export const knownCode = (code: string): string =>
  /^HPE_[A-Z_]{1,40}$/.test(code) || code === 'ERR_HTTP_REQUEST_TIMEOUT' || code === 'ECONNRESET'
    ? code
    : 'other'
