import { apiKeyField, carriesCredential, isApiKey } from '../credentials/api-key.ts'
import { challengesOf } from '../credentials/challenges.ts'
import { type AccessToken, TokenVerifier } from '../credentials/token-verifier.ts'
import type { Exchange, Outcome } from '../exchange.ts'
import { pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'

const authorization = /^(Bearer|DPoP) (\S+)$/i
const mostVerifying = 500
/** a token this young may belong to an application that the feed is about to bring */
const youngMs = 30_000
const youngWaitMs = 1_500
const unknownMemoryMs = 1_000
const keyCooldownMs = 1_000
const mostAskingForKeys = 100
const mostUnknownKeys = 10_000

const inUrl = refuse(
  'INVALID_ARGUMENT',
  'A credential was sent in the URL, where logs keep it. Send it in its header field, and replace this one.',
)

type Refuse = (exchange: Exchange, reason: string) => Refusal

/**
 * Who calls: an access token of this environment's issuer for this gateway (RFC 6750, RFC 9068, RFC 9449), or, where the
 * product accepts them, an API key; and the live application and credential behind it. One credential, once. A remembered
 * token costs one hash and two lookups.
 * @public
 */
export const authenticate: OperationPolicy = (context, operation) => {
  const challenges = challengesOf(operation)
  const accepted = operation.documented.terms?.credentials ?? ['access-token']
  const takesTokens = accepted.includes('access-token')
  const takesKeys = accepted.includes('api-key')
  const queryNames = new Set(
    operation.documented.parameters.filter((p) => p.in === 'query').map((p) => p.name),
  )
  const refused: Refuse = (exchange, reason) => {
    context.binding.refused(exchange, reason)
    return challenges.unauthenticated
  }
  const refusedToken: Refuse = (exchange, reason) => {
    context.binding.refused(exchange, reason)
    return exchange.isDpop ? challenges.invalidDpopToken : challenges.invalidToken
  }
  const byToken = tokenCheck(context, refused, refusedToken)
  const byKey = keyCheck(context, refused)

  return {
    name: 'authenticate',
    apply(exchange) {
      if (exchange.queryParts.length > 0 && carriesCredential(exchange.queryParts, queryNames)) {
        context.binding.refused(exchange, 'credential in the URL')
        return inUrl
      }
      const { headers } = exchange.request
      const key = headers[apiKeyField]
      const field = headers.authorization
      if (key !== undefined) {
        if (field !== undefined) return refused(exchange, 'two credentials')
        if (!takesKeys) return refused(exchange, 'API key not accepted')
        return byKey(exchange, typeof key === 'string' ? key : '')
      }
      if (field === undefined) return refused(exchange, 'no credential')
      if (!takesTokens) return refused(exchange, 'access token not accepted')
      return byToken(exchange, field)
    },
  }
}

/** Checks what stands in Authorization. */
function tokenCheck(
  context: GatewayContext,
  noToken: Refuse,
  refused: Refuse,
): (exchange: Exchange, field: string) => Outcome {
  let keyAskedMs = Number.NEGATIVE_INFINITY

  const verify = (exchange: Exchange, jws: string, digest: string, secondTry: boolean): void => {
    context.tokens.verify(jws, digest, context.nowMs(), (verdict) => {
      if (verdict.ok) {
        const outcome = identify(context, exchange, verdict.token, refused)
        if (outcome !== pending) exchange.resume(outcome)
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
      exchange.resume(refused(exchange, `token: ${verdict.reason}`))
    })
  }

  return (exchange, field) => {
    const match = authorization.exec(field)
    const jws = match?.[2]
    if (jws === undefined) return noToken(exchange, 'token: form')
    if (hasTwo(exchange, 'authorization')) return noToken(exchange, 'two credentials')
    exchange.isDpop = match?.[1]?.length === 4
    const digest = TokenVerifier.digest(jws)
    if (digest === undefined) return refused(exchange, 'token: form')
    if (exchange.isDpop) exchange.tokenDigest = digest
    // No rule before this one waits: its arrival is the present.
    const token = context.tokens.cached(digest, exchange.at)
    if (token !== undefined) return identify(context, exchange, token, refused)
    if (!TokenVerifier.isWellFormed(jws)) return refused(exchange, 'token: form')
    if (context.tokens.verifying >= mostVerifying)
      return refuseForNow('Too many new tokens at once. Try again in a moment.')
    verify(exchange, jws, digest, false)
    return pending
  }
}

/** Finds the application and its credential; a client of a moment ago is looked for in the feed. */
function identify(
  context: GatewayContext,
  exchange: Exchange,
  token: AccessToken,
  refused: Refuse,
): Outcome {
  if (recognises(context, exchange, token)) return undefined
  if (token.unknownUntilMs > context.nowMs()) return refused(exchange, 'unknown credential')
  const { index } = context
  if (index.wasRemoved(token.credentialId) || index.wasRemoved(token.clientId))
    return refused(exchange, 'deleted credential')
  const found = (): boolean => recognises(context, exchange, token)
  const withinMs = context.nowMs() - token.issuedAtMs < youngMs ? youngWaitMs : 0
  context.feed.lookFor(found, withinMs, () => {
    if (found()) exchange.resume()
    else {
      token.unknownUntilMs = context.nowMs() + unknownMemoryMs
      exchange.resume(refused(exchange, 'unknown credential'))
    }
  })
  return pending
}

function recognises(context: GatewayContext, exchange: Exchange, token: AccessToken): boolean {
  const application = context.index.application(token.clientId)
  if (application?.credentialIds.includes(token.credentialId) !== true) return false
  exchange.token = token
  exchange.application = application
  exchange.credential = 'access-token'
  exchange.credentialId = token.credentialId
  return true
}

/**
 * Checks an API key. Only its keyed hash is known here, so the lookup compares nothing that a caller could guess step by
 * step. Anybody can make up keys with a right checksum: what is unknown asks the feed for a bounded number of callers only.
 */
function keyCheck(
  context: GatewayContext,
  refused: Refuse,
): (exchange: Exchange, key: string) => Outcome {
  const unknownUntil = new Map<string, number>()
  let asking = 0

  const recognised = (exchange: Exchange, hash: string): boolean => {
    const holder = context.index.holderOfKey(hash)
    if (holder === undefined) return false
    exchange.application = holder.application
    exchange.credential = 'api-key'
    exchange.credentialId = holder.credentialId
    return true
  }

  return (exchange, key) => {
    if (!isApiKey(key, context.environment)) return refused(exchange, 'API key: form')
    const hash = context.sealing.keyedHash('api-key', key)
    if (recognised(exchange, hash)) return undefined
    const nowMs = context.nowMs()
    if (context.index.wasRemoved(hash)) return refused(exchange, 'deleted credential')
    if ((unknownUntil.get(hash) ?? 0) > nowMs || asking >= mostAskingForKeys)
      return refused(exchange, 'unknown credential')
    asking += 1
    context.feed.lookFor(
      () => context.index.holderOfKey(hash) !== undefined,
      0,
      () => {
        asking -= 1
        if (recognised(exchange, hash)) exchange.resume()
        else {
          if (unknownUntil.size >= mostUnknownKeys) unknownUntil.clear()
          unknownUntil.set(hash, context.nowMs() + unknownMemoryMs)
          exchange.resume(refused(exchange, 'unknown credential'))
        }
      },
    )
    return pending
  }
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
