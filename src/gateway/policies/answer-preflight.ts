import { isCanonicalPath } from '../edge/canonical-path.ts'
import type { ArrivalPolicy, Target } from '../gateway-context.ts'
import { refuse } from '../refusal.ts'
import { isParameter } from './validate-parameters.ts'

/** What callers send besides the header parameters of an operation. */
const ownFields = [
  'authorization',
  'content-type',
  'x-correlator',
  'idempotency-key',
  'dpop',
  'x-api-key',
]

/**
 * Answers a browser that asks whether a page may call (Fetch standard, section 4.8), for APIs whose product names
 * origins. It carries no credential, and asks for none. For every other API, OPTIONS is a method that it does not have.
 * Which pages may read an answer is told on every answer, where it is written.
 * @public
 */
export const answerPreflight: ArrivalPolicy = (context) => ({
  name: 'answer-preflight',
  apply(exchange) {
    const { method, headers } = exchange.request
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined)
      return undefined
    const { origin } = headers
    const allowed = origin === undefined ? undefined : context.crossOrigins.at(exchange.path)
    if (origin === undefined || allowed === undefined) return undefined
    const targets = isCanonicalPath(exchange.path) ? context.router.at(exchange.path) : undefined
    if (targets === undefined) return undefined
    if (!allowed.origins.has(origin))
      return refuse('PERMISSION_DENIED', 'Pages of this origin may not call this API.')
    exchange.status = 204
    exchange.responseHeaders = [
      ...['vary', 'Access-Control-Request-Method, Access-Control-Request-Headers'],
      ...['access-control-allow-methods', [...targets.keys()].sort().join(', ')],
      ...['access-control-allow-headers', fieldsOf([...targets.values()]).join(', ')],
      ...['access-control-max-age', String(allowed.maxAgeSeconds)],
    ]
    // No further rule: this is the answer.
    exchange.position = exchange.chain.length
    return undefined
  },
})

function fieldsOf(targets: readonly Target[]): string[] {
  const documented = targets.flatMap(({ operation }) =>
    operation.documented.parameters
      .filter((parameter) => parameter.in === 'header' && isParameter(parameter))
      .map(({ name }) => name.toLowerCase()),
  )
  return [...new Set([...ownFields, ...documented])]
}
