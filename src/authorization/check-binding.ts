import type { X509Certificate } from 'node:crypto'
import type { TokenEndpointGrantContext } from 'oidc-provider'
import * as grants from 'oidc-provider/lib/helpers/grants.js'
import { maySignWith } from './client-metadata.ts'
import { OAuthError } from './oauth-error.ts'
import { stateOf } from './token-state.ts'

/** What a token is bound to: the key of a proof, a certificate, or nothing. */
export type Binding = {
  dPoP: Awaited<ReturnType<typeof grants.validateDpop>>
  certificate: X509Certificate | string | undefined
}

/**
 * Whether what binds a token is there where it has to be, and is in order: all of it but that a proof is new. Asked before
 * anything is used up, so that a client that forgot its proof can repeat the request with one.
 */
export async function checkBinding(ctx: TokenEndpointGrantContext): Promise<Binding> {
  const { provider } = ctx.oidc
  const dPoP = await grants.validateDpop(provider, ctx)
  const { client, path, proofAlg } = stateOf(ctx.req) ?? {}
  if (client !== undefined && proofAlg !== undefined && !maySignWith(client, proofAlg))
    throw new OAuthError(
      400,
      'invalid_dpop_proof',
      `the DPoP proof is not accepted: ${proofAlg} is not of the FAPI 2.0 profile; sign with ES256 or PS256`,
    )
  if (path !== '/token') return { dPoP, certificate: undefined }
  const certificate = grants.checkMtlsCert(provider, ctx)
  grants.checkDpopRequired(provider, ctx, dPoP)
  return { dPoP, certificate }
}
