import { hash } from 'node:crypto'
import type Provider from 'oidc-provider'
import type { BackchannelAuthenticationRequest, KoaContextWithOIDC } from 'oidc-provider'
import { CaptureRefused, sealNumber } from '#consent'
import { readAsProfile } from '../ciba-parameters.ts'
import { pollSeconds } from '../ciba-poll.ts'
import type { Client } from '../client-source.ts'
import { consentMessage } from '../consent-message.ts'
import { identifyHint } from '../identify-hint.ts'
import { readLoginHint } from '../login-hint.ts'
import { invalidRequest, OAuthError } from '../oauth-error.ts'
import { requireOrderedGrant } from '../ordered-grant.ts'
import { type RequestedScope, readRequestedScope } from '../requested-scope.ts'
import type { ServerOptions, SubscriberParts } from '../server-options.ts'
import { assertionAlgs } from '../signed-jwt.ts'
import { accountIdOf, subscriberOf } from '../subscriber-account.ts'
import { stateOf } from '../token-state.ts'
import { requireOffered } from '../two-legged-basis.ts'
import type { GrantPart } from './grant-part.ts'

const grantType = 'urn:openid:params:grant-type:ciba'
/** Long enough to find the message, read and answer; `requested_expiry` is ignored. */
export const requestSeconds = 600

/** OpenID Connect CIBA in poll mode, as the CAMARA security profile restricts it. */
export const cibaPart: GrantPart = {
  enabled: ({ subscribers }) => subscribers !== undefined,
  configuration: (options) => ({
    features: {
      ciba: {
        enabled: true,
        deliveryModes: ['poll'],
        validateRequestContext: (ctx) => requireOneHint(ctx),
        validateBindingMessage: () => undefined,
        verifyUserCode: () => undefined,
        processLoginHintToken: () => undefined,
        processLoginHint: (ctx, hint) => identify(options, ctx, String(hint)),
        triggerAuthenticationDevice: (ctx, request) => ask(options, ctx, request),
      },
    },
    ttl: { BackchannelAuthenticationRequest: requestSeconds },
  }),
  register(provider) {
    const { Client } = provider
    const context = (): KoaContextWithOIDC | undefined =>
      (provider.constructor as typeof Provider).ctx
    const allowed = Client.prototype.grantTypeAllowed
    // The first thing that the provider asks of a request of the back channel.
    Client.prototype.grantTypeAllowed = function (type) {
      const ctx = context()
      if (type !== grantType || ctx?.oidc.route !== 'backchannel_authentication')
        return allowed.call(this, type)
      if (!allowed.call(this, type))
        throw new OAuthError(
          400,
          'unauthorized_client',
          'this application has no grant for CIBA: add one to its settings',
        )
      readAsProfile(ctx)
      return true
    }
    provider.on('backchannel_authentication.error', (ctx, error: Error) => {
      const state = stateOf(ctx.req)
      if (state !== undefined) state.refusal = error
    })
    // The provider gives another code where the profile names this one.
    provider.use(async (ctx, next) => {
      await next()
      const refusal = stateOf(ctx.req)?.refusal
      if (ctx.path.endsWith('/bc-authorize') && refusal?.name === 'InvalidRequestObject')
        ctx.body = { ...(ctx.body as object), error: 'invalid_request_object' }
    })
  },
  metadata: (issuer) => ({
    grant_types_supported: [grantType],
    backchannel_authentication_endpoint: `${issuer}/bc-authorize`,
    backchannel_token_delivery_modes_supported: ['poll'],
    backchannel_authentication_request_signing_alg_values_supported: assertionAlgs,
    backchannel_user_code_parameter_supported: false,
  }),
  endpoints: [{ path: '/bc-authorize', methods: ['POST'], kind: 'client' }],
}

function requireOneHint({ oidc: { params } }: KoaContextWithOIDC): void {
  const { login_hint: hint, login_hint_token: token, id_token_hint: idToken } = params ?? {}
  if (token !== undefined || idToken !== undefined)
    throw invalidRequest('login_hint is the only hint that is taken here')
  if (hint === undefined) throw invalidRequest('login_hint is missing')
}

type Asked = RequestedScope & { client: Client; subscribers: SubscriberParts }

