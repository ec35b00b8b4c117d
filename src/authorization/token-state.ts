import type { IncomingMessage } from 'node:http'
import type { ShownCertificate } from '#platform/client-certificates/peer-certificates'
import type { BearerAssertion } from './check-bearer-assertion.ts'
import type { Client } from './client-source.ts'
import type { TokenRequest } from './read-token-request.ts'
import type { AssertionHeader } from './signed-jwt.ts'

export type ClientKey = Client['keys'][number]

/** An error of oidc-provider, of ours, or a fault. */
export type Refusal = Error & { error?: string; error_description?: string; error_detail?: string }

/**
 * What is known of one request while the provider works on it. The provider keeps `Client` objects from request
 * to request, so nothing about a request may live there.
 */
export type TokenState = {
  /** below the issuer: `/token` */
  readonly path: string
  readonly request: TokenRequest
  readonly assertion: AssertionHeader | undefined
  /** who the request says it is from; not believed */
  readonly clientId: string | undefined
  /** of the JWT bearer grant, where it is the assertion, too */
  readonly bearer: BearerAssertion | undefined
  /** what the request's signed request object says of its key; undefined without a readable one */
  readonly requestObject: AssertionHeader | undefined
  /** the address that the request's proof of possession is for (RFC 9449); undefined without one */
  readonly proofUri: string | undefined
  /** what it is signed with */
  readonly proofAlg: string | undefined
  /** what the client's connection was shown; undefined where certificates are not taken */
  readonly certificate: ShownCertificate | undefined
  /** the request as it came, with its cookies and its peer: undefined where no browser calls */
  readonly browser: IncomingMessage | undefined
  readonly address: string
  readonly correlator: string
  readonly startedAt: number
  /** the active client, from the moment it is found */
  client: Client | undefined
  /** the registered keys that fit the assertion's header */
  candidates: readonly ClientKey[]
  /** which credential proved who the client is; without one there is no token */
  credentialId: string | undefined
  refusal: Refusal | undefined
  /** the jti of a request object whose claims are in order; used up once its signature has been verified */
  objectId: { jti: string; exp: number } | undefined
  /** set while a client assertion is checked: a used one is told from a used proof by it */
  checksAssertion: boolean
  /** what a token is made for and from: used up, and kept instead, when nothing more can be refused by looking */
  readonly uses: (() => Promise<void>)[]
}

const states = new WeakMap<IncomingMessage, TokenState>()

export const rememberState = (request: IncomingMessage, state: TokenState): void => {
  states.set(request, state)
}

/** A state of which nothing is known yet but the request. */
export const newState = (
  known: Pick<TokenState, 'path' | 'request' | 'correlator'> & Partial<TokenState>,
): TokenState => ({
  assertion: undefined,
  clientId: undefined,
  bearer: undefined,
  requestObject: undefined,
  proofUri: undefined,
  proofAlg: undefined,
  certificate: undefined,
  browser: undefined,
  address: '',
  startedAt: performance.now(),
  client: undefined,
  candidates: [],
  credentialId: undefined,
  refusal: undefined,
  objectId: undefined,
  checksAssertion: false,
  uses: [],
  ...known,
})

/**
 * A code, a refresh token or an answered request is used up by the token that is made of it, and not by a request that is
 * refused for what its client can mend: a forgotten proof, another key, a wrong resource.
 */
export async function spendWithToken(
  request: IncomingMessage | undefined,
  use: () => Promise<void>,
): Promise<void> {
  const state = stateOf(request)
  if (state?.path === '/token') state.uses.push(use)
  else await use()
}

/** The last thing before a token is signed: of simultaneous requests one comes through here. */
export async function spendAll({ uses }: TokenState): Promise<void> {
  for (const use of uses.splice(0)) await use()
}

export const stateOf = (request: IncomingMessage | undefined): TokenState | undefined =>
  request === undefined ? undefined : states.get(request)
