/**
 * What one proxy says of how it was reached (RFC 7239 section 4).
 * @public
 */
export type ForwardedElement = { for?: string; by?: string; host?: string; proto?: string }

const names: ReadonlySet<string> = new Set(['for', 'by', 'host', 'proto'])
/** a pair, and what follows it; RFC 9110 section 5.6 for token and quoted-string */
const pair =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*)")[\t ]*([;,]|$)[\t ]*/y

/**
 * Reads a Forwarded field, whole.
 * @returns undefined when it is malformed: then nothing of it can be relied on
 * @public
 */
export function readForwarded(field: string): ForwardedElement[] | undefined {
  const elements: ForwardedElement[] = []
  let element: ForwardedElement = {}
  let at = 0
  const text = field.trim()
  while (at < text.length) {
    pair.lastIndex = at
    const match = pair.exec(text)
    if (match === null) return undefined
    const [whole, name = '', token, quoted, end] = match
    const key = name.toLowerCase()
    if (names.has(key)) {
      if (key in element) return undefined
      element[key as keyof ForwardedElement] = token ?? quoted?.replace(/\\(.)/g, '$1') ?? ''
    }
    at += whole.length
    if (end === ',' || end === '') {
      elements.push(element)
      element = {}
    }
    if (at === text.length && end !== '') return undefined
  }
  return elements.length === 0 ? undefined : elements
}
