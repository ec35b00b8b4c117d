import type { ArrivalPolicy } from '../gateway-context.ts'
import { refuse } from '../refusal.ts'

/**
 * What a trusted proxy says of its client must be well-formed, because the rest relies on it: one Client-Cert with one
 * certificate (RFC 9440), and a host that is not the other environment's. The same fields from anybody else are ignored, and
 * go nowhere. Without trusted proxies there is nothing to do.
 * @public
 */
export const trustProxy: ArrivalPolicy = ({ binding, foreignHosts }) => {
  const { proxies, peers } = binding
  if (proxies.none) return undefined
  return {
    name: 'trust-proxy',
    apply({ request }) {
      if (!proxies.trusts(request)) return undefined
      const { 'client-cert': certificate, 'client-cert-chain': chain } = request.headers
      const malformed =
        certificate === undefined
          ? chain !== undefined
          : peers.passedOn(String(certificate), chain) === undefined
      if (malformed)
        return refuse('INVALID_ARGUMENT', 'The Client-Cert fields of the proxy cannot be read.')
      const host = proxies.reachedAs(request)?.host
      return host !== undefined && foreignHosts.has(host)
        ? refuse('NOT_FOUND', 'This host belongs to the other environment.')
        : undefined
    },
  }
}
