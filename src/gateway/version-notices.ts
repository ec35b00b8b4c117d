import type { ApiEntry } from '#snapshot'
import { type Refusal, refuse } from './refusal.ts'

/**
 * What every answer of an API version that comes to its end says, and from when on it says nothing else. It is changed in
 * place when its successor comes or goes: the rules of operations have it.
 */
export type VersionNotice = {
  /** response fields, name and value in turn */
  headers: readonly string[]
  /** from this moment on, milliseconds since 1970, the version is gone; infinite when no end is set */
  endsAtMs: number
  gone: Refusal
}

/** Where readers of an answer are sent; without a portal, to the gateway alone. */
export type PublicAddresses = { gateway: string; portal: string | undefined }

/**
 * The notices of this environment's versions, made when an entry arrives. A version that goes on has none, so that its
 * calls cost nothing.
 */
export class VersionNotices {
  #addresses: PublicAddresses
  #byBasePath = new Map<string, VersionNotice>()
  #entries = new Map<string, ApiEntry>()

  constructor(addresses: PublicAddresses) {
    this.#addresses = addresses
  }

  put(id: string, entry: ApiEntry | undefined): void {
    if (entry === undefined) this.#entries.delete(id)
    else this.#entries.set(id, entry)
    const notice = entry && this.#noticeOf(entry)
    if (notice === undefined) this.#byBasePath.delete(`/${id}`)
    else this.#byBasePath.set(`/${id}`, notice)
    for (const [other, ending] of this.#entries) {
      if (other === id || ending.retirement?.successor !== id) continue
      const told = this.#byBasePath.get(`/${other}`)
      if (told !== undefined) Object.assign(told, this.#noticeOf(ending))
    }
  }

  #noticeOf(entry: ApiEntry): VersionNotice | undefined {
    const { successor } = entry.retirement ?? {}
    return noticeOf(entry, this.#addresses, successor && this.#successorOf(successor))
  }

  /** Where the successor can be read about and called: nowhere, as long as it is known by its name only. */
  #successorOf(id: string): Successor {
    const entry = this.#entries.get(id)
    const isPublished = entry?.lifecycle === 'published' || entry?.lifecycle === 'deprecated'
    const isServed = isPublished && entry.upstream.kind !== 'none'
    return {
      id,
      url: isServed ? `${this.#addresses.gateway}/${id}` : undefined,
      page: isPublished ? pageOf(this.#addresses, id) : undefined,
    }
  }

  /** The notice of the version that a path is below. */
  at(path: string): VersionNotice | undefined {
    if (this.#byBasePath.size === 0) return undefined
    const version = path.indexOf('/', 1)
    const end = version === -1 ? -1 : path.indexOf('/', version + 1)
    return this.#byBasePath.get(end === -1 ? path : path.slice(0, end))
  }
}

type Successor = { id: string; url: string | undefined; page: string | undefined }

function noticeOf(
  entry: ApiEntry,
  addresses: PublicAddresses,
  successor: Successor | '' | undefined,
): VersionNotice | undefined {
  const { id, lifecycle, retirement = {} } = entry
  const deprecated = instantOf(retirement.deprecatedAt)
  const sunset = instantOf(retirement.sunsetAt)
  const retired = lifecycle === 'retired'
  const ends = retired || sunset !== undefined || deprecated !== undefined
  if (!ends && lifecycle !== 'deprecated') return undefined
  const page = pageOf(addresses, id)
  const links = [
    ...(successor ? linkTo(successor) : []),
    ...(page === undefined ? [] : [`<${page}>; rel="deprecation"; type="text/html"`]),
  ]
  const headers = [
    // RFC 9745: a Date of structured fields, in whole seconds.
    ...(deprecated === undefined ? [] : ['deprecation', `@${Math.floor(deprecated / 1_000)}`]),
    // RFC 8594: an HTTP-date.
    ...(sunset === undefined ? [] : ['sunset', new Date(sunset).toUTCString()]),
    ...(links.length === 0 ? [] : ['link', links.join(', ')]),
  ]
  const since = sunset === undefined ? '' : ` on ${new Date(sunset).toISOString().slice(0, 10)}`
  const instead = successor ? adviceOf(successor) : page === undefined ? '' : ` See ${page}.`
  return {
    headers,
    endsAtMs: retired ? Number.NEGATIVE_INFINITY : (sunset ?? Number.POSITIVE_INFINITY),
    gone: refuse('GONE', `${id} was retired${since}.${instead}`),
  }
}

/** A page is there for whoever follows the link; below a base path alone there is nothing to read. */
function linkTo({ url, page }: Successor): string[] {
  if (page !== undefined) return [`<${page}>; rel="successor-version"; type="text/html"`]
  return url === undefined ? [] : [`<${url}>; rel="successor-version"`]
}

function adviceOf({ id, url, page }: Successor): string {
  if (url === undefined && page === undefined) return ` ${id} will take its place.`
  const where = url === undefined ? '' : ` at ${url}`
  return ` Use ${id}${where}${page === undefined ? '' : `, described at ${page}`}.`
}

const pageOf = ({ portal }: PublicAddresses, id: string): string | undefined =>
  portal === undefined ? undefined : `${portal}/apis/${id}`

function instantOf(text: string | undefined): number | undefined {
  const at = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}
