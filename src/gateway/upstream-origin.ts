import type { SecureContext } from 'node:tls'
import { Pool } from 'undici'

const connectTimeoutMs = 1_000

export type OriginOptions = {
  connections: number
  responseBytes: number
  /** what https certificates are verified with; undefined: what the platform trusts */
  secureContext: SecureContext | undefined
}

/**
 * The connections to one origin: this and `UpstreamCall` are all that knows how requests are sent. Which origin, whether
 * and when is decided above.
 */
export class Origin {
  readonly pool: Pool

  constructor(origin: string, { connections, responseBytes, secureContext }: OriginOptions) {
    this.pool = new Pool(origin, {
      connections,
      pipelining: 1,
      allowH2: false,
      connect: {
        timeout: connectTimeoutMs,
        ...(secureContext === undefined ? {} : { secureContext }),
      },
      // Both are measured as one deadline per call, exactly.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Shorter than what servers keep: a request must not meet a connection that is being closed.
      keepAliveTimeout: 4_000,
      keepAliveTimeoutThreshold: 1_000,
      maxResponseSize: responseBytes,
      strictContentLength: true,
    })
  }

  /** Ends every connection, and what is under way on them. */
  close(): Promise<void> {
    return this.pool.destroy()
  }
}
