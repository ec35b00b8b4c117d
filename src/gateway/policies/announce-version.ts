import type { OperationPolicy } from '../gateway-context.ts'

/**
 * A version that comes to its end says so with every answer, errors included (RFC 9745, RFC 8594), and answers 410 from
 * its last moment on, by this gateway's clock: no new snapshot is needed for it.
 * @public
 */
export const announceVersion: OperationPolicy = (context, { api }) => {
  const notice = context.versions.at(api.basePath)
  if (notice === undefined) return undefined
  return {
    name: 'announce-version',
    apply(exchange) {
      exchange.announcement = notice.headers
      return context.nowMs() < notice.endsAtMs ? undefined : notice.gone
    },
  }
}
