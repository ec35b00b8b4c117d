import type Provider from 'oidc-provider'
import type { TokenEndpointGrantContext } from 'oidc-provider'
import { subjectOf } from '#consent'
import { createArtifacts } from '../artifacts.ts'
import type { Client } from '../client-source.ts'
import { endpointGrants } from '../endpoint-grants.ts'
import { invalidRequest, OAuthError } from '../oauth-error.ts'
import { readOwnToken } from '../read-own-token.ts'
import type { ServerOptions } from '../server-options.ts'
import { assertionAlgs } from '../signed-jwt.ts'
import { pairwiseSubject, subscriberOf } from '../subscriber-account.ts'
import { stateOf } from '../token-state.ts'
import type { GrantPart } from './grant-part.ts'

const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/**
 * Introspection (RFC 7662) and revocation (RFC 7009), of a client's own tokens: whatever belongs to another is answered
 * like what does not exist.
 * @public
 */
export const tokenStatusPart: GrantPart = {
  register(provider, options) {
    const parameters = ['token', 'token_type_hint']
    const { '/introspect': introspection = '', '/revoke': revocation = '' } = endpointGrants
    provider.registerGrantType(
      introspection,
      (ctx) => introspect(provider, options, ctx),
      parameters,
    )
    provider.registerGrantType(revocation, (ctx) => revoke(options, ctx), parameters)
  },
  metadata: (issuer) => ({
    introspection_endpoint: `${issuer}/introspect`,
    introspection_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    revocation_endpoint: `${issuer}/revoke`,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgs,
  }),
  endpoints: [
    { path: '/introspect', methods: ['POST'], kind: 'client' },
    { path: '/revoke', methods: ['POST'], kind: 'client' },
  ],
}

type Context = TokenEndpointGrantContext<{ token?: unknown }>

/** Says no more than `active: false` of whatever is not a live token of this client (RFC 7662, section 2.2). */
async function introspect(provider: Provider, options: ServerOptions, ctx: Context): Promise<void> {
  const token = tokenOf(ctx)
  ctx.body = (await accessTokenState(options, ctx, token)) ??
    (await refreshTokenState(provider, options, ctx, token)) ?? { active: false }
}

/** Always the same answer: it tells nothing of whose a token was (RFC 7009, section 2.2). */
async function revoke(options: ServerOptions, ctx: Context): Promise<void> {
  const token = tokenOf(ctx)
  const artifacts = createArtifacts(options)
  const own = await readOwnToken(options, token, ctx.oidc.client.clientId)
  if (own !== undefined) {
    await artifacts.revokeToken(own.jti, new Date(own.exp * 1_000))
  } else {
    // Also one that was rotated: whoever lost the answer has no other, and wants the grant to end.
    const refresh = (await artifacts.find('RefreshToken', token))?.payload
    if (refresh?.clientId === ctx.oidc.client.clientId && typeof refresh.grantId === 'string')
      await artifacts.endGrant(refresh.grantId)
  }
  ctx.status = 200
  ctx.body = ''
}

function tokenOf(ctx: Context): string {
  const { token } = ctx.oidc.params
  if (typeof token !== 'string' || token === '') throw invalidRequest('token is missing')
  return token
}

async function accessTokenState(
  options: ServerOptions,
  ctx: Context,
  token: string,
): Promise<Record<string, unknown> | undefined> {
  const own = await readOwnToken(options, token, ctx.oidc.client.clientId)
  if (own === undefined) return undefined
  const { jti, gnt, crd, scope, client_id, sub, aud, iss, iat, exp, pur, cnf } = own
  const inactive = { active: false }
  const client = stateOf(ctx.req)?.client
  if (client === undefined || !credentialsOf(client).has(crd)) return inactive
  if (await createArtifacts(options).isRevoked({ jti, grantId: gnt })) return inactive
  if (own.sbj !== undefined && pur !== undefined) {
    const { environment, sealing } = options
    const key = sealing.child(`gateway:${environment}`)
    const number = key.open(own.sbj, `subject:${client.clientId}`)
    const subject = subjectOf(sealing, environment, number)
    if (!(await isStillConsented(options, client, { subject, purpose: pur, scope })))
      return inactive
  }
  const type = isKeyBound(cnf) ? 'DPoP' : 'Bearer'
  return {
    active: true,
    ...{ scope, client_id, token_type: type, exp, iat, sub, aud, iss, jti, pur, cnf },
  }
}

const isKeyBound = (cnf: unknown): boolean =>
  typeof cnf === 'object' && cnf !== null && 'jkt' in cnf

const credentialsOf = (client: Client): ReadonlySet<string> =>
  new Set(
    [...client.secrets, ...client.keys, ...client.settings.certificates].map(
      ({ credentialId }) => credentialId,
    ),
  )

/** What a gateway is told by its feed, asked where it is decided. */
async function isStillConsented(
  { environment, subscribers }: ServerOptions,
  { applicationId }: Client,
  {
    subject,
    purpose,
    scope = '',
  }: { subject: string; purpose: string; scope?: string | undefined },
): Promise<boolean> {
  if (subscribers === undefined) return true
  const scopes = scope.split(' ').filter((one) => one !== '' && one !== purpose)
  const question = { environment, subject, applicationId, purpose, scopes }
  const decision = await subscribers.consent.decide(question)
  return decision.status === 'granted'
}

async function ownRefreshToken(provider: Provider, ctx: Context, token: string) {
  try {
    const found = await provider.RefreshToken.find(token)
    return found?.clientId === ctx.oidc.client.clientId && found.isValid ? found : undefined
  } catch (error) {
    // One that was used a moment ago.
    if (error instanceof OAuthError) return undefined
    throw error
  }
}

async function refreshTokenState(
  provider: Provider,
  options: ServerOptions,
  ctx: Context,
  token: string,
): Promise<Record<string, unknown> | undefined> {
  const found = await ownRefreshToken(provider, ctx, token)
  const client = stateOf(ctx.req)?.client
  if (found?.accountId === undefined || client === undefined) return undefined
  const grant = found.grantId === undefined ? undefined : await provider.Grant.find(found.grantId)
  if (grant === undefined) return undefined
  const { environment, sealing, issuer } = options
  const { subject } = subscriberOf(sealing, environment, found.accountId)
  const { scope } = found
  const purpose = scope?.split(' ').find((one) => one.startsWith('dpv:')) ?? ''
  if (!(await isStillConsented(options, client, { subject, purpose, scope }))) return undefined
  return {
    active: true,
    scope,
    client_id: found.clientId,
    exp: found.exp,
    iat: found.iat,
    sub: pairwiseSubject(sealing, environment, subject, client.partnerId),
    iss: issuer,
  }
}
