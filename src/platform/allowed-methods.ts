/** Which methods exist at an address, so that a wrong method is told apart from a wrong address. */
export interface AllowedMethods {
  /** A route that takes any address says nothing about one of them, so it is left out. */
  add(url: string, method: string | string[]): void
  at(path: string): string[]
}

export function createAllowedMethods(): AllowedMethods {
  const methods = new Map<string, Set<string>>()
  let patterns: [RegExp, Set<string>][] | undefined
  return {
    add(url, method) {
      if (url.includes('*')) return
      const known = methods.get(url) ?? new Set()
      for (const one of [method].flat()) known.add(one)
      methods.set(url, known)
      patterns = undefined
    },
    at(path) {
      patterns ??= [...methods].map(([url, known]) => [patternOf(url), known])
      const found = patterns.flatMap(([pattern, known]) => (pattern.test(path) ? [...known] : []))
      return [...new Set(found)].sort()
    },
  }
}

const patternOf = (url: string): RegExp => {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : RegExp.escape(part)))
  return new RegExp(`^${parts.join('/')}$`)
}
