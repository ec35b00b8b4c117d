import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { CaptureRefused, type ConsentDecision, localesOf, sealNumber } from '#consent'
import { requestedScope } from './begin-authorization.ts'
import type { Library } from './grants/grant-part.ts'
import { OAuthError } from './oauth-error.ts'
import { protocolScopes, type RequestedScope } from './requested-scope.ts'
import type { ServerOptions } from './server-options.ts'
import { subscriberOf } from './subscriber-account.ts'
import { tellAtPage } from './tell-at-page.ts'
import { stateOf } from './token-state.ts'

const questionLifetimeMs = 600_000

/** Where the subscriber is asked. */
export const interactionUrl = ({ issuer }: ServerOptions, uid: string): string =>
  `${issuer}/interaction/${uid}`

/** What is kept with a question, beside the request that it is about. */
export type QuestionDetails = { captureToken: string }

/**
 * When somebody is asked: if consent is the legal basis of a scope for the purpose and there is none, once the rest of the
 * request is right. `prompt` values that would ask for more are understood, and change nothing: the network has
 * authenticated the subscriber at this very request, and consent that was given is not asked for again.
 */
export function consentPolicy(
  options: ServerOptions,
  { interactionPolicy: { Check, Prompt } }: Library,
): NonNullable<NonNullable<Configuration['interactions']>['policy']> {
  const login = new Prompt({ name: 'login', requestable: true })
  login.checks.remove('login_prompt')
  const consent = new Prompt(
    { name: 'consent', requestable: true },
    new Check(
      'consent_missing',
      'the subscriber has to be asked for consent',
      'consent_required',
      (ctx) => tellAtPage(options, ctx, () => needsConsent(options, ctx)),
      (ctx) => tellAtPage(options, ctx, () => ask(options, ctx)),
    ),
  )
  consent.checks.remove('consent_prompt')
  return [login, consent]
}

/** @returns whether to ask; when not, the grant has been made */
async function needsConsent(options: ServerOptions, ctx: KoaContextWithOIDC): Promise<boolean> {
  const { question, requested, decision } = await decide(options, ctx)
  switch (decision.status) {
    case 'granted':
      await makeGrant(options, ctx, requested)
      return false
    case 'required':
      return true
    case 'refused':
      throw new OAuthError(400, 'access_denied', refusals[decision.reason])
    case 'not-allowed':
      throw new OAuthError(
        400,
        'invalid_scope',
        `${decision.scopes.join(' ')}: not offered for ${question.purpose}`,
      )
  }
}

const refusals = {
  denied: 'the subscriber has refused consent',
  withdrawn: 'the subscriber has withdrawn consent',
  objected: 'the subscriber has objected to this use',
} as const

async function decide(options: ServerOptions, ctx: KoaContextWithOIDC) {
  const { environment, sealing, subscribers } = options
  const client = stateOf(ctx.req)?.client
  const accountId = ctx.oidc.session?.accountId
  if (client === undefined || accountId === undefined || subscribers === undefined)
    throw new Error('consent is decided without a subscriber')
  const subscriber = subscriberOf(sealing, environment, accountId)
  const requested = await requestedScope(options, ctx)
  const question = {
    environment,
    subject: subscriber.subject,
    applicationId: client.applicationId,
    purpose: requested.purpose,
    scopes: requested.scopes,
  }
  const decision: ConsentDecision = await subscribers.consent.decide(question)
  return { question, requested, decision, subscriber, consent: subscribers.consent }
}

async function makeGrant(
  { audience }: ServerOptions,
  ctx: KoaContextWithOIDC,
  requested: RequestedScope,
): Promise<void> {
  const grant = ctx.oidc.entities.Grant
  if (grant === undefined) throw new Error('there is no grant to fill')
  const own = protocolScopes(requested)
  if (own.length > 0) grant.addOIDCScope(own.join(' '))
  grant.addResourceScope(audience, [requested.purpose, ...requested.scopes].join(' '))
  await grant.save()
}

async function ask(
  options: ServerOptions,
  ctx: KoaContextWithOIDC,
): Promise<QuestionDetails | Record<string, never>> {
  // Nobody is asked when nobody may be.
  if (ctx.oidc.prompts.has('none')) return {}
  const { question, subscriber, consent } = await decide(options, ctx)
  const state = stateOf(ctx.req)
  try {
    const { token } = await consent.beginCapture({
      ...question,
      channel: 'authorization',
      locales: wishedLocales(
        ctx.oidc.params?.ui_locales,
        state?.browser?.headers['accept-language'],
      ),
      sealedNumber: sealNumber(options.sealing, options.environment, subscriber.phoneNumber),
      reference: state?.correlator ?? '',
      expiresAt: new Date(options.clock.now().getTime() + questionLifetimeMs),
    })
    return { captureToken: token }
  } catch (error) {
    if (error instanceof CaptureRefused) throw cannotBeAsked(error)
    throw error
  }
}

const cannotBeAsked = (cause: CaptureRefused): OAuthError =>
  new OAuthError(400, 'access_denied', 'the subscriber cannot be asked for consent now', { cause })

/** Best first: what the partner's page asks for, then the browser. */
export const wishedLocales = (uiLocales: unknown, acceptLanguage: string | undefined): string[] => [
  ...(typeof uiLocales === 'string' ? uiLocales.slice(0, 200).split(' ').slice(0, 10) : []),
  ...localesOf(acceptLanguage),
]
