import type { LookupFunction } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { Environment } from '#platform/config'
import type { ApiEntry } from '#snapshot'
import {
  type FunctionCredentials,
  functionDialect,
  functionUrl,
  largestInvocation,
} from './function-dialect.ts'
import { httpDialect } from './http-dialect.ts'
import { type Dialect, Endpoint, type Side } from './upstream-endpoint.ts'
import type { UpstreamMetrics } from './upstream-metrics.ts'
import { Origin } from './upstream-origin.ts'

export type EndpointSettings = {
  environment: Environment
  simulator: { url: string } | undefined
  /** where this platform serves APIs of its own for the environment */
  platformUrl: string | undefined
  /** addresses that must not be reached from here, whatever a document says */
  forbidden: readonly string[]
  credentials: FunctionCredentials | undefined
  /** CA certificates (PEM) that upstream certificates may come from, beside those that the platform trusts */
  ca: string | undefined
  connections: number
  responseBytes: number
  /** finds the addresses of hosts */
  lookup: LookupFunction
  nowMs: () => number
  monotonicMs: () => number
}

/** Makes the targets that an API's entry names. One that cannot be used is left out: its calls find no target. */
export class EndpointMaker {
  #settings: EndpointSettings
  #metrics: UpstreamMetrics
  #context: SecureContext | undefined

  constructor(settings: EndpointSettings, metrics: UpstreamMetrics) {
    this.#settings = settings
    this.#metrics = metrics
  }

  primaries(api: ApiEntry): readonly Endpoint[] {
    const { upstream } = api
    switch (upstream.kind) {
      case 'http':
        return upstream.targets.flatMap(
          ({ url, weight }) => this.at(api, url, 'primary', weight) ?? [],
        )
      case 'function':
        return this.#function(api, upstream.function)
      case 'simulated': {
        const { simulator } = this.#settings
        const only = simulator && this.at(api, simulator.url, 'primary')
        return only === undefined ? [] : [only]
      }
      case 'platform': {
        const { platformUrl } = this.#settings
        const only = platformUrl === undefined ? undefined : this.at(api, platformUrl, 'primary')
        return only === undefined ? [] : [only]
      }
      case 'none':
        return []
    }
  }

  at(api: ApiEntry, address: string, side: Side, weight = 1): Endpoint | undefined {
    const url = URL.parse(address)
    if (url === null || !/^https?:$/.test(url.protocol) || this.#isForbidden(url)) return undefined
    const prefix = url.pathname.replace(/\/+$/, '')
    return this.#make(api, url, httpDialect(prefix), {
      name: nameOf(api, url, side),
      side,
      weight,
      responseBytes: this.#settings.responseBytes,
    })
  }

  #function(api: ApiEntry, target: Parameters<typeof functionUrl>[0]): readonly Endpoint[] {
    const url = functionUrl(target)
    const { credentials, environment, nowMs, responseBytes } = this.#settings
    if (url === null || !/^https?:$/.test(url.protocol) || this.#isForbidden(url)) return []
    // AWS answers nobody who does not sign; another runtime may not want a signature.
    if (credentials === undefined && target.endpoint === undefined) return []
    const dialect = functionDialect({
      ...{ target, url, credentials, environment, nowMs },
      apiId: api.id,
      largest: responseBytes,
    })
    return [
      this.#make(api, url, dialect, {
        name: target.name,
        side: 'primary',
        weight: 1,
        responseBytes: largestInvocation,
      }),
    ]
  }

  #make(
    api: ApiEntry,
    url: URL,
    dialect: Dialect,
    of: { name: string; side: Side; weight: number; responseBytes: number },
  ): Endpoint {
    return new Endpoint({
      ...of,
      dialect,
      largest: of.responseBytes,
      origin: new Origin(url.origin, {
        connections: this.#settings.connections,
        secureContext: url.protocol === 'https:' ? this.#trusted() : undefined,
        lookup: this.#settings.lookup,
        monotonicMs: this.#settings.monotonicMs,
      }),
      metrics: this.#metrics.endpoint(api.id, of.name),
      breaker: breakerOf(api),
    })
  }

  /** One context for all: the certificates of the platform are many. */
  #trusted(): SecureContext {
    const { ca } = this.#settings
    this.#context ??= createSecureContext({
      ca: [
        ...new Set([...getCACertificates('default'), ...getCACertificates('system')]),
        ...(ca === undefined ? [] : [ca]),
      ],
    })
    return this.#context
  }

  #isForbidden(url: URL): boolean {
    return this.#settings.forbidden.some((address) => {
      const other = URL.parse(address)
      return other !== null && portOf(other) === portOf(url) && sameHost(other, url)
    })
  }
}

/** The simulated operator fails on purpose, for one number: that must not keep anybody from the others. */
function breakerOf({ upstream }: ApiEntry): ConstructorParameters<typeof Endpoint>[0]['breaker'] {
  if (upstream.kind === 'simulated') return 'never'
  return 'breaker' in upstream ? upstream.breaker : undefined
}

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80')

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|\[::ffff:7f.*\]|0\.0\.0\.0|\[::\])$/
const sameHost = (one: URL, other: URL): boolean =>
  one.hostname === other.hostname || (loopback.test(one.hostname) && loopback.test(other.hostname))

/** The host, and what else is needed to tell it from another target of the API. */
function nameOf(api: ApiEntry, url: URL, side: Side): string {
  if (side !== 'primary') return side
  const { upstream } = api
  const peers = upstream.kind === 'http' ? upstream.targets : []
  const namesakes = peers.filter((peer) => URL.parse(peer.url)?.host === url.host)
  return (namesakes.length > 1 ? url.host + url.pathname : url.host).slice(0, 120)
}
