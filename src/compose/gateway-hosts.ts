import { hostname } from 'node:os'
import type { HostNames } from '#gateway'
import type { Config, Environment } from '#platform/config'

const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/**
 * The hosts that a gateway answers for: those of its public addresses, and whatever the operator adds. Where no public
 * address is set, it is found by the machine's name and addresses too, as on the day on which it is installed.
 */
export function gatewayHosts(
  { gateways, gatewayHosts: more }: Pick<Config, 'gateways' | 'gatewayHosts'>,
  environment: Environment,
): HostNames {
  const { url, tlsUrl } = gateways[environment]
  const known = [url, tlsUrl].map((one) => new URL(one).hostname)
  const unset = known.every((name) => loopback.test(name))
  return { names: [...known, ...(unset ? [hostname()] : []), ...more], ownAddresses: unset }
}
