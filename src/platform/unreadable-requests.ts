import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError, type ErrorBody } from './app-error.ts'

/** Answers what the router could not read, in the error model like everything else. */
export function answerUnroutable(
  error: Error & { code?: string },
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const refusal =
    error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? // No identifier is as long, so there is no such thing.
        new AppError('NOT_FOUND', 'There is nothing at this address.')
      : new AppError('INVALID_ARGUMENT', 'The path holds a percent sign that encodes nothing.')
  void reply
    .code(refusal.status)
    .headers({ 'x-correlator': request.id, 'cache-control': 'no-store' })
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(refusal.toBody()))
}

/** Answers bytes that are no request at all, and closes the connection. */
export function answerUnreadable(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, reason, message] = faultOf(error.code)
  const body: ErrorBody = { status, code: 'INVALID_ARGUMENT', message }
  const text = JSON.stringify(body)
  socket.end(
    [
      `HTTP/1.1 ${status} ${reason}`,
      `x-correlator: ${randomUUID()}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(text)}`,
      'connection: close',
      '',
      text,
    ].join('\r\n'),
  )
}

function faultOf(code: string | undefined): [status: number, reason: string, message: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'Request Header Fields Too Large', 'The address and the headers are too long.']
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'Request Timeout', 'The request did not arrive in time.']
    default:
      return [400, 'Bad Request', 'This is not a well-formed HTTP/1.1 request.']
  }
}
