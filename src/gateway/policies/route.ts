import { isCanonicalPath } from '../edge/canonical-path.ts'
import { parseQuery } from '../edge/query-string.ts'
import type { Exchange } from '../exchange.ts'
import type { ArrivalPolicy, GatewayContext } from '../gateway-context.ts'
import { type Refusal, refuse } from '../refusal.ts'

/**
 * Finds the operation, and hands the exchange to that operation's own chain of rules.
 * @public
 */
export const route: ArrivalPolicy = (context) => ({
  name: 'route',
  apply(exchange) {
    if (!isCanonicalPath(exchange.path))
      return refuse('INVALID_ARGUMENT', 'The path is ambiguous: send it in its plain form.')
    if (exchange.query !== '') {
      const parts = parseQuery(exchange.query)
      if (parts === undefined) return refuse('INVALID_ARGUMENT', 'The query string cannot be read.')
      exchange.queryParts = parts
    }
    const method = exchange.request.method ?? ''
    const matched = context.router.match(method, exchange.path)
    switch (matched.kind) {
      case 'found':
        exchange.operation = matched.target.operation
        exchange.parameters = matched.parameters
        exchange.chain = matched.target.chain
        exchange.position = 0
        return undefined
      case 'method': {
        const ended = endOf(context, exchange)
        if (ended !== undefined) return ended
        return refuse('METHOD_NOT_ALLOWED', `This address answers ${matched.allow.join(', ')}.`, {
          headers: ['allow', matched.allow.join(', ')],
        })
      }
      case 'gone':
      case 'none':
        return (
          endOf(context, exchange) ?? refuse('NOT_FOUND', 'There is no operation at this address.')
        )
    }
  },
})

/** A version that has ended says so where no operation answers, too. */
function endOf(context: GatewayContext, { path }: Exchange): Refusal | undefined {
  const notice = context.versions.at(path)
  return notice === undefined || context.nowMs() < notice.endsAtMs ? undefined : notice.gone
}
