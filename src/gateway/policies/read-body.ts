import type { GatewayRequest } from '../edge/messages.ts'
import { type Exchange, pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import { parseMediaType } from '../payload/media-type.ts'
import { type Refusal, refuse, refuseForNow, refuseInput } from '../refusal.ts'
import { isCrumbled } from '../upstreams/body-pieces.ts'

/**
 * Reads the body that the document describes, whole and within its bound; an operation without one takes none. It
 * comes after authentication: a stranger's body is never held.
 * @public
 */
export const readBody: OperationPolicy = (context, operation) => ({
  name: 'read-body',
  apply(exchange) {
    const length = lengthOf(exchange.request)
    const documented = operation.documented.requestBody
    if (documented === undefined) {
      if (length !== undefined) return length === 0 ? undefined : unexpected
      receive(exchange, context, 'none')
      return pending
    }
    if (length === 0) return documented.required ? missing : undefined
    if (length !== undefined && length > context.limits.requestBytes) return tooLarge(context)
    const type = typeFault(exchange, operation)
    if (type !== undefined) return type
    if (exchange.expectsContinue) exchange.response.writeContinue()
    const { body } = exchange.request
    if (body !== undefined) return take(exchange, context, body)
    receive(exchange, context, documented.required ? 'required' : 'optional')
    return pending
  },
})

/** @returns undefined when only the end of the body tells: chunks, or a stream of HTTP/2 that goes on */
function lengthOf({ headers, httpVersion, complete }: GatewayRequest): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined
  const length = headers['content-length']
  if (length !== undefined) return Number(length)
  return httpVersion === '2.0' && !complete ? undefined : 0
}

const missing = refuseInput([{ path: '', message: 'A request body is required.' }])
const unexpected = refuseInput([{ path: '', message: 'This operation takes no body.' }])

const full = refuseForNow('The gateway is at its limit. Try again in a moment.')

const tooLarge = (context: GatewayContext): Refusal =>
  refuse('PAYLOAD_TOO_LARGE', `A request body may have ${context.limits.requestBytes} bytes.`)

function typeFault(exchange: Exchange, operation: Operation): Refusal | undefined {
  const content = operation.documented.requestBody?.content ?? {}
  const { headers } = exchange.request
  const coding = headers['content-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'identity')
    return refuse('UNSUPPORTED_MEDIA_TYPE', 'The body must come without a content coding.')
  const field = headers['content-type']
  const type = field === undefined ? undefined : parseMediaType(field)
  if (type === undefined || !Object.hasOwn(content, type.essence))
    return refuse(
      'UNSUPPORTED_MEDIA_TYPE',
      `The body must be ${Object.keys(content).join(' or ')}${type?.json === true ? '' : ' in UTF-8'}.`,
    )
  exchange.contentType = type.essence
  return undefined
}

/** A body that came with its head. */
function take(exchange: Exchange, context: GatewayContext, body: Buffer): Refusal | undefined {
  exchange.heldBytes += body.length
  context.heldBytes += body.length
  if (context.heldBytes > context.limits.bufferedBytes) return full
  exchange.body = body
  return undefined
}

function receive(
  exchange: Exchange,
  context: GatewayContext,
  wanted: 'none' | 'optional' | 'required',
): void {
  const { request } = exchange
  const chunks: Buffer[] = []
  let size = 0
  let pieces = 0
  let refused = false
  const stop = (refusal: Refusal): void => {
    refused = true
    chunks.length = 0
    exchange.resume(refusal)
  }
  request.on('data', (chunk: Buffer, parts = 1) => {
    if (refused || exchange.settled) return
    size += chunk.length
    pieces += parts
    exchange.heldBytes += chunk.length
    context.heldBytes += chunk.length
    if (wanted === 'none' && size > 0) stop(unexpected)
    else if (size > context.limits.requestBytes) stop(tooLarge(context))
    else if (isCrumbled(pieces, size))
      stop(refuseInput([{ path: '', message: 'The body comes in too many small pieces.' }]))
    else if (context.heldBytes > context.limits.bufferedBytes) stop(full)
    else chunks.push(chunk)
  })
  request.on('end', () => {
    if (refused || exchange.settled) return
    const [first] = chunks
    exchange.body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
    if (size === 0 && wanted === 'required') stop(missing)
    else exchange.resume()
  })
}