async function askedIn(options: ServerOptions, ctx: KoaContextWithOIDC): Promise<Asked> {
  const client = stateOf(ctx.req)?.client
  if (client === undefined || options.subscribers === undefined)
    throw new Error('a request of the back channel is served without its parts')
  const { scope } = ctx.oidc.params ?? {}
  const subscribed = await options.scopes.scopesOf(client.applicationId)
  const requested = readRequestedScope(typeof scope === 'string' ? scope : undefined, subscribed)
  return { ...requested, client, subscribers: options.subscribers }
}

/** Everything is checked before the subscriber is looked up, so that a faulty request tells nothing about anybody. */
async function identify(
  options: ServerOptions,
  ctx: KoaContextWithOIDC,
  text: string,
): Promise<string> {
  const { client, subscribers, purpose, scopes } = await askedIn(options, ctx)
  requireOrderedGrant(client, grantType, purpose, scopes)
  await requireOffered(subscribers.basisOf, purpose, scopes)
  const hint = readLoginHint(text)
  if ('fault' in hint) throw invalidRequest(`login_hint is not accepted: ${hint.fault}`)
  const unknown = new OAuthError(
    400,
    'unknown_user_id',
    'this login_hint is of no subscriber of this operator',
  )
  const phoneNumber = await identifyHint(options, subscribers, client, hint, unknown)
  return accountIdOf(options.sealing, options.environment, phoneNumber)
}

/**
 * Where consent is needed and not there, the subscriber is asked over the phone that the number belongs to. All other
 * requests are decided by their first poll.
 */
async function ask(
  options: ServerOptions,
  ctx: KoaContextWithOIDC,
  request: BackchannelAuthenticationRequest,
): Promise<void> {
  ctx.body = { ...(ctx.body as object), interval: pollSeconds }
  const { environment, sealing, clock } = options
  const { client, subscribers, purpose, scopes } = await askedIn(options, ctx)
  const { phoneNumber, subject } = subscriberOf(sealing, environment, request.accountId ?? '')
  const { applicationId } = client
  const question = { environment, subject, applicationId, purpose, scopes }
  const decision = await subscribers.consent.decide(question)
  if (decision.status === 'granted') return
  if (decision.status === 'not-allowed')
    throw new OAuthError(
      400,
      'invalid_scope',
      `not offered for ${purpose}: ${decision.scopes.slice(0, 5).join(' ')}`,
    )
  if (decision.status === 'refused') throw accessDenied('the subscriber has refused this use')
  const locales = String(ctx.oidc.params?.ui_locales ?? '')
    .split(' ')
    .filter((locale) => /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(locale))
    .slice(0, 10)
  const expiresAt = new Date(clock.now().getTime() + requestSeconds * 1_000)
  const { token } = await captured(() =>
    subscribers.consent.beginCapture({
      ...question,
      channel: 'ciba',
      locales,
      sealedNumber: sealNumber(sealing, environment, phoneNumber),
      // The id itself is a secret of the client.
      reference: hash('sha256', request.jti, 'base64url'),
      expiresAt,
    }),
  )
  await sendLink(options, subscribers, phoneNumber, locales, client, token)
  await subscribers.consent.noteReached(token, 'a message with its link was sent')
}

const unavailable = (description: string): OAuthError =>
  new OAuthError(503, 'temporarily_unavailable', description)

const accessDenied = (description: string): OAuthError =>
  new OAuthError(403, 'access_denied', description)

async function captured<T>(begin: () => Promise<T>): Promise<T> {
  try {
    return await begin()
  } catch (error) {
    if (!(error instanceof CaptureRefused)) throw error
    throw accessDenied(
      error.reason === 'too-often'
        ? 'this subscriber was asked too often: ask later'
        : 'the subscriber cannot be asked for this',
    )
  }
}

async function sendLink(
  { issuer, environment, log }: ServerOptions,
  { sendMessage, operatorName }: SubscriberParts,
  phoneNumber: string,
  locales: readonly string[],
  client: Client,
  token: string,
): Promise<void> {
  try {
    await sendMessage(
      phoneNumber,
      consentMessage(locales, {
        operator: operatorName,
        who: client.partnerName,
        minutes: requestSeconds / 60,
        link: `${issuer}/consent?t=${token}`,
      }),
      client.applicationId,
    )
  } catch (error) {
    log.error({ environment, err: error }, 'a subscriber could not be sent the link to consent')
    throw unavailable('the subscriber cannot be reached for consent at the moment')
  }
}
