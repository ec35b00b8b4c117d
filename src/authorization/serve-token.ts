import type { EventEmitter } from 'node:events'
import { IncomingMessage, type ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Clock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'
import { answerToFault } from './answer-fault.ts'
import { checkClientAssertion } from './check-client-assertion.ts'
import type { FailureLimiter } from './failure-limiter.ts'
import { quoted } from './oauth-error.ts'
import { readBody, readTokenRequest, refuseWrongForm } from './read-token-request.ts'
import { rememberState, stateOf, type TokenState } from './token-state.ts'

/**
 * A refused authentication is answered no sooner than this after the request came: that a client exists must not show
 * in how long its lookup took.
 */
const refusalFloorMs = 40

export type TokenEndpoint = {
  environment: Environment
  issuer: string
  tokenEndpoint: string
  clock: Clock
}

/**
 * Reads and checks a token request, then has the provider serve a copy of it that holds nothing but what was checked:
 * no cookies, no forwarding headers, no Origin, no proofs of features that are off.
 * @throws OAuthError when the request is refused before the provider sees it
 */
export async function serveToken(
  endpoint: TokenEndpoint,
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  correlator: string,
): Promise<void> {
  refuseWrongForm(request)
  const body = await readBody(request)
  const token = readTokenRequest(request, body)
  const { issuer, tokenEndpoint, clock } = endpoint
  const nowSeconds = Math.floor(clock.now().getTime() / 1_000)
  const assertion =
    token.mechanism === 'private_key_jwt'
      ? checkClientAssertion(token.parameters, { issuer, tokenEndpoint, nowSeconds })
      : undefined
  const copy = copyOf(request, body)
  rememberState(copy, {
    request: token,
    assertion,
    clientId: token.claimedClientId ?? assertion?.clientId,
    address: request.socket.remoteAddress ?? '',
    correlator,
    startedAt: performance.now(),
    client: undefined,
    candidates: [],
    credentialId: undefined,
    refusal: undefined,
  })
  await callbackOf(provider)(copy, response)
}

const callbacks = new WeakMap<Provider, ReturnType<Provider['callback']>>()

function callbackOf(provider: Provider): ReturnType<Provider['callback']> {
  let callback = callbacks.get(provider)
  if (callback === undefined) {
    callback = provider.callback()
    callbacks.set(provider, callback)
  }
  return callback
}

const passedOn = ['authorization', 'content-type', 'host']

function copyOf(request: IncomingMessage, body: Buffer): IncomingMessage {
  const copy = new IncomingMessage(request.socket)
  copy.method = 'POST'
  copy.url = '/token'
  copy.httpVersion = '1.1'
  copy.httpVersionMajor = 1
  copy.httpVersionMinor = 1
  copy.headers = { accept: 'application/json', 'content-length': String(body.length) }
  for (const name of passedOn) {
    const value = request.headers[name]
    if (value !== undefined) copy.headers[name] = value
  }
  if (body.length > 0) copy.push(body)
  copy.push(null)
  copy.complete = true
  return copy
}

/** Shapes what the provider answers: one description for every failed authentication, limits, and the floor. */
export function shapeTokenAnswers(
  provider: Provider,
  options: { environment: Environment; limiter: FailureLimiter; log: Log },
): void {
  const { environment, limiter, log } = options
  const remember = (ctx: { req: IncomingMessage }, error: Error): void => {
    const state = stateOf(ctx.req)
    if (state !== undefined) state.refusal = error
  }
  provider.on('grant.error', remember)
  provider.on('server_error', remember)
  const emitter: EventEmitter = provider
  emitter.on('error', (error: Error) => log.error({ err: error }, 'the provider failed'))
  provider.use(async (ctx, next) => {
    await next()
    for (const name of ['access-control-allow-origin', 'access-control-expose-headers', 'vary'])
      ctx.remove(name)
    const state = stateOf(ctx.req)
    const refusal = state?.refusal
    if (state === undefined || refusal === undefined) return
    if (ctx.status >= 500) {
      const answer = answerToFault(refusal, state.correlator, log)
      ctx.status = answer.status
      ctx.set(answer.headers)
      ctx.body = answer.body
      return
    }
    if (refusal.error !== 'invalid_client') return
    const generic = refusal.error_description === 'client authentication failed'
    const description = generic ? describeFailure(environment, state) : refusal.error_description
    // A replayed assertion was signed by its client: it is refused, but it is no guess.
    const wait = generic
      ? await limiter.failed({
          environment,
          clientId: state.clientId,
          address: state.address,
        })
      : undefined
    log.info(
      {
        correlator: state.correlator,
        environment,
        mechanism: state.request.mechanism,
        reason: refusal.error_detail ?? refusal.message,
        limited: wait !== undefined,
      },
      'client authentication failed',
    )
    await untilFloor(state.startedAt)
    if (wait !== undefined) {
      ctx.status = 429
      ctx.set('retry-after', String(wait))
      ctx.remove('www-authenticate')
      ctx.body = {
        error: 'temporarily_unavailable',
        error_description: `too many failed authentications; try again in ${wait} s`,
      }
      return
    }
    ctx.body = { error: 'invalid_client', error_description: description }
    if (state.request.mechanism === 'client_secret_basic')
      ctx.set('www-authenticate', `Basic realm="${provider.issuer}", error="invalid_client"`)
  })
}

const otherPrefix = { sandbox: 'wl_live_', production: 'wl_sbx_' } as const

/** The same for an unknown client, a suspended one and a wrong credential: it follows from the request alone. */
function describeFailure(environment: Environment, state: TokenState): string {
  const hint = state.clientId?.startsWith(otherPrefix[environment])
    ? `; ids that begin with ${otherPrefix[environment]} are not of this environment (${environment})`
    : ''
  if (state.assertion === undefined)
    return `no active client has this client_id and secret in ${environment}${hint}`
  const { alg, kid } = state.assertion
  const key = kid === undefined ? `an ${alg} key` : `the ${alg} key ${quoted(kid)}`
  return `no active client with this client_id has registered ${key} that verifies the assertion in ${environment}${hint}`
}

async function untilFloor(startedAt: number): Promise<void> {
  const left = refusalFloorMs - (performance.now() - startedAt)
  if (left <= 0) return
  await new Promise((resolve) => {
    setTimeout(resolve, left)
  })
}
