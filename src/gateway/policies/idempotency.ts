import { createHash } from 'node:crypto'
import { type Exchange, pending, type UpstreamResponse } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import type { Claim } from '../payload/idempotency-claim.ts'
import { parseIdempotencyKey } from '../payload/idempotency-key.ts'
import { isOfUpstream, type KeptAnswer, openAnswer } from '../payload/kept-answer.ts'
import type { Begun } from '../payload/payload-store.ts'
import { type Refusal, refuse, refuseForNow, refuseInput } from '../refusal.ts'
import { responseCheck } from './check-response.ts'
import { isSafe } from './forward.ts'

const leaseMs = 60_000
/** a call must be over before its place may be taken for a dead one */
const afterDeadlineMs = 30_000
const keepSeconds = 86_400

/**
 * A write with an Idempotency-Key is done once (draft-ietf-httpapi-idempotency-key-header): the same request again gets
 * the first answer, another one with the same key is refused, and one whose outcome nobody knows is never done again
 * by itself. Without a key it costs nothing.
 * @public
 */
export const idempotency: OperationPolicy = (context, operation) => {
  const wish = wishOf(operation)
  if (wish === 'none') return undefined
  const repeatable = isRepeatable(operation)
  const check = responseCheck(context, operation)
  return {
    name: 'idempotency',
    apply(exchange) {
      const field = exchange.request.headers['idempotency-key']
      if (field === undefined) return wish === 'required' ? missing : undefined
      const key = parseIdempotencyKey(field)
      if (key === undefined) return malformed
      const claim = claimOf(context, operation, exchange, key)
      const fingerprint = fingerprintOf(context, exchange)
      const request = { fingerprint, leaseMs, keepSeconds, repeatable }
      context.payloads.begin(claim, request).then(
        (begun) => proceed({ context, check }, exchange, claim, begun),
        () => exchange.resume(notNow()),
      )
      return pending
    },
  }
}

/**
 * Marks the place of the request before the upstream is called: from here on nobody else does it. It comes last, so that
 * a request that is refused, or that dies, before it acts can simply be sent again.
 * @public
 */
export const beginActing: OperationPolicy = (context, operation) => {
  if (wishOf(operation) === 'none') return undefined
  const { documented, api } = operation
  const deadlineMs = documented.terms?.timeoutMs ?? api.upstream.timeoutMs
  const leaseOfCallMs = Math.max(leaseMs, deadlineMs + afterDeadlineMs)
  return {
    name: 'begin-acting',
    apply(exchange) {
      const { claim } = exchange
      if (claim === undefined) return undefined
      context.payloads.settle(claim, { state: 'executing', leaseMs: leaseOfCallMs }).then(
        (settled) => {
          if (exchange.settled) return
          if (!settled) {
            exchange.claim = undefined
            exchange.resume(running())
            return
          }
          claim.state = 'executing'
          // What it does must be known to the next one with this key, whether or not the client waits.
          exchange.completes = true
          exchange.resume()
        },
        () => exchange.resume(notNow()),
      )
      return pending
    },
  }
}

function wishOf(operation: Operation): 'optional' | 'required' | 'none' {
  const told = operation.documented.terms?.idempotency
  return told ?? (isSafe(operation) ? 'none' : 'optional')
}

/** RFC 9110 section 9.2.2: doing these twice is doing them once. */
const isRepeatable = (operation: Operation): boolean =>
  isSafe(operation) || ['PUT', 'DELETE'].includes(operation.documented.method)

function claimOf(
  context: GatewayContext,
  operation: Operation,
  exchange: Exchange,
  key: string,
): Claim {
  const applicationId = exchange.application?.id ?? ''
  const text = `${applicationId}\n${operation.documented.method}\n${exchange.path}\n${key}`
  return {
    applicationId,
    operation: operation.name,
    requestHash: context.sealing.keyedHash('idempotency-key', text),
    holder: exchange.id,
    state: 'started',
    repeatable: isRepeatable(operation),
  }
}

