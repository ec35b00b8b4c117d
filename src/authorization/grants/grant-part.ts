import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Configuration } from 'oidc-provider'
import type { ServerOptions } from '../server-options.ts'

/**
 * oidc-provider itself. Parts import only its types: the control process reads their metadata and never loads it.
 * @public
 */
export type Library = typeof import('oidc-provider')

/**
 * What one grant, or one endpoint beside them, adds to the authorization server of an environment.
 * @public
 */
export type GrantPart = {
  /** whether it is on; without this, always */
  enabled?: (options: ServerOptions) => boolean
  /** members of the provider's configuration; `features` and `ttl` are merged, functions must be in one part only */
  configuration?: (options: ServerOptions, library: Library) => Partial<Configuration>
  /** after the provider was made, once for each signing key: grant types of our own, listeners */
  register?: (provider: Provider, options: ServerOptions) => void
  /** members of the discovery document; lists are joined with those of the other parts */
  metadata?: (issuer: string) => Readonly<Record<string, unknown>>
  endpoints?: readonly EndpointPart[]
}

/**
 * A path below the issuer that the listener serves.
 * @public
 */
export type EndpointPart = {
  /** `/bc-authorize`, or `/consent/*` for one segment more, which `rest` holds */
  path: string
  methods: readonly string[]
  /**
   * `client`: an authenticated endpoint in the OAuth error format, served by the provider at `path` after form, limits
   * and assertion were checked. `page`: what a browser reaches; its own `serve`.
   */
  kind: 'client' | 'page'
  serve?: (exchange: PageExchange) => Promise<void> | void
}

/** @public */
export type PageExchange = {
  request: IncomingMessage
  response: ServerResponse
  correlator: string
  /** the last segment of the path, for a path that ends in `*` */
  rest: string
  /** the path of the issuer as this request came, `/sandbox`: before the paths of links and forms */
  prefix: string
  options: ServerOptions
  provider: Provider
}
