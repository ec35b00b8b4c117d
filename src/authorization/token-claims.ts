import type { KoaContextWithOIDC } from 'oidc-provider'
import { OAuthError } from './oauth-error.ts'
import { type ClientGrantType, requireOrderedGrant } from './ordered-grant.ts'
import { readRequestedScope } from './requested-scope.ts'
import type { ServerOptions } from './server-options.ts'
import { sealedSubject, subscriberOf } from './subscriber-account.ts'
import { stateOf } from './token-state.ts'

/** What of a token on behalf of a subscriber is looked at. */
export type SubscriberToken = {
  scope?: string | undefined
  grantId?: string | undefined
  gty?: string | undefined
}

const grantTypeOf: Readonly<Record<string, ClientGrantType>> = {
  authorization_code: 'authorization_code',
  ciba: 'urn:openid:params:grant-type:ciba',
  'urn:openid:params:grant-type:ciba': 'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:jwt-bearer': 'urn:ietf:params:oauth:grant-type:jwt-bearer',
}

/**
 * The claims of an access token on behalf of a subscriber. Whether it may be made is decided here, for each token anew,
 * whatever the code or refresh token promised: the order may have changed, and consent may have been withdrawn.
 * @throws invalid_grant
 */
export async function subscriberClaims(
  options: ServerOptions,
  ctx: KoaContextWithOIDC,
  token: SubscriberToken,
): Promise<Record<string, unknown>> {
  const { environment, sealing, subscribers, scopes } = options
  const client = stateOf(ctx.req)?.client
  const { Grant, AuthorizationCode } = ctx.oidc.entities
  if (client === undefined || subscribers === undefined || Grant?.accountId === undefined)
    throw new Error('a token on behalf of a subscriber is about to be made without one')
  const subscriber = subscriberOf(sealing, environment, Grant.accountId)
  const { grant_type, scope } = ctx.oidc.params ?? {}
  // A refresh for less may name less than a token needs: that is a fault of this request, not of the grant.
  const read = grant_type === 'refresh_token' && scope !== undefined ? readRequestedScope : readNow
  const requested = read(token.scope, await scopes.scopesOf(client.applicationId))
  const [origin = ''] = (token.gty ?? '').split(' ')
  const grantType = grantTypeOf[origin]
  if (grantType === undefined) throw new Error(`no grant type is known as ${origin}`)
  asGrantFault(() => requireOrderedGrant(client, grantType, requested.purpose, requested.scopes))
  const decision = await subscribers.consent.decide({
    environment,
    subject: subscriber.subject,
    applicationId: client.applicationId,
    purpose: requested.purpose,
    scopes: requested.scopes,
  })
  if (decision.status !== 'granted') throw invalidGrant(refusals[decision.status])
  const { consentIds } = decision
  // The network said who was there when the code was asked for; a refresh is another day, perhaps another SIM.
  const amr = AuthorizationCode?.amr
  return {
    sbj: sealedSubject(sealing, environment, subscriber.phoneNumber, client.clientId),
    pur: requested.purpose,
    gnt: token.grantId,
    ...(consentIds.length > 0 ? { cns: consentIds } : {}),
    ...(amr === undefined ? {} : { amr }),
  }
}

const invalidGrant = (description: string): OAuthError =>
  new OAuthError(400, 'invalid_grant', description)

const refusals = {
  required:
    'the subscriber has not consented, or the consent has expired: send a new authorization request',
  refused: 'the subscriber has refused or withdrawn consent',
  'not-allowed': 'a scope is no longer offered for this purpose',
} as const

const readNow = (scope: string | undefined, subscribed: readonly string[]) =>
  asGrantFault(() => readRequestedScope(scope, subscribed))

/** What was right when the grant was made and is not any more. */
function asGrantFault<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (error instanceof OAuthError) throw invalidGrant(error.error_description)
    throw error
  }
}
