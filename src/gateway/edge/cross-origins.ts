import type { ApiEntry } from '#snapshot'

/** Which pages of other origins may read an API's answers (Fetch standard, section 3.2). */
export type CrossOrigin = { origins: ReadonlySet<string>; maxAgeSeconds: number }

/** What a page may read of an answer besides its body. */
const exposed = [
  'x-correlator',
  'x-exchange-id',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'www-authenticate',
  'age',
  'deprecation',
  'sunset',
  'link',
  'location',
  'idempotency-replayed',
].join(', ')

/**
 * The APIs that browsers may call. Where there is none, nothing is looked up and no answer has a field for it. An origin
 * is compared whole, as browsers write it: scheme, host and port, never a pattern, and never `null`, which every
 * sandboxed page has.
 * @public
 */
export class CrossOrigins {
  #byBasePath = new Map<string, CrossOrigin>()

  put(id: string, entry: ApiEntry | undefined): void {
    const origins = (entry?.cors?.origins ?? []).flatMap((text) => originOf(text) ?? [])
    if (entry?.cors === undefined || origins.length === 0 || entry.lifecycle === 'draft') {
      this.#byBasePath.delete(`/${id}`)
      return
    }
    const { maxAgeSeconds } = entry.cors
    this.#byBasePath.set(`/${id}`, { origins: new Set(origins), maxAgeSeconds })
  }

  /** What holds for the API that a path is below. */
  at(path: string): CrossOrigin | undefined {
    if (this.#byBasePath.size === 0) return undefined
    const version = path.indexOf('/', 1)
    const end = version === -1 ? -1 : path.indexOf('/', version + 1)
    return this.#byBasePath.get(end === -1 ? path : path.slice(0, end))
  }

  /**
   * The fields that an answer gets, whatever it says: a page must be able to read why it was refused.
   * @param url the request target, for answers that were decided before the path was known
   */
  fields(path: string, url: string | undefined, origin: string | undefined): readonly string[] {
    if (this.#byBasePath.size === 0) return none
    const allowed = this.at(path === '' ? (url ?? '').replace(/[?#].*$/s, '') : path)
    if (allowed === undefined) return none
    if (origin === undefined || !allowed.origins.has(origin)) return varies
    return [
      ...varies,
      ...['access-control-allow-origin', origin],
      ...['access-control-expose-headers', exposed],
    ]
  }
}

const none: readonly string[] = []
const varies: readonly string[] = ['vary', 'Origin']

function originOf(text: string): string | undefined {
  const origin = URL.parse(text)?.origin
  return origin === undefined || origin === 'null' || !origin.startsWith('http')
    ? undefined
    : origin
}
