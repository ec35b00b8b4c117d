import type { Exchange, Outcome } from '../exchange.ts'
import { pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import { refuse, refuseForNow } from '../refusal.ts'
import { type AccessToken, TokenVerifier } from '../token-verifier.ts'

const bearer = /^Bearer (\S+)$/i
const mostVerifying = 500
/** a token this young may belong to an application that the feed is about to bring */
const youngMs = 30_000
const youngWaitMs = 1_500
const unknownMemoryMs = 1_000
const keyCooldownMs = 1_000

/** One answer for every cause: what was wrong with a credential is nobody's business but its owner's. */
const unauthenticated = refuse('UNAUTHENTICATED', 'A valid access token is needed.', {
  headers: ['www-authenticate', 'Bearer'],
})

/**
 * Who calls (RFC 6750, RFC 9068): a Bearer token of this environment's issuer for this gateway, and the live
 * application and credential behind it. A remembered token costs one hash and two lookups.
 * @public
 */
export const authenticate: OperationPolicy = (context) => {
  let keyAskedMs = Number.NEGATIVE_INFINITY

  const verify = (exchange: Exchange, jws: string, digest: string, secondTry: boolean): void => {
    context.tokens.verify(jws, digest, context.nowMs(), (verdict) => {
      if (verdict.ok) {
        settle(exchange, identify(context, exchange, verdict.token))
        return
      }
      const nowMs = context.monotonicMs()
      // A key of a moment ago; a flood of made-up key names asks the feed once a second.
      if (verdict.unknownKey === true && !secondTry && nowMs - keyAskedMs >= keyCooldownMs) {
        keyAskedMs = nowMs
        context.feed.lookFor(
          () => false,
          0,
          () => verify(exchange, jws, digest, true),
        )
        return
      }
      exchange.resume(unauthenticated)
    })
  }

  return {
    name: 'authenticate',
    apply(exchange) {
      const jws = bearer.exec(exchange.request.headers.authorization ?? '')?.[1]
      if (jws === undefined || hasTwo(exchange, 'authorization')) return unauthenticated
      const digest = TokenVerifier.digest(jws)
      if (digest === undefined) return unauthenticated
      const token = context.tokens.cached(digest, context.nowMs())
      if (token !== undefined) return identify(context, exchange, token)
      if (context.tokens.verifying >= mostVerifying)
        return refuseForNow('Too many new tokens at once. Try again in a moment.')
      verify(exchange, jws, digest, false)
      return pending
    },
  }
}

const settle = (exchange: Exchange, outcome: Outcome): void => {
  if (outcome !== pending) exchange.resume(outcome)
}

/** Finds the application and its credential; a client of a moment ago is looked for in the feed. */
function identify(context: GatewayContext, exchange: Exchange, token: AccessToken): Outcome {
  if (recognises(context, exchange, token)) return undefined
  if (token.unknownUntilMs > context.nowMs()) return unauthenticated
  const { index } = context
  if (index.wasRemoved(token.credentialId) || index.wasRemoved(token.clientId))
    return unauthenticated
  lookForClient(context, exchange, token)
  return pending
}

function recognises(context: GatewayContext, exchange: Exchange, token: AccessToken): boolean {
  const application = context.index.application(token.clientId)
  if (application?.credentialIds.includes(token.credentialId) !== true) return false
  exchange.token = token
  exchange.application = application
  return true
}

function lookForClient(context: GatewayContext, exchange: Exchange, token: AccessToken): void {
  const found = (): boolean => recognises(context, exchange, token)
  const withinMs = context.nowMs() - token.issuedAtMs < youngMs ? youngWaitMs : 0
  context.feed.lookFor(found, withinMs, () => {
    if (found()) exchange.resume()
    else {
      token.unknownUntilMs = context.nowMs() + unknownMemoryMs
      exchange.resume(unauthenticated)
    }
  })
}

/** Node keeps the first of two Authorization fields; another parser may keep the last. */
function hasTwo(exchange: Exchange, name: string): boolean {
  const fields = exchange.request.rawHeaders
  let count = 0
  for (let i = 0; i < fields.length; i += 2) {
    const field = fields[i] ?? ''
    if (field.length === name.length && field.toLowerCase() === name) count += 1
  }
  return count > 1
}
