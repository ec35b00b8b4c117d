const uri =
  /^(https?):\/\/([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?(\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*)?(?:\?[^#]*)?(?:#.*)?$/i
const defaultPorts: Readonly<Record<string, string>> = { http: '80', https: '443' }
const longest = 4_096

/**
 * An http(s) URI without query and fragment, in the one form that equal ones have after normalisation of case, escapes,
 * path segments and default port (RFC 3986 section 6.2.2 and 6.2.3, which RFC 9449 section 4.3 asks for).
 * @returns undefined when it is no such URI, or names a user
 */
export function normalisedUri(text: string): string | undefined {
  if (text.length > longest) return undefined
  const match = uri.exec(text)
  if (match === null) return undefined
  const [, scheme = '', host = '', port = '', path = '/'] = match
  const plainScheme = scheme.toLowerCase()
  const number = port === '' ? '' : String(Number(port))
  const shownPort = number === '' || number === defaultPorts[plainScheme] ? '' : `:${number}`
  return `${plainScheme}://${host.toLowerCase()}${shownPort}${withoutDots(withPlainEscapes(path))}`
}

const unreserved = /[A-Za-z0-9\-._~]/

const withPlainEscapes = (path: string): string =>
  path.includes('%')
    ? path.replace(/%([0-9A-Fa-f]{2})/g, (encoded, hex: string) => {
        const character = String.fromCharCode(Number.parseInt(hex, 16))
        return unreserved.test(character) ? character : encoded.toUpperCase()
      })
    : path

/** RFC 3986 section 5.2.4. */
function withoutDots(path: string): string {
  if (!path.includes('/.')) return path
  const segments: string[] = []
  const parts = path.split('/').slice(1)
  for (const [i, segment] of parts.entries()) {
    const last = i === parts.length - 1
    if (segment === '..') segments.pop()
    if (segment === '.' || segment === '..') {
      if (last) segments.push('')
    } else segments.push(segment)
  }
  return `/${segments.join('/')}`
}
