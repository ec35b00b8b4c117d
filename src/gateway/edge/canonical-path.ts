const plain = /^(?:\/[A-Za-z0-9\-._~!$&'()*+,;=:@]+)+\/?$/
const encoded = /^(?:\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+)+\/?$/
const dotSegment = /\/\.{1,2}(?:\/|$)/

/**
 * Whether a path has one reading only (RFC 3986 section 3.3), so that what is matched here is what an upstream sees:
 * no dot segment, empty segment, backslash, control character, and no percent-encoding of a character that means the
 * same or something else when it is decoded (unreserved characters, slashes, the percent sign, controls), and of bytes
 * that are not UTF-8.
 * @public
 */
export function isCanonicalPath(path: string): boolean {
  if (path === '/') return true
  if (plain.test(path)) return !dotSegment.test(path)
  if (!encoded.test(path) || dotSegment.test(path)) return false
  return onlyNeededEscapes(path) && decodePart(path) !== undefined
}

const unreserved = /[A-Za-z0-9\-._~]/

function onlyNeededEscapes(path: string): boolean {
  for (let i = path.indexOf('%'); i !== -1; i = path.indexOf('%', i + 3)) {
    const code = Number.parseInt(path.slice(i + 1, i + 3), 16)
    if (code < 0x20 || code === 0x7f) return false
    const character = String.fromCharCode(code)
    if (character === '/' || character === '\\' || character === '%') return false
    if (code < 0x80 && unreserved.test(character)) return false
  }
  return true
}

/**
 * The value of one path segment or query part.
 * @returns undefined when it is not UTF-8
 * @public
 */
export function decodePart(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
