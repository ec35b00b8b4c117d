import type { KoaContextWithOIDC } from 'oidc-provider'
import { networkMethod } from './network-authentication.ts'
import { OAuthError } from './oauth-error.ts'
import { requireOrderedGrant } from './ordered-grant.ts'
import { replayId } from './replay-id.ts'
import { type RequestedScope, readRequestedScope } from './requested-scope.ts'
import type { ServerOptions } from './server-options.ts'
import { useAssertion as spend } from './store.ts'
import { accountIdOf } from './subscriber-account.ts'
import { stateOf } from './token-state.ts'

/**
 * The rules of ours for a request on behalf of a subscriber, pushed or not, when oidc-provider has found nothing wrong
 * with it; then, at the authorization endpoint, who the subscriber is.
 * @throws OAuthError
 */
export async function beginAuthorization(
  options: ServerOptions,
  ctx: KoaContextWithOIDC,
): Promise<void> {
  const state = stateOf(ctx.req)
  const client = state?.client
  if (state === undefined || client === undefined) throw new Error('a request without a client')
  const { route, params } = ctx.oidc
  if (route !== 'backchannel_authentication') requireRedirectUri(state.request.parameters)
  const requested = await requestedScope(options, ctx)
  requireOrderedGrant(
    client,
    route === 'backchannel_authentication'
      ? 'urn:openid:params:grant-type:ciba'
      : 'authorization_code',
    requested.purpose,
    requested.scopes,
  )
  const { dpop_jkt: thumbprint } = params ?? {}
  if (thumbprint !== undefined && !/^[\w-]{43}$/.test(String(thumbprint)))
    throw new OAuthError(
      400,
      'invalid_request',
      'dpop_jkt must be the SHA-256 thumbprint of a key: 43 characters of base64url (RFC 7638)',
    )
  if (route === 'authorization')
    for (const name of ['state', 'nonce'])
      if (String(params?.[name] ?? '').length > 2_048)
        throw new OAuthError(400, 'invalid_request', `${name} is longer than 2048 characters`)
  await spendRequestObject(options, client.clientId, state.objectId)
  if (route !== 'authorization') return
  await identifySubscriber(options, ctx)
}

/**
 * OpenID Connect requires it of every request, also where a client has registered one only: that one is for telling what
 * is wrong. In a request object it is looked at where the others of its claims are.
 */
function requireRedirectUri(given: ReadonlyMap<string, string>): void {
  // One that is empty counts as left out (RFC 6749, section 3.1).
  if (['redirect_uri', 'request', 'request_uri'].some((name) => given.get(name))) return
  throw new OAuthError(400, 'invalid_request', 'redirect_uri is missing')
}

/** @throws invalid_scope */
export async function requestedScope(
  { scopes }: ServerOptions,
  ctx: KoaContextWithOIDC,
): Promise<RequestedScope> {
  const client = stateOf(ctx.req)?.client
  if (client === undefined) throw new Error('a request without a client')
  const scope = ctx.oidc.params?.scope
  return readRequestedScope(
    typeof scope === 'string' ? scope : undefined,
    await scopes.scopesOf(client.applicationId),
  )
}

/** Only now: its signature has been verified, so nobody can use up what another has signed. */
async function spendRequestObject(
  { database, environment }: ServerOptions,
  clientId: string,
  object: { jti: string; exp: number } | undefined,
): Promise<void> {
  if (object === undefined) return
  const id = replayId('request-object', clientId, object.jti)
  const expiresAt = new Date((object.exp + 1) * 1_000)
  if (await spend(database, { environment, id, expiresAt })) return
  throw new OAuthError(
    400,
    'invalid_request_object',
    'the request object was used before: sign one with a new jti for each request',
  )
}

/** The network authenticates, and nothing else does: no sign-in page, no session of yesterday (CAMARA profile). */
async function identifySubscriber(options: ServerOptions, ctx: KoaContextWithOIDC): Promise<void> {
  const { environment, sealing, subscribers } = options
  const browser = stateOf(ctx.req)?.browser
  const identity = browser === undefined ? undefined : await subscribers?.network.identify(browser)
  if (identity === undefined) throw unknownSubscriber(ctx.oidc.prompts.has('none'))
  // Past the proxy that would have the session saved.
  ctx.oidc.entities.Session?.loginAccount({
    accountId: accountIdOf(sealing, environment, identity.phoneNumber),
    amr: [networkMethod],
  })
}

const unknownSubscriber = (silent: boolean): OAuthError =>
  new OAuthError(
    400,
    silent ? 'login_required' : 'access_denied',
    'the mobile network does not know who is there: the browser must be on a mobile connection of this operator, not on Wi-Fi',
  )
