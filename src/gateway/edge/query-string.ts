import { decodePart } from './canonical-path.ts'

/**
 * One `name=value` of a query, decoded, and as it was written.
 * @public
 */
export type QueryPart = { name: string; value: string; text: string }

// RFC 3986 section 3.4, and the square brackets that some clients leave bare.
const allowed = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?[\]]|%[0-9A-Fa-f]{2})*$/

/**
 * Reads `application/x-www-form-urlencoded` as browsers write it.
 * @returns undefined when it is not a well-formed query
 * @public
 */
export function parseQuery(query: string): QueryPart[] | undefined {
  if (!allowed.test(query)) return undefined
  const parts: QueryPart[] = []
  for (const text of query.split('&')) {
    if (text === '') continue
    const equals = text.indexOf('=')
    const name = decodePart((equals < 0 ? text : text.slice(0, equals)).replaceAll('+', ' '))
    const value = decodePart(equals < 0 ? '' : text.slice(equals + 1).replaceAll('+', ' '))
    if (name === undefined || value === undefined) return undefined
    parts.push({ name, value, text })
  }
  return parts
}