/** Everything that makes two requests equal; the subscriber of a token too, or one would be given another's answer. */
function fingerprintOf(context: GatewayContext, exchange: Exchange): string {
  const digest = createHash('sha256')
    .update(
      [
        exchange.request.method ?? '',
        exchange.path,
        exchange.query,
        exchange.contentType ?? '',
        exchange.subject ?? '',
        '',
      ].join('\n'),
    )
    .update(exchange.body)
    .digest('base64url')
  // Keyed: a short body with a number in it could be found by trying.
  return context.sealing.keyedHash('idempotency-fingerprint', digest)
}

type Means = { context: GatewayContext; check: ReturnType<typeof responseCheck> }

function proceed(means: Means, exchange: Exchange, claim: Claim, begun: Begun): void {
  switch (begun.outcome) {
    case 'new':
      if (exchange.settled) {
        // The client left before anything was done.
        means.context.payloads.settle(claim, { state: 'released' }).catch(() => undefined)
        return
      }
      exchange.claim = claim
      exchange.resume()
      return
    case 'running':
      exchange.resume(running())
      return
    case 'other':
      exchange.resume(reused)
      return
    case 'unknown':
      exchange.resume(unknown)
      return
    case 'done':
      exchange.resume(replay(means, exchange, claim, begun.answer))
  }
}

/** Gives the first answer again: what of it the document and the contract let leave now. */
function replay(
  { context, check }: Means,
  exchange: Exchange,
  claim: Claim,
  sealed: string | undefined,
): Refusal | undefined {
  if (sealed === undefined) return tooLong
  try {
    const answer = openAnswer(context.sealing, claim, sealed)
    if (isOfUpstream(answer)) {
      if (check(exchange, responseOf(answer), false) !== undefined) return unfit
    } else {
      exchange.status = answer.status
      exchange.code = answer.code
      exchange.refusedBy = answer.refusedBy
      exchange.responseHeaders.push(...answer.headers)
      exchange.responseBody = answer.body
    }
  } catch {
    return unreadable
  }
  exchange.idempotency = 'replayed'
  exchange.responseHeaders.push('idempotency-replayed', 'true')
  exchange.skipTo('return-own-device', 'mask')
  return undefined
}

function responseOf({ status, headers, body }: KeptAnswer): UpstreamResponse {
  const fields: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) fields[headers[i] ?? ''] = headers[i + 1] ?? ''
  return { status, headers: fields, body: Buffer.from(body as string) }
}

const missing = refuseInput([
  { path: 'Idempotency-Key', message: 'is required: send a new one with each new request' },
])
const malformed = refuseInput([
  { path: 'Idempotency-Key', message: 'must be one field of 1 to 255 visible ASCII characters' },
])
const notNow = (): Refusal =>
  refuseForNow(
    'Requests with an Idempotency-Key cannot be taken at the moment: nothing was done. Try again.',
  )
const running = (): Refusal =>
  refuse(
    'ABORTED',
    'The first request with this Idempotency-Key is under way. Send the same again for its answer.',
    { headers: ['retry-after', '1'] },
  )
const reused = refuse(
  'IDEMPOTENCY_KEY_REUSED',
  'This Idempotency-Key was sent with another request. Send a new one with each new request.',
)
const unknown = refuse(
  'CONFLICT',
  'The outcome of the first request with this Idempotency-Key is unknown, so it is not done again. Read the present state; then send what is still to be done with a new key.',
)
const tooLong = refuse(
  'CONFLICT',
  'The first request with this Idempotency-Key was done; its answer was too long to be kept.',
)
const unfit = refuse(
  'CONFLICT',
  'The first request with this Idempotency-Key was done; its answer is none that this API may give any more. Read the present state.',
)
const unreadable = refuse(
  'CONFLICT',
  'The first request with this Idempotency-Key was done; its answer can no longer be given.',
)
