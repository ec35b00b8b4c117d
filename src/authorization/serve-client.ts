import { IncomingMessage, type ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Clock } from '#platform/clock'
import { checkClientAssertion } from './check-client-assertion.ts'
import { readBody, readTokenRequest, refuseWrongForm } from './read-token-request.ts'
import { rememberState } from './token-state.ts'

type ClientEndpoint = {
  issuer: string
  /** `/token`: below the issuer, and the route of the provider */
  path: string
  clock: Clock
}

/**
 * Reads and checks a request that a client authenticates, then has the provider serve a copy of it that holds nothing but what was checked:
 * no cookies, no forwarding headers, no Origin, no proofs of features that are off.
 * @throws OAuthError when the request is refused before the provider sees it
 */
export async function serveClient(
  endpoint: ClientEndpoint,
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  correlator: string,
): Promise<void> {
  refuseWrongForm(request)
  const body = await readBody(request)
  const token = readTokenRequest(request, body)
  const { issuer, path, clock } = endpoint
  const nowSeconds = Math.floor(clock.now().getTime() / 1_000)
  const assertion =
    token.mechanism === 'private_key_jwt'
      ? checkClientAssertion(token.parameters, { issuer, path, nowSeconds })
      : undefined
  const copy = copyOf(request, path, body)
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

function copyOf(request: IncomingMessage, path: string, body: Buffer): IncomingMessage {
  const copy = new IncomingMessage(request.socket)
  copy.method = 'POST'
  copy.url = path
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
