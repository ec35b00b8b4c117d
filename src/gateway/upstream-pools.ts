import { Pool } from 'undici'

const connectTimeoutMs = 1_000
const retryTokensMost = 10
const retryTokensPerRequest = 0.1

/** One origin that operations are served from. */
export class Upstream {
  readonly pool: Pool
  /** the path of the upstream's own address, before the canonical path */
  readonly prefix: string
  inFlight = 0
  #retryTokens = 3

  constructor(url: URL, options: { connections: number; responseBytes: number }) {
    this.prefix = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '')
    this.pool = new Pool(url.origin, {
      connections: options.connections,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: connectTimeoutMs },
      // Both are measured as one deadline per call, exactly.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 4_000,
      keepAliveTimeoutThreshold: 1_000,
      maxResponseSize: options.responseBytes,
      strictContentLength: true,
    })
  }

  begin(): void {
    this.inFlight += 1
    this.#retryTokens = Math.min(retryTokensMost, this.#retryTokens + retryTokensPerRequest)
  }

  end(): void {
    this.inFlight -= 1
  }

  /** Retries are one in ten requests at most: a failing upstream is not helped by more of them. */
  mayRetry(): boolean {
    if (this.#retryTokens < 1) return false
    this.#retryTokens -= 1
    return true
  }
}

/** The connections to every upstream, each with its own pool and bound: one's trouble is not another's. */
export class UpstreamPools {
  #upstreams = new Map<string, Upstream>()
  #options: { connections: number; responseBytes: number }

  constructor(options: { connections: number; responseBytes: number }) {
    this.#options = options
  }

  at(address: string): Upstream | undefined {
    let upstream = this.#upstreams.get(address)
    if (upstream === undefined) {
      const url = URL.parse(address)
      if (url === null || !/^https?:$/.test(url.protocol)) return undefined
      upstream = new Upstream(url, this.#options)
      this.#upstreams.set(address, upstream)
    }
    return upstream
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#upstreams.values()].map(({ pool }) => pool.destroy()))
  }
}
