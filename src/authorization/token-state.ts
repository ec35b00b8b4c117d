import type { IncomingMessage } from 'node:http'
import type { AssertionHeader } from './check-client-assertion.ts'
import type { Client } from './client-source.ts'
import type { TokenRequest } from './read-token-request.ts'

export type ClientKey = Client['keys'][number]

/** An error of oidc-provider, of ours, or a fault. */
export type Refusal = Error & { error?: string; error_description?: string; error_detail?: string }

/**
 * What is known of one token request while the provider works on it. The provider keeps `Client` objects from request
 * to request, so nothing about a request may live there.
 */
export type TokenState = {
  readonly request: TokenRequest
  readonly assertion: AssertionHeader | undefined
  /** who the request says it is from; not believed */
  readonly clientId: string | undefined
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
}

const states = new WeakMap<IncomingMessage, TokenState>()

export const rememberState = (request: IncomingMessage, state: TokenState): void => {
  states.set(request, state)
}

export const stateOf = (request: IncomingMessage | undefined): TokenState | undefined =>
  request === undefined ? undefined : states.get(request)
