import { insufficientScope } from '../credentials/challenges.ts'
import type { Exchange } from '../exchange.ts'
import { pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import { type Refusal, refuse } from '../refusal.ts'

/** a subscription of a moment ago is on its way when the token is this young */
const youngMs = 30_000
const youngWaitMs = 1_500
const memoryMs = 1_000
const mostRemembered = 10_000

/**
 * Whether the caller may: an active application, with a live subscription to this API under a live contract, and, of an
 * access token, one of the sets of scopes that the document names. The refusal says which of these is missing.
 * @public
 */
export const authorise: OperationPolicy = (context, operation) => {
  /** applications that the feed had nothing new for a moment ago */
  const asked = new Map<string, number>()
  return {
    name: 'authorise',
    apply(exchange) {
      const refusal = decide(context, operation, exchange)
      if (refusal === undefined || refusal.code !== 'PERMISSION_DENIED') return refusal
      const id = exchange.application?.id ?? ''
      const nowMs = context.nowMs()
      if (exchange.contract !== undefined || (asked.get(id) ?? 0) > nowMs) return refusal
      if (!mayBeComing(context, operation, exchange)) return refusal
      const young = nowMs - (exchange.token?.issuedAtMs ?? 0) < youngMs
      const found = (): boolean => {
        decide(context, operation, exchange)
        return exchange.contract !== undefined
      }
      context.feed.lookFor(found, young ? youngWaitMs : 0, () => {
        const again = decide(context, operation, exchange)
        if (again !== undefined) {
          if (asked.size >= mostRemembered) asked.clear()
          asked.set(id, context.nowMs() + memoryMs)
        }
        exchange.resume(again)
      })
      return pending
    },
  }
}

/** Sets the contract as soon as a live subscription under a live contract is found. */
function decide(
  context: GatewayContext,
  operation: Operation,
  exchange: Exchange,
): Refusal | undefined {
  const { application, token } = exchange
  if (application === undefined) throw new Error('nobody was authenticated')
  // Entries change while a call waits for the feed: the application is read again.
  const current = context.index.application(application.clientId)
  if (current === undefined || current.state !== 'active')
    return denied('The application is suspended.')
  exchange.application = current
  const missing = findContract(context, operation, exchange, current.id, current.partnerId)
  if (missing !== undefined) return missing
  // An API key carries no scope: a product that accepts keys lets the subscription stand for the scopes of its operations.
  if (token === undefined) return undefined
  const { scopes } = operation.documented
  if (scopes.length === 0 || scopes.some((set) => set.every((scope) => token.scopes.has(scope))))
    return undefined
  return lacksScopes(scopes, token.scopes, exchange.isDpop)
}

/** Of each alternative only what the token lacks: what it has need not be asked for again. */
function lacksScopes(
  alternatives: readonly (readonly string[])[],
  present: ReadonlySet<string>,
  isDpop: boolean,
): Refusal {
  const lacking = alternatives.map((set) => set.filter((scope) => !present.has(scope)))
  const least = Math.min(...lacking.map(({ length }) => length))
  const wanted = [...new Set(lacking.map((set) => set.join(' and ')))].join(', or ')
  const nearest = alternatives[lacking.findIndex(({ length }) => length === least)] ?? []
  return refuse(
    'PERMISSION_DENIED',
    `The access token lacks the scope ${wanted}. Ask for it when you request a token.`,
    { headers: ['www-authenticate', insufficientScope(nearest, isDpop)] },
  )
}

function findContract(
  context: GatewayContext,
  operation: Operation,
  exchange: Exchange,
  applicationId: string,
  partnerId: string,
): Refusal | undefined {
  const apiId = operation.api.id
  let reason = `The application has no subscription to ${apiId}. Subscribe to it in the portal.`
  for (const subscription of context.index.subscriptions(applicationId)) {
    if (subscription.apiId !== apiId && subscription.apiId !== '*') continue
    if (subscription.state !== 'active') {
      reason = `The application's subscription to ${apiId} is suspended.`
      continue
    }
    const contract = context.index.contract(subscription.contractId)
    if (contract === undefined || contract.partnerId !== partnerId || contract.state !== 'active') {
      reason = `The contract behind the application's subscription to ${apiId} is not active.`
      continue
    }
    exchange.contract = contract
    // The subscription that names the API wins over one to all of them.
    if (subscription.apiId === apiId) return undefined
  }
  return exchange.contract === undefined ? denied(reason) : undefined
}

/** Whether what is missing was never here: then a feed that is a moment behind may bring it. */
function mayBeComing(context: GatewayContext, operation: Operation, exchange: Exchange): boolean {
  const { index } = context
  const application = index.application(exchange.application?.clientId ?? '')
  if (application?.state !== 'active') return false
  const apiId = operation.api.id
  const fitting = index
    .subscriptions(application.id)
    .filter((subscription) => subscription.apiId === apiId || subscription.apiId === '*')
  if (fitting.length === 0) {
    return (
      !index.wasRemoved(`${application.id} ${apiId}`) && !index.wasRemoved(`${application.id} *`)
    )
  }
  return fitting.some(
    ({ state, contractId }) =>
      state === 'active' &&
      index.contract(contractId) === undefined &&
      !index.wasRemoved(contractId),
  )
}

const denied = (message: string): Refusal => refuse('PERMISSION_DENIED', message)
