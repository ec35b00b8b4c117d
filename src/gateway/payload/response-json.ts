import type { Exchange } from '../exchange.ts'
import { parseExactly } from './json-numbers.ts'
import { parseMediaType } from './media-type.ts'

/**
 * The body of an answer that has been checked, to be changed before it leaves: `none` when there is none, `other` when
 * it is not JSON.
 * @public
 */
export function responseJson(exchange: Exchange): { value: unknown } | 'none' | 'other' {
  const { responseBody } = exchange
  if (responseBody.length === 0) return 'none'
  if (exchange.responseJson !== undefined) return exchange.responseJson
  if (parseMediaType(headerOf(exchange, 'content-type') ?? '')?.json !== true) return 'other'
  const text = typeof responseBody === 'string' ? responseBody : responseBody.toString('utf8')
  exchange.responseJson = { value: parseExactly(text) }
  return exchange.responseJson
}

/**
 * Writes a changed value; each number is written as the upstream wrote it.
 * @public
 */
export function putResponseJson(exchange: Exchange, value: unknown): void {
  exchange.responseJson = { value }
  exchange.responseBody = JSON.stringify(value)
}

export function headerOf(exchange: Exchange, name: string): string | undefined {
  const at = exchange.responseHeaders.findIndex((field, i) => i % 2 === 0 && field === name)
  return at < 0 ? undefined : exchange.responseHeaders[at + 1]
}
