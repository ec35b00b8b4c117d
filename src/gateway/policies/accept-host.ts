import { AcceptedHosts } from '../edge/accepted-hosts.ts'
import type { ArrivalPolicy } from '../gateway-context.ts'
import { refuse } from '../refusal.ts'

/**
 * Only hosts that are this gateway's are served (RFC 9110 section 7.4). Behind a trusted proxy that says how it was
 * reached, that is the host; what it calls the gateway itself is between the two.
 * @public
 */
export const acceptHost: ArrivalPolicy = ({ hosts, binding }) => {
  const accepted = new AcceptedHosts(hosts)
  return {
    name: 'accept-host',
    apply({ request }) {
      const host = binding.proxies.reachedAs(request)?.host ?? request.headers.host ?? ''
      if (accepted.accepts(host, request.socket)) return undefined
      return {
        ...refuse(
          'INVALID_ARGUMENT',
          'This gateway does not answer for the host that was asked. Its operator says for which it does: in the public addresses of the gateways (WAYLEAVE_GATEWAY_…_URL), and further ones in WAYLEAVE_GATEWAY_HOSTS.',
        ),
        status: 421,
      }
    },
  }
}
