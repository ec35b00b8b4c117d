import type { ApplicationEntry, ContractEntry } from '#snapshot'
import type { UpstreamResponse } from '../exchange.ts'
import type { Operation } from '../operation.ts'

/**
 * An answer that may be given again, and whose it is.
 * @public
 */
export type KeptResponse = {
  response: UpstreamResponse
  operation: Operation
  contract: ContractEntry | undefined
  application: ApplicationEntry | undefined
  /** monotonic, milliseconds */
  keptMs: number
  endsMs: number
  bytes: number
}

/** what the entry of a map, an object and a buffer cost besides their bytes */
const overhead = 600

/**
 * Answers of upstreams, as they came and were found valid, within a bound of bytes; the one that was not asked for the
 * longest goes first. An answer is gone as soon as the document, the contract or the application is another one: entries
 * of the snapshot are replaced as a whole, so another one is another object.
 * @public
 */
export class ResponseCache {
  #kept = new Map<string, KeptResponse>()
  #limit: number
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(
    key: string,
    of: Pick<KeptResponse, 'operation' | 'contract' | 'application'>,
    nowMs: number,
  ): KeptResponse | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    const live =
      nowMs < kept.endsMs &&
      kept.operation === of.operation &&
      kept.contract === of.contract &&
      kept.application === of.application
    this.#kept.delete(key)
    if (!live) {
      this.#bytes -= kept.bytes
      return undefined
    }
    this.#kept.set(key, kept)
    return kept
  }

  /** @returns false when it is too large to be kept beside others */
  put(key: string, value: Omit<KeptResponse, 'bytes'>): boolean {
    const bytes = sizeOf(value.response) + key.length + overhead
    if (bytes > this.#limit / 16) return false
    const before = this.#kept.get(key)
    if (before !== undefined) {
      this.#bytes -= before.bytes
      this.#kept.delete(key)
    }
    this.#kept.set(key, { ...value, bytes })
    this.#bytes += bytes
    for (const [oldest, kept] of this.#kept) {
      if (this.#bytes <= this.#limit) break
      this.#kept.delete(oldest)
      this.#bytes -= kept.bytes
    }
    return true
  }

  /** The API is published anew, or no more: what was kept of it could not be found again, and is let go. */
  forget(apiId: string): void {
    for (const [key, kept] of this.#kept) {
      if (kept.operation.api.id !== apiId) continue
      this.#kept.delete(key)
      this.#bytes -= kept.bytes
    }
  }
}

function sizeOf({ headers, body }: UpstreamResponse): number {
  let bytes = body.length
  for (const [name, value] of Object.entries(headers))
    bytes += name.length + String(value).length + 32
  return bytes
}
