import { IncomingMessage, type ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { ShownCertificate } from '#platform/client-certificates/peer-certificates'
import type { Clock } from '#platform/clock'
import { checkBearerAssertion, jwtBearerGrant } from './check-bearer-assertion.ts'
import { checkClientAssertion } from './check-client-assertion.ts'
import { checkProof } from './check-proof.ts'
import { type ClientCertificates, checkAuthenticating } from './client-certificates.ts'
import { endpointGrants } from './endpoint-grants.ts'
import { invalidRequest, OAuthError } from './oauth-error.ts'
import { readTokenRequest, refuseWrongForm, type TokenRequest } from './read-token-request.ts'
import { bodyOf } from './receive-body.ts'
import { requestObjectHeader } from './request-object.ts'
import { newState, rememberState } from './token-state.ts'

type ClientEndpoint = {
  issuer: string
  /** `/token`: below the issuer, and the route of the provider */
  path: string
  clock: Clock
  certificates: ClientCertificates | undefined
  /** whether bearer assertions are taken */
  takesBearer: boolean
}

/**
 * Reads and checks a request that a client authenticates, then has the provider serve a copy of it that holds nothing
 * but what was checked: no cookies, no forwarding headers, no Origin.
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
  const body = bodyOf(request)
  const { issuer, path, clock, certificates, takesBearer } = endpoint
  const nowMs = clock.now().getTime()
  const nowSeconds = Math.floor(nowMs / 1_000)
  const uris = endpointUris(endpoint)
  const form = readTokenRequest(request, body)
  if (Object.values(endpointGrants).includes(form.parameters.get('grant_type') ?? ''))
    throw new OAuthError(400, 'unsupported_grant_type', 'unsupported grant_type requested')
  const bearer =
    takesBearer && path === '/token' && form.parameters.get('grant_type') === jwtBearerGrant
      ? checkBearerAssertion(form.parameters, {
          issuer,
          uris,
          nowSeconds,
          otherAuthentication: form.mechanism !== 'none',
        })
      : undefined
  const certificate = certificates?.peers.of(request)
  const isAnonymous = bearer === undefined && form.mechanism === 'none'
  const token = isAnonymous ? withCertificate(form, certificates, certificate, nowMs) : form
  const assertion =
    token.mechanism === 'private_key_jwt'
      ? checkClientAssertion(token.parameters, { issuer, uris, nowSeconds })
      : undefined
  const proof = checkProof(request, { uris, nowSeconds })
  const grant = endpointGrants[path]
  const copy =
    grant === undefined
      ? copyOf(
          request,
          { issuer, path, proof: proof?.jwt },
          bearer ? withClient(token, body, bearer.clientId) : body,
        )
      : copyOf(request, { issuer, path: '/token', proof: undefined }, withGrant(token, grant))
  rememberState(
    copy,
    newState({
      path,
      request: token,
      correlator,
      assertion: bearer?.header ?? assertion,
      bearer,
      clientId: token.claimedClientId ?? bearer?.clientId ?? assertion?.clientId,
      requestObject: requestObjectHeader(token.parameters.get('request')),
      proofUri: copy.headers.dpop === undefined ? undefined : proof?.uri,
      proofAlg: copy.headers.dpop === undefined ? undefined : proof?.alg,
      certificate,
      address: request.socket.remoteAddress ?? '',
    }),
  )
  await callbackOf(provider)(copy, response)
}

/** Where the endpoint can be reached: at the issuer, and at its address for certificates. */
export const endpointUris = ({
  issuer,
  path,
  certificates,
}: Pick<ClientEndpoint, 'issuer' | 'path'> & {
  certificates?: ClientCertificates | undefined
}): string[] => [
  `${issuer}${path}`,
  ...(certificates === undefined ? [] : [`${certificates.url}${path}`]),
]

/** A certificate authenticates its client where nothing else does (RFC 8705, section 2). */
function withCertificate(
  form: TokenRequest,
  certificates: ClientCertificates | undefined,
  shown: ShownCertificate | undefined,
  nowMs: number,
): TokenRequest {
  if (certificates === undefined || shown === undefined || shown === 'no certificate') return form
  if ((form.claimedClientId ?? '') === '')
    throw invalidRequest('client_id is missing: a certificate does not say whose it is')
  checkAuthenticating(certificates, shown, nowMs)
  return { ...form, mechanism: 'certificate' }
}

/** The same parameters as a grant of the endpoint's own, which a client cannot name by itself. */
const withGrant = ({ parameters }: TokenRequest, grant: string): Buffer =>
  Buffer.from(new URLSearchParams([...new Map(parameters).set('grant_type', grant)]).toString())

/** The issuer of a bearer assertion is the client, which the provider looks for among the parameters. */
const withClient = ({ parameters }: TokenRequest, body: Buffer, clientId: string): Buffer =>
  (parameters.get('client_id') ?? '') === ''
    ? Buffer.from(
        `${body.toString('latin1').replace(/(^|&)client_id=?(?=&|$)/, '')}&client_id=${encodeURIComponent(clientId)}`,
        'latin1',
      )
    : body

const callbacks = new WeakMap<Provider, ReturnType<Provider['callback']>>()

export function callbackOf(provider: Provider): ReturnType<Provider['callback']> {
  let callback = callbacks.get(provider)
  if (callback === undefined) {
    callback = provider.callback()
    callbacks.set(provider, callback)
  }
  return callback
}

function copyOf(
  request: IncomingMessage,
  { issuer, path, proof }: { issuer: string; path: string; proof: string | undefined },
  body: Buffer,
): IncomingMessage {
  const copy = emptyCopy(request, issuer, 'POST', path)
  copy.headers.accept = 'application/json'
  copy.headers['content-length'] = String(body.length)
  for (const name of ['authorization', 'content-type'])
    if (request.headers[name] !== undefined) copy.headers[name] = request.headers[name]
  if (proof !== undefined) copy.headers.dpop = proof
  if (body.length > 0) copy.push(body)
  copy.push(null)
  return copy
}

/** A request of nothing but its place: what the provider makes addresses and cookies of is ours, not the caller's. */
export function emptyCopy(
  request: IncomingMessage,
  issuer: string,
  method: string,
  url: string,
): IncomingMessage {
  const { host, protocol } = new URL(issuer)
  const copy = new IncomingMessage(request.socket)
  copy.method = method
  copy.url = url
  copy.httpVersion = '1.1'
  copy.httpVersionMajor = 1
  copy.httpVersionMinor = 1
  copy.headers = { host, 'x-forwarded-proto': protocol.slice(0, -1) }
  copy.complete = true
  return copy
}
