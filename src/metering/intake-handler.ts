import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { AppError } from '#platform/app-error'
import { type Environment, environments } from '#platform/config'
import type { InternalHandler } from '#platform/internal-server'
import type { Platform } from '#platform/module'
import { sameSecret } from '#platform/sealing'
import type { IntakeResult, SegmentClaim } from './apply-segment.ts'

const compressedLimit = 16 * 1_048_576
const rawLimit = 64 * 1_048_576
const leastChunk = 16 * 1024
const atOnce = 8
/** Of segments that are read at once: each takes some eight times its length of memory. */
const heldLimit = 96 * 1_048_576

const inflate = promisify(gunzip)

/**
 * `POST /internal/v1/journal/segments`: 2xx settles a segment, 409 says that it is in quarantine and settled too; after
 * anything else the gateway sends it again.
 */
export function createIntakeHandler(
  apply: Apply,
  { sealing, log }: Pick<Platform, 'sealing' | 'log'>,
  limits = { heldBytes: heldLimit },
): InternalHandler {
  let busy = 0
  let held = 0
  const applyWithin: Apply = async (environment, claim, bytes) => {
    // One alone may have any length that is taken at all.
    if (held > 0 && held + bytes.length > limits.heldBytes)
      throw new AppError('UNAVAILABLE', 'Too much at once: send this segment again.')
    held += bytes.length
    try {
      return await apply(environment, claim, bytes)
    } finally {
      held -= bytes.length
    }
  }
  return async (request, response) => {
    try {
      const environment = senderOf(request, sealing)
      if (busy >= atOnce) throw new AppError('UNAVAILABLE', 'Too many segments at once.')
      busy += 1
      try {
        await take(applyWithin, environment, request, response)
      } finally {
        busy -= 1
      }
    } catch (error) {
      if (!(error instanceof AppError))
        log.error({ err: error }, 'a segment was not counted; the gateway will send it again')
      const refusal =
        error instanceof AppError
          ? error
          : new AppError('INTERNAL', 'The segment could not be counted now.')
      answer(request, response, refusal.status, refusal.toBody())
    }
  }
}

type Apply = (environment: Environment, claim: SegmentClaim, bytes: Buffer) => Promise<IntakeResult>

async function take(
  apply: Apply,
  environment: Environment,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const claim = claimOf(request)
  const bytes = await decoded(request, await bodyOf(request))
  const result = await apply(environment, claim, bytes)
  switch (result.outcome) {
    case 'applied':
    case 'known':
      return answer(request, response, 200, result)
    case 'quarantined':
      throw new AppError('CONFLICT', result.reason)
    case 'refused':
      throw result.why === 'environment'
        ? new AppError('PERMISSION_DENIED', result.reason)
        : new AppError('INVALID_ARGUMENT', result.reason)
  }
}

/** The environment whose token the sender shows: nothing of another one is taken from it. */
function senderOf(request: IncomingMessage, sealing: Platform['sealing']): Environment {
  const shown = /^Bearer ([\w-]{1,256})$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const matching = environments.filter((environment) =>
    sameSecret(shown, sealing.machineToken(`intake:${environment}`)),
  )
  const [environment] = matching
  if (environment === undefined)
    throw new AppError('UNAUTHENTICATED', 'The intake token is not the one of a gateway.')
  return environment
}

function claimOf(request: IncomingMessage): SegmentClaim {
  const header = (name: string): string => {
    const value = request.headers[name]
    return typeof value === 'string' ? value : ''
  }
  const claim = {
    gatewayId: header('x-wayleave-gateway'),
    boot: header('x-wayleave-boot'),
    sequence: header('x-wayleave-sequence'),
    sha256: header('x-wayleave-sha256'),
  }
  const faults = [
    ...(/^[\w.-]{1,64}$/.test(claim.gatewayId) ? [] : ['x-wayleave-gateway']),
    ...(/^[\w.-]{1,64}$/.test(claim.boot) ? [] : ['x-wayleave-boot']),
    ...(/^(0|[1-9]\d{0,14})$/.test(claim.sequence) ? [] : ['x-wayleave-sequence']),
    ...(/^[0-9a-f]{64}$/.test(claim.sha256) ? [] : ['x-wayleave-sha256']),
  ]
  if (faults.length > 0)
    throw new AppError('INVALID_ARGUMENT', `Missing or malformed: ${faults.join(', ')}.`)
  return { ...claim, sequence: Number(claim.sequence) }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () =>
    new AppError('PAYLOAD_TOO_LARGE', 'A segment is at most 16 MiB compressed.')
  if (Number(request.headers['content-length'] ?? 0) > compressedLimit) throw tooLarge()
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk as Uint8Array)
    length += bytes.length
    if (length > compressedLimit) throw tooLarge()
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

async function decoded(request: IncomingMessage, body: Buffer): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return body
  if (encoding !== 'gzip') throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send gzip, or nothing.')
  // gzip ends with the length of what it holds: into one piece of that size. It is the sender's word, and only a hint.
  const told = body.length < 4 ? 0 : body.readUInt32LE(body.length - 4)
  const chunkSize = Math.min(Math.max(told, leastChunk), rawLimit)
  return await inflate(body, { maxOutputLength: rawLimit, chunkSize }).catch((error: unknown) =>
    Promise.reject(notInflated(error)),
  )
}

const notInflated = (cause: unknown): AppError =>
  cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'
    ? new AppError('PAYLOAD_TOO_LARGE', 'A segment is at most 64 MiB.', { cause })
    : new AppError('INVALID_ARGUMENT', 'The body is not gzip.', { cause })

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: object,
): void {
  if (response.headersSent) return
  // What was not read of the body would be taken for the next request.
  const unread = !request.complete
  response
    .writeHead(status, {
      'content-type': 'application/json',
      ...(unread && { connection: 'close' }),
    })
    .end(JSON.stringify(body))
}
