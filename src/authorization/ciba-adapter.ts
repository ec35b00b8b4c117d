import { hash } from 'node:crypto'
import Provider, { type Adapter, type AdapterPayload } from 'oidc-provider'
import { addedOpenid } from './ciba-parameters.ts'
import { notePoll } from './ciba-poll.ts'
import { OAuthError } from './oauth-error.ts'
import { protocolScopes, type RequestedScope, readRequestedScope } from './requested-scope.ts'
import type { ServerOptions } from './server-options.ts'
import { subscriberOf } from './subscriber-account.ts'
import { stateOf } from './token-state.ts'

/** An expired request is told from one that never was for this long. */
const rememberedSeconds = 3_600

/**
 * What a poll for a request of the back channel finds. The provider looks it up after it has authenticated the client;
 * here the poll is paced, and what the subscriber said by now is asked of the consents themselves. So nothing has to be
 * told to this request when an answer comes, and a consent that was withdrawn a moment ago counts.
 */
export function cibaAdapter(options: ServerOptions, kept: Adapter): Adapter {
  return {
    ...kept,
    async upsert(id, payload, expiresIn = 0) {
      const { params: _, claims: __, ...needed } = payload
      await kept.upsert(id, withoutAddedOpenid(needed), expiresIn + rememberedSeconds)
    },
    async find(id) {
      const payload = await kept.find(id)
      const client = stateOf(Provider.ctx?.req)?.client
      // A stranger's poll is refused by the provider, and must not slow the client down whose request it is.
      if (payload === undefined || payload.clientId !== client?.clientId)
        return payload ?? undefined
      const now = options.clock.now()
      const expiresAt = new Date((payload.exp ?? 0) * 1_000)
      await pace(options, id, now, expiresAt)
      if (payload.consumed !== undefined) throw invalidGrant('the auth_req_id was used before')
      if (expiresAt <= now)
        throw new OAuthError(400, 'expired_token', 'the auth_req_id has expired: ask anew')
      return await answered(options, payload)
    },
  }
}

async function pace(
  { environment, database }: ServerOptions,
  authReqId: string,
  at: Date,
  expiresAt: Date,
): Promise<void> {
  const forgetAt = new Date(expiresAt.getTime() + rememberedSeconds * 1_000)
  const id = hash('sha256', authReqId, 'base64url')
  const { early, intervalSeconds } = await notePoll(database, {
    environment,
    id,
    at,
    expiresAt: forgetAt,
  })
  if (early)
    throw new OAuthError(
      400,
      'slow_down',
      `this was too early: from now on wait ${intervalSeconds} s between two polls`,
    )
}

/** The request as the provider reads it: with a grant, with an error, or with neither while the subscriber thinks. */
async function answered(options: ServerOptions, payload: AdapterPayload): Promise<AdapterPayload> {
  const { subscribers, environment, sealing, scopes } = options
  const client = stateOf(Provider.ctx?.req)?.client
  if (subscribers === undefined || client === undefined || payload.accountId === undefined)
    throw new Error('a request of the back channel is polled for without its parts')
  const { phoneNumber, subject } = subscriberOf(sealing, environment, payload.accountId)
  const { applicationId } = client
  const subscribed = await scopes.scopesOf(applicationId)
  const requested = whatHolds(() => readRequestedScope(String(payload.scope), subscribed))
  if (!subscribers.lookup.mayServe(phoneNumber))
    return { ...payload, error: 'access_denied', errorDescription: 'the subscriber has left' }
  const decision = await subscribers.consent.decide({
    environment,
    subject,
    applicationId,
    purpose: requested.purpose,
    scopes: requested.scopes,
  })
  switch (decision.status) {
    case 'granted':
      return { ...payload, grantId: await newGrant(options, payload, client.clientId, requested) }
    case 'required':
      return payload
    case 'refused':
      return { ...payload, error: 'access_denied', errorDescription: refusals[decision.reason] }
    case 'not-allowed':
      return {
        ...payload,
        error: 'invalid_grant',
        errorDescription: 'a scope is no longer offered for this purpose',
      }
    default:
      return decision satisfies never
  }
}

const refusals = {
  denied: 'the subscriber has refused',
  withdrawn: 'the subscriber has withdrawn consent',
  objected: 'the subscriber has objected to this use',
} as const

const invalidGrant = (description: string): OAuthError =>
  new OAuthError(400, 'invalid_grant', description)

/** What was right when the request was made and is not any more is a fault of the grant. */
function whatHolds<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    throw invalidGrant(error.error_description)
  }
}

async function newGrant(
  { audience }: ServerOptions,
  { accountId }: AdapterPayload,
  clientId: string,
  requested: RequestedScope,
): Promise<string> {
  const provider = Provider.ctx?.oidc.provider
  if (provider === undefined) throw new Error('a grant is made outside a request')
  const grant = new provider.Grant({ accountId, clientId })
  grant.addResourceScope(audience, [requested.purpose, ...requested.scopes].join(' '))
  const own = protocolScopes(requested)
  if (own.length > 0) grant.addOIDCScope(own.join(' '))
  return await grant.save()
}

/** Where `openid` was added for the provider, no ID token is made: it goes before anything comes of it. */
function withoutAddedOpenid(payload: AdapterPayload): AdapterPayload {
  const { scope } = payload
  const request = Provider.ctx?.req
  if (request === undefined || !addedOpenid.has(request) || typeof scope !== 'string')
    return payload
  const asked = scope.split(' ').filter((one) => one !== 'openid')
  return { ...payload, scope: asked.join(' ') }
}
