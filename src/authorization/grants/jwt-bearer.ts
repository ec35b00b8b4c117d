import { compactVerify, importJWK, type JWK } from 'jose'
import type Provider from 'oidc-provider'
import type { TokenEndpointGrantContext } from 'oidc-provider'
import * as grants from 'oidc-provider/lib/helpers/grants.js'
import { type BearerAssertion, jwtBearerGrant } from '../check-bearer-assertion.ts'
import { checkBinding } from '../check-binding.ts'
import { candidateKeys, usableKey } from '../client-metadata.ts'
import type { Client } from '../client-source.ts'
import { identifyHint } from '../identify-hint.ts'
import { invalidClient, invalidTarget, OAuthError } from '../oauth-error.ts'
import { requireOrderedGrant } from '../ordered-grant.ts'
import { replayId } from '../replay-id.ts'
import { readRequestedScope } from '../requested-scope.ts'
import type { ServerOptions } from '../server-options.ts'
import { useAssertion as insertUsed } from '../store.ts'
import { accountIdOf } from '../subscriber-account.ts'
import { stateOf, type TokenState } from '../token-state.ts'
import { requireOffered } from '../two-legged-basis.ts'
import type { GrantPart } from './grant-part.ts'

const tokenSeconds = 120

/**
 * The JWT bearer grant (RFC 7523, section 2.1) as the CAMARA security profile restricts it: never a question to the
 * subscriber, never a refresh token, and a short access token.
 */
export const jwtBearerPart: GrantPart = {
  enabled: ({ subscribers }) => subscribers !== undefined,
  register(provider, options) {
    provider.registerGrantType(
      jwtBearerGrant,
      (ctx: TokenEndpointGrantContext) => issue(provider, options, ctx),
      ['assertion'],
    )
  },
  metadata: () => ({ grant_types_supported: [jwtBearerGrant] }),
}

async function issue(
  provider: Provider,
  options: ServerOptions,
  ctx: TokenEndpointGrantContext,
): Promise<void> {
  const { audience, environment, sealing, scopes, subscribers } = options
  const state = stateOf(ctx.req)
  const bearer = state?.bearer
  if (state === undefined || bearer === undefined || subscribers === undefined)
    throw new Error('a bearer assertion is taken without its parts')
  const client = await authenticated(state, bearer)
  const { dPoP, certificate } = await checkBinding(ctx)
  const resource = state.request.parameters.get('resource') ?? ''
  if (resource !== '' && resource !== audience) throw invalidTarget(resource, audience)
  const subscribed = await scopes.scopesOf(client.applicationId)
  const requested = readRequestedScope(bearer.scope, subscribed)
  requireOrderedGrant(client, jwtBearerGrant, requested.purpose, requested.scopes)
  await requireOffered(subscribers.basisOf, requested.purpose, requested.scopes)
  // From here on it is about the subscriber: a copy of an assertion that was used tells nothing of them.
  await spendAssertion(options, client, bearer)
  const unknown = invalidGrant('sub is of no subscriber of this operator')
  const number = await identifyHint(options, subscribers, client, bearer.hint, unknown)
  const scope = [requested.purpose, ...requested.scopes].join(' ')
  const accountId = accountIdOf(sealing, environment, number)
  // Kept as long as the token, so that what ends grants ends it.
  const grant = new provider.Grant({ accountId, clientId: client.clientId })
  Object.assign(grant, { expiresIn: tokenSeconds })
  grant.addResourceScope(audience, scope)
  ctx.oidc.entity('Grant', grant)
  const account = await grants.findAccount(provider, ctx, accountId)
  const token = new provider.AccessToken({
    grantId: await grant.save(),
    accountId: account?.accountId ?? '',
    client: ctx.oidc.client,
    gty: jwtBearerGrant,
    expiresIn: tokenSeconds,
  })
  const source = {
    scopes: new Set(scope.split(' ')),
    resource: audience,
    resourceIndicators: new Set([audience]),
  }
  await grants.resolveAndApplyResource(provider, ctx, source, token, grant)
  if (certificate !== undefined) token.setThumbprint('x5t', certificate)
  if (dPoP !== undefined) {
    await grants.checkDpopReplay(provider, ctx, dPoP, client.clientId)
    token.setThumbprint('jkt', dPoP.thumbprint)
  }
  ctx.oidc.entity('AccessToken', token)
  ctx.body = {
    access_token: await token.save(),
    expires_in: token.expiration,
    scope,
    token_type: token.tokenType,
  }
}

const invalidGrant = (description: string): OAuthError =>
  new OAuthError(400, 'invalid_grant', description)

/**
 * The provider was told that this client needs no authentication: this is it. An unknown client and one without the key
 * take as long as a wrong signature and get the same answer.
 */
async function authenticated(state: TokenState, bearer: BearerAssertion): Promise<Client> {
  const jws = state.request.parameters.get('assertion') ?? ''
  const { client } = state
  const allowed =
    client?.settings.authenticationMethods.includes('private_key_jwt') === true ? client : undefined
  for (const { credentialId, jwk } of candidateKeys(allowed, bearer.header)) {
    const publicKey = usableKey(jwk, bearer.header) as JWK
    const key = await importJWK(publicKey, bearer.header.alg)
    const verified = await compactVerify(jws, key).catch(() => undefined)
    if (verified !== undefined) state.credentialId = credentialId
  }
  if (client === undefined || state.credentialId === undefined)
    throw invalidClient('client authentication failed')
  return client
}

async function spendAssertion(
  { environment, database }: ServerOptions,
  { clientId }: Client,
  { jti, exp }: BearerAssertion,
): Promise<void> {
  const id = replayId('bearer', clientId, jti)
  const expiresAt = new Date(Math.ceil(exp) * 1_000)
  if (await insertUsed(database, { environment, id, expiresAt })) return
  throw invalidGrant('the assertion was used before: make one with a new jti for each request')
}
