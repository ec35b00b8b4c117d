import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type Provider from 'oidc-provider'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'
import { answerToFault, type OAuthAnswer, oauthAnswer } from './answer-fault.ts'
import type { Client } from './client-source.ts'
import type { FailureLimiter } from './failure-limiter.ts'
import { withGrantFault } from './grant-faults.ts'
import { OAuthError, quoted } from './oauth-error.ts'
import { otherEnvironmentHint } from './tell-developer.ts'
import { type Refusal, stateOf, type TokenState } from './token-state.ts'

/**
 * A refused authentication is answered no sooner than this after the request came: that a client exists must not show
 * in how long its lookup took.
 */
const refusalFloorMs = 40

type Options = { environment: Environment; limiter: FailureLimiter; log: Log }

/** Shapes what the provider answers: one description for every failed authentication, limits, and the floor. */
export function shapeTokenAnswers(provider: Provider, options: Options): void {
  const { log } = options
  const remember = (ctx: { req: IncomingMessage }, error: Error): void => {
    const state = stateOf(ctx.req)
    if (state !== undefined) state.refusal = error
  }
  provider.on('grant.error', remember)
  provider.on('pushed_authorization_request.error', remember)
  provider.on('backchannel_authentication.error', remember)
  provider.on('server_error', remember)
  const emitter: EventEmitter = provider
  emitter.on('error', (error: Error, ctx?: { req: IncomingMessage }) => {
    if (!isHangUp(error, ctx)) log.error({ err: error }, 'the provider failed')
  })
  provider.use(async (ctx, next) => {
    await next()
    for (const name of ['access-control-allow-origin', 'access-control-expose-headers', 'vary'])
      ctx.remove(name)
    const state = stateOf(ctx.req)
    if (state !== undefined && state.uses.length > 0 && ctx.status < 400)
      throw new Error('a token was made of what was not used up')
    // What a browser sees is a page, and it authenticates nobody.
    if (state?.refusal === undefined || state.browser !== undefined) return
    const refusal = asStandard(state.refusal, state.client?.settings.senderConstraint)
    if (refusal !== state.refusal) {
      const { error = '', error_description = '' } = refusal
      ctx.status = 400
      ctx.body = { error, error_description }
      return
    }
    // What we refuse for a moment has words of its own.
    const fault = ctx.status >= 500 && !(refusal instanceof OAuthError)
    if (!fault && refusal.error !== 'invalid_client') return
    const answer = fault
      ? answerToFault(refusal, state.correlator, log)
      : await answerToFailure({ ...options, realm: provider.issuer }, state, refusal)
    ctx.remove('www-authenticate')
    ctx.status = answer.status
    ctx.set(answer.headers)
    ctx.body = answer.body
  })
}

/** A client that went away before its answer; whoever is called at night for errors is not called for this. */
const isHangUp = (error: Error, ctx: { req: IncomingMessage } | undefined): boolean =>
  ctx?.req.socket.destroyed === true &&
  'code' in error &&
  /^(ECONNRESET|EPIPE)$/.test(String(error.code))

/**
 * Where the provider has another code, or no words: a grant that the client has not (RFC 6749, section 5.2), and a token that
 * has to be bound and comes without what binds it (RFC 9449, section 5; RFC 8705, section 3).
 */
function asStandard(
  refusal: Refusal,
  constraint: Client['settings']['senderConstraint'] | undefined,
): Refusal {
  if (refusal.error_description === 'requested grant type is not allowed for this client')
    return new OAuthError(
      400,
      'unauthorized_client',
      'this application has no such grant: add one to its settings',
    )
  switch (refusal.error_detail) {
    case 'DPoP proof JWT not provided':
      return new OAuthError(
        400,
        'invalid_dpop_proof',
        'the tokens of this application are bound to a key: send a DPoP proof with the request',
      )
    case 'mutual TLS client certificate not provided':
      return new OAuthError(
        400,
        'invalid_request',
        // A proof would be asked for in vain where only a certificate binds.
        constraint === 'certificate'
          ? 'the tokens of this application are bound to a certificate: come with its client certificate, to the address in mtls_endpoint_aliases of the discovery document'
          : 'the tokens of this application are bound: send a DPoP proof, or come with its client certificate',
      )
    default:
      return withGrantFault(refusal)
  }
}

/** The answer to a failed authentication, at its time. */
async function answerToFailure(
  { environment, limiter, log, realm }: Options & { realm: string },
  state: TokenState,
  refusal: Refusal,
): Promise<OAuthAnswer> {
  // The provider's own refusals all have this text. Ours say more: a replayed assertion was signed by its client, so it
  // is refused, but it is no guess and is not counted.
  const generic = refusal.error_description === 'client authentication failed'
  const { clientId, address } = state
  const wait = generic ? await limiter.failed({ environment, clientId, address }) : undefined
  // Above the limit nothing more is learnt from a line, and a flood must not fill the log.
  if (wait === undefined) logFailure(log, environment, state, refusal)
  await untilFloor(state.startedAt)
  if (wait !== undefined) {
    return oauthAnswer(429, 'temporarily_unavailable', tooMany(wait), { 'retry-after': `${wait}` })
  }
  // RFC 6749, section 5.2: a client that used the header is told which scheme to use.
  const challenge: Record<string, string> =
    state.request.mechanism === 'client_secret_basic'
      ? { 'www-authenticate': `Basic realm="${realm}", error="invalid_client"` }
      : {}
  const description = generic ? describeFailure(environment, state) : refusal.error_description
  return oauthAnswer(401, 'invalid_client', description ?? '', challenge)
}

const tooMany = (seconds: number): string =>
  `too many failed authentications; try again in ${seconds} s`

/** The same for an unknown client, a suspended one and a wrong credential: it follows from the request alone. */
function describeFailure(environment: Environment, state: TokenState): string {
  const hint = otherEnvironmentHint(environment, state.clientId)
  if (state.request.mechanism === 'certificate')
    return `no active client with this client_id has registered this certificate in ${environment}${hint}`
  // A bearer assertion is no way of its own to authenticate, and does.
  if (state.request.mechanism === 'none' && state.assertion === undefined)
    return `the client has to authenticate: with a secret, an assertion, or a certificate that this server can see${hint}`
  if (state.assertion === undefined)
    return `no active client has this client_id and secret in ${environment}${hint}`
  const { alg, kid } = state.assertion
  const key = kid === undefined ? `an ${alg} key` : `the ${alg} key ${quoted(kid)}`
  return `no active client with this client_id has registered, or publishes where it can be read, ${key} that verifies the assertion in ${environment}${hint}`
}

function logFailure(log: Log, environment: Environment, state: TokenState, error: Refusal): void {
  // Anything may stand in the place of a client id, a secret too: only what has the form of one is written.
  const clientId = /^wl_(sbx|live)_[0-9a-z]{20}$/.exec(state.clientId ?? '')?.[0]
  log.info(
    {
      correlator: state.correlator,
      environment,
      clientId,
      mechanism: state.request.mechanism,
      reason: error.error_detail ?? error.error_description,
    },
    'client authentication failed',
  )
}

async function untilFloor(startedAt: number): Promise<void> {
  const left = refusalFloorMs - (performance.now() - startedAt)
  if (left <= 0) return
  await new Promise((resolve) => {
    setTimeout(resolve, left)
  })
}
