import { createHash } from 'node:crypto'
import type { Exchange } from '../exchange.ts'

/**
 * Names everything that an upstream's answer may depend on: who asks under which contract, about whom, for what, with
 * which documented fields. Only the digest is kept: a path or a body may name a person.
 * @public
 */
export function cacheKeyOf(exchange: Exchange, headerNames: readonly string[]): string {
  const { headers } = exchange.request
  const parts = [
    exchange.operation?.name,
    exchange.contract?.id,
    exchange.application?.id,
    exchange.subject,
    exchange.upstreamSubject,
    exchange.path,
    exchange.query,
    exchange.contentType,
    ...headerNames.map((name) => headers[name]),
  ]
  // As JSON, so that no part can be mistaken for two.
  const text = JSON.stringify(parts.map((part) => part ?? null))
  return createHash('sha256').update(text).update('\n').update(exchange.body).digest('base64url')
}
