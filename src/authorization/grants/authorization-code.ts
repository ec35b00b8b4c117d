import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { localesOf } from '#consent'
import { answerToFault } from '../answer-fault.ts'
import { consentPolicy, interactionUrl } from '../ask-consent.ts'
import { beginAuthorization } from '../begin-authorization.ts'
import { forgetSessions } from '../forget-sessions.ts'
import { ignoreParameters } from '../ignore-parameters.ts'
import { checkOutside, checkRequestObject, refuseStructuredParameters } from '../request-object.ts'
import { subscriberTokenSeconds } from '../rotate-keys.ts'
import { serveAuthorize, serveResume } from '../serve-authorize.ts'
import { serveInteraction } from '../serve-interaction.ts'
import type { ServerOptions } from '../server-options.ts'
import { assertionAlgs } from '../signed-jwt.ts'
import { pairwiseSubject, subscriberOf } from '../subscriber-account.ts'
import { tellAtPage } from '../tell-at-page.ts'
import { tellDeveloper } from '../tell-developer.ts'
import { stateOf } from '../token-state.ts'
import type { GrantPart, Library } from './grant-part.ts'

const codeSeconds = 60
/**
 * How long a question on our page may be answered.
 * @public
 */
export const interactionSeconds = 600
const idTokenSeconds = 300
const day = 86_400

/**
 * Authorization code with PKCE (RFC 7636), pushed (RFC 9126) and signed (RFC 9101) requests. The subscriber is whom the
 * mobile network knows; there is no sign-in and no session.
 * @public
 */
export const authorizationCodePart: GrantPart = {
  enabled: ({ subscribers }) => subscribers !== undefined,
  configuration: codeConfiguration,
  register(provider, options) {
    forgetSessions(provider, options)
    ignoreParameters(provider)
    // The provider would put a code into a fragment, too, where the page's scripts read it.
    Reflect.set(
      provider.Client.prototype,
      'responseModeAllowed',
      (mode: string | undefined, type: string) => type !== 'code' || mode !== 'fragment',
    )
  },
  metadata: (issuer) => ({
    authorization_endpoint: `${issuer}/authorize`,
    pushed_authorization_request_endpoint: `${issuer}/par`,
    grant_types_supported: ['authorization_code'],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    scopes_supported: ['openid', 'offline_access'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['ES256'],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'nonce'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    request_parameter_supported: true,
    request_uri_parameter_supported: false,
    request_object_signing_alg_values_supported: assertionAlgs,
    prompt_values_supported: ['none', 'login', 'consent'],
  }),
  endpoints: [
    { path: '/authorize', methods: ['GET', 'POST'], kind: 'page', serve: serveAuthorize },
    { path: '/authorize/*', methods: ['GET'], kind: 'page', serve: serveResume },
    { path: '/interaction/*', methods: ['GET', 'POST'], kind: 'page', serve: serveInteraction },
    { path: '/par', methods: ['POST'], kind: 'client' },
  ],
}

function codeConfiguration(options: ServerOptions, library: Library): Partial<Configuration> {
  const { issuer } = options
  return {
    features: {
      pushedAuthorizationRequests: { enabled: true },
      requestObjects: {
        enabled: true,
        assertJwtClaimsAndHeader: (ctx, claims, header) =>
          noteRequestObject(options, ctx, claims, header),
      },
    },
    routes: {
      authorization: '/authorize',
      pushed_authorization_request: '/par',
      backchannel_authentication: '/bc-authorize',
    },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'], acr: null, amr: null, auth_time: null, iss: null, sid: null },
    pkce: { required: () => true },
    ttl: {
      AuthorizationCode: codeSeconds,
      AccessToken: subscriberTokenSeconds,
      Interaction: interactionSeconds,
      IdToken: idTokenSeconds,
      // A grant outlives its code as long as something may be made of it.
      Grant: (_ctx, grant) =>
        grant.getOIDCScope().split(' ').includes('offline_access') ? 90 * day : day,
    },
    cookies: {
      names: { interaction: 'wayleave_question', resume: 'wayleave_resume' },
      short: { httpOnly: true, sameSite: 'lax', secure: issuer.startsWith('https:') },
    },
    interactions: {
      policy: consentPolicy(options, library),
      url: (_ctx, interaction) => interactionUrl(options, interaction.uid),
    },
    // Runs for each request when all of its parameters are known: a place for our rules, not a parameter.
    extraParams: {
      wayleave: (ctx) => tellAtPage(options, ctx, () => beginAuthorization(options, ctx)),
    },
    findAccount: (ctx, id) => accountOf(options, ctx, id),
    loadExistingGrant: async () => undefined,
    expiresWithSession: () => false,
    renderError: (ctx, out, error) => renderError(options, ctx, out, error),
  }
}

/** The claims of a request object that was signed; of one that was pushed, they were looked at when it came. */
async function noteRequestObject(
  { issuer, clock }: ServerOptions,
  ctx: KoaContextWithOIDC,
  claims: Record<string, unknown>,
  header: Record<string, unknown>,
): Promise<void> {
  const state = stateOf(ctx.req)
  if (state === undefined || ctx.oidc.entities.PushedAuthorizationRequest !== undefined) return
  refuseStructuredParameters(claims)
  if (ctx.oidc.route !== 'backchannel_authentication')
    checkOutside(claims, state.request.parameters)
  const clientId = state.client?.clientId ?? ''
  const nowSeconds = Math.floor(clock.now().getTime() / 1_000)
  state.objectId = checkRequestObject(header, claims, { issuer, clientId, nowSeconds })
}

/** The sealed number wherever it is kept, and the pairwise subject where a token is made of it. */
async function accountOf(
  { sealing, environment }: ServerOptions,
  ctx: KoaContextWithOIDC,
  accountId: string,
): Promise<{ accountId: string; claims: () => Promise<{ sub: string }> }> {
  const { subject } = subscriberOf(sealing, environment, accountId)
  const partnerId = stateOf(ctx.req)?.client?.partnerId
  if (partnerId === undefined) throw new Error('an account is asked for without a client')
  const sub = pairwiseSubject(sealing, environment, subject, partnerId)
  return {
    accountId: ctx.oidc.route === 'token' ? sub : accountId,
    claims: async () => ({ sub }),
  }
}

/** What cannot go to a partner's page: a browser gets a page, a client JSON. */
function renderError(
  { subscribers, environment, log }: ServerOptions,
  ctx: KoaContextWithOIDC,
  out: { error: string; error_description?: string | undefined },
  error: Error,
): void {
  const state = stateOf(ctx.req)
  if (state?.browser === undefined || subscribers === undefined) {
    ctx.type = 'json'
    ctx.body = out
    return
  }
  const fault =
    out.error === 'server_error' ? answerToFault(error, state.correlator, log) : undefined
  const status = fault?.status ?? 400
  const told = fault?.body ?? out
  const page = subscribers.pages.refusal({
    ...{ environment, status, code: told.error },
    description: tellDeveloper(told, environment, state.clientId),
    correlator: state.correlator,
    locales: localesOf(state.browser.headers['accept-language']),
  })
  ctx.status = page.status
  ctx.type = 'html'
  ctx.set({ ...page.headers })
  ctx.body = page.body
}
