/**
 * A `pattern` as a validator compiles it, in Unicode mode. ECMA-262 without that mode, in which many documents are
 * written, also lets any character be escaped (`\-`, `\_`, `\@`): such escapes are taken off where they mean nothing.
 * @returns undefined when it is no regular expression
 */
export function unicodePattern(pattern: string): string | undefined {
  if (compiles(pattern)) return pattern
  const plain = withoutNeedlessEscapes(pattern)
  return compiles(plain) && compilesLoosely(pattern) ? plain : undefined
}

const compiles = (pattern: string): boolean => tryRegExp(pattern, 'u')
const compilesLoosely = (pattern: string): boolean => tryRegExp(pattern, '')

function tryRegExp(pattern: string, flags: string): boolean {
  try {
    new RegExp(pattern, flags)
    return true
  } catch {
    return false
  }
}

function withoutNeedlessEscapes(pattern: string): string {
  let inClass = false
  return pattern.replace(/\\([\s\S])|\[|\]/g, (token, escaped: string | undefined) => {
    if (token === '[') inClass = true
    if (token === ']') inClass = false
    if (escaped === undefined || /[\\^$.*+?()[\]{}|/A-Za-z0-9]/.test(escaped)) return token
    // A dash inside a class could begin a range without its escape.
    return escaped === '-' && inClass ? token : escaped
  })
}
