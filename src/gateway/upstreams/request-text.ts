import { FieldLines } from './field-text.ts'
import type { WireRequest } from './upstream-connection.ts'

/**
 * A request as the policies made it.
 * @public
 */
export type UpstreamRequest = {
  method: string
  path: string
  /** name and value in turn */
  headers: readonly string[]
  body: Buffer | null
}

/** up to this a body is sent in one piece with its head */
const shortBody = 4_096
const methodPattern = /^[A-Z]{1,20}$/
const targetPattern = /^\/[\x21-\x7e]*$/
/** whose absence of a body must be said (RFC 9110 section 8.6) */
const expectBody = new Set(['POST', 'PUT', 'PATCH'])
/** what describes the connection is not for those who ask */
const fieldLines = new FieldLines(
  new Set(['transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te']),
)

/**
 * Writes a request down (RFC 9112). Whatever a policy was given, nothing in it can end a line or add one.
 * @throws when a part of it cannot be sent
 * @public
 */
export function writeRequest(host: string, request: UpstreamRequest): WireRequest {
  const { method, path, headers, body } = request
  if (!methodPattern.test(method) || !targetPattern.test(path))
    throw new TypeError('this is no request line')
  let text = `${method} ${path} HTTP/1.1\r\n`
  let named = false
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const value = headers[i + 1] ?? ''
    const known = fieldLines.of(name, value)
    if (known.name === 'content-length') {
      if (value !== String(body?.length ?? 0)) throw new TypeError('this is another length')
      continue
    }
    if (known.name === 'host') named = true
    text += known.line
  }
  if (!named) text += `host: ${host}\r\n`
  // For upstreams of HTTP/1.0, which close without it.
  text += 'connection: keep-alive\r\n'
  if (body !== null) text += `content-length: ${body.length}\r\n\r\n`
  else text += expectBody.has(method) ? 'content-length: 0\r\n\r\n' : '\r\n'
  if (body === null || body.length > shortBody) return { method, text, body: body ?? undefined }
  // Latin1 is the bytes one by one, whatever they mean.
  return { method, text: text + body.toString('latin1'), body: undefined }
}
