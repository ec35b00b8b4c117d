import type { Exchange, Policy } from './exchange.ts'
import { pending } from './exchange.ts'
import type { ArrivalPolicy, GatewayContext, OperationPolicy, Target } from './gateway-context.ts'
import type { Operation } from './operation.ts'
import { acceptHost } from './policies/accept-host.ts'
import { admit } from './policies/admit.ts'
import { announceVersion } from './policies/announce-version.ts'
import { answerPreflight } from './policies/answer-preflight.ts'
import { authenticate } from './policies/authenticate.ts'
import { authorise } from './policies/authorise.ts'
import { bind } from './policies/bind.ts'
import { cache } from './policies/cache.ts'
import { checkFraming } from './policies/check-framing.ts'
import { checkResponse } from './policies/check-response.ts'
import { checkRevocation } from './policies/check-revocation.ts'
import { correlate } from './policies/correlate.ts'
import { forward } from './policies/forward.ts'
import { beginActing, idempotency } from './policies/idempotency.ts'
import { identifySubject } from './policies/identify-subject.ts'
import { isolateResource } from './policies/isolate-resource.ts'
import { keepResponse } from './policies/keep-response.ts'
import { limitQuota } from './policies/limit-quota.ts'
import { limitRate } from './policies/limit-rate.ts'
import { mask } from './policies/mask.ts'
import { readBody } from './policies/read-body.ts'
import { requireConsent } from './policies/require-consent.ts'
import { requireJournal } from './policies/require-journal.ts'
import { returnOwnDevice } from './policies/return-own-device.ts'
import { route } from './policies/route.ts'
import { settleResource } from './policies/settle-resource.ts'
import { shed } from './policies/shed.ts'
import { sampleTrace, trace } from './policies/trace.ts'
import { trustProxy } from './policies/trust-proxy.ts'
import { validateBody } from './policies/validate-body.ts'
import { validateParameters } from './policies/validate-parameters.ts'
import { type Refusal, refuse } from './refusal.ts'

/** The rules of every request, until its operation is known. */
const onArrival: readonly ArrivalPolicy[] = [
  correlate,
  checkFraming,
  trustProxy,
  acceptHost,
  trace,
  admit,
  answerPreflight,
  route,
]

/** The rules of an operation's requests, in their order. Journal and response follow the last one. */
const onOperation: readonly OperationPolicy[] = [
  announceVersion,
  authenticate,
  bind,
  checkRevocation,
  authorise,
  sampleTrace,
  shed,
  requireJournal,
  limitRate,
  validateParameters,
  readBody,
  validateBody,
  identifySubject,
  requireConsent,
  idempotency,
  limitQuota,
  isolateResource,
  cache,
  beginActing,
  forward,
  checkResponse,
  keepResponse,
  settleResource,
  returnOwnDevice,
  mask,
]

export const arrivalChain = (context: GatewayContext): readonly Policy[] =>
  onArrival.flatMap((make) => make(context) ?? [])

/** The chain of only those rules that this operation needs, made once when its document arrives. */
export const targetOf = (context: GatewayContext, operation: Operation): Target => ({
  operation,
  chain: onOperation.flatMap((make) => make(context, operation) ?? []),
})

/** What happens to an exchange when its rules have decided. */
export type Conclude = (exchange: Exchange, refusal: Refusal | undefined, rule: string) => void

/**
 * Runs an exchange through its rules from where it is. The usual request goes from the first byte to the upstream call
 * without a promise; a rule that waits calls `exchange.resume`.
 */
export function advance(context: GatewayContext, exchange: Exchange, conclude: Conclude): void {
  let name = ''
  try {
    while (exchange.position < exchange.chain.length) {
      const policy = exchange.chain[exchange.position]
      if (policy === undefined) break
      exchange.position += 1
      name = policy.name
      const outcome = policy.apply(exchange)
      if (outcome === undefined) continue
      if (outcome !== pending) conclude(exchange, outcome, name)
      else exchange.trace?.beginWait(context.monotonicMs(), name)
      return
    }
    conclude(exchange, undefined, name)
  } catch (error) {
    // A fault of ours in one rule ends one exchange, never the process.
    if (exchange.settled) {
      context.log.error({ err: error, rule: name, exchange: exchange.id }, 'an exchange broke')
      exchange.response.destroy()
      return
    }
    conclude(exchange, broken(error, name), name)
  }
}

const broken = (error: unknown, rule: string): Refusal =>
  refuse(
    'INTERNAL',
    'Something failed on our side. It has been recorded under this x-correlator.',
    { fault: { err: error, rule } },
  )
