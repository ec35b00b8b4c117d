import type { ApiEntry } from '#snapshot'
import { type Refusal, refuse } from './refusal.ts'

/** What every answer of an API version that comes to its end says, and from when on it says nothing else. */
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

  constructor(addresses: PublicAddresses) {
    this.#addresses = addresses
  }

  put(id: string, entry: ApiEntry | undefined): void {
    const notice = entry && noticeOf(entry, this.#addresses)
    if (notice === undefined) this.#byBasePath.delete(`/${id}`)
    else this.#byBasePath.set(`/${id}`, notice)
  }

  /** The notice of the version that a path is below. */
  at(path: string): VersionNotice | undefined {
    if (this.#byBasePath.size === 0) return undefined
    const version = path.indexOf('/', 1)
    const end = version === -1 ? -1 : path.indexOf('/', version + 1)
    return this.#byBasePath.get(end === -1 ? path : path.slice(0, end))
  }
}

function noticeOf(entry: ApiEntry, addresses: PublicAddresses): VersionNotice | undefined {
  const { id, lifecycle, retirement = {} } = entry
  const deprecated = instantOf(retirement.deprecatedAt)
  const sunset = instantOf(retirement.sunsetAt)
  const retired = lifecycle === 'retired'
  const ends = retired || sunset !== undefined || deprecated !== undefined
  if (!ends && lifecycle !== 'deprecated') return undefined
  const page = pageOf(addresses, id)
  const successor = retirement.successor && {
    id: retirement.successor,
    url: `${addresses.gateway}/${retirement.successor}`,
    page: pageOf(addresses, retirement.successor),
  }
  const links = [
    ...(successor ? [`<${successor.url}>; rel="successor-version"`] : []),
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
  const instead = successor
    ? ` Use ${successor.id} at ${successor.url}${successor.page === undefined ? '' : `, described at ${successor.page}`}.`
    : page === undefined
      ? ''
      : ` See ${page}.`
  return {
    headers,
    endsAtMs: retired ? Number.NEGATIVE_INFINITY : (sunset ?? Number.POSITIVE_INFINITY),
    gone: refuse('GONE', `${id} was retired${since}.${instead}`),
  }
}

const pageOf = ({ portal }: PublicAddresses, id: string): string | undefined =>
  portal === undefined ? undefined : `${portal}/apis/${id}`

function instantOf(text: string | undefined): number | undefined {
  const at = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}
