import type { IncomingMessage } from 'node:http'

/**
 * One cookie of one environment. Where the public address is https, browsers take it from this host over TLS only, and
 * no other host can set it; a local installation without TLS does without that.
 */
export type Cookie = {
  read(request: IncomingMessage): string | undefined
  /** the field of an answer that sets it; without `maxAgeSeconds` it ends with the browser */
  set(value: string, maxAgeSeconds?: number): string
  clear(): string
}

export function cookieOf(name: string, options: { environment: string; url: string }): Cookie {
  const secure = options.url.startsWith('https:')
  const full = `${secure ? '__Host-' : ''}wl_${options.environment}_${name}`
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return {
    read(request) {
      const found = (request.headers.cookie ?? '')
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(`${full}=`))
      // Two of one name mean that somebody else set one of them: neither is believed.
      return found.length === 1 ? found[0]?.slice(full.length + 1) : undefined
    },
    set: (value, maxAgeSeconds) =>
      `${full}=${value}; ${attributes}${maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`}`,
    clear: () => `${full}=; ${attributes}; Max-Age=0`,
  }
}
