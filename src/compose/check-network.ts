import { tryNumberLookup } from '#authorization'
import type { Config } from '#platform/config'
import type { Finding } from './finding.ts'

/** How production knows subscribers by their network, and whether the operator's service answers as agreed. */
export async function checkNetwork({ network }: Pick<Config, 'network'>): Promise<Finding[]> {
  const { enrichment, lookup } = network
  if (enrichment === undefined && lookup === undefined)
    return [
      {
        level: 'note',
        what: 'production knows no subscriber by the network: codes are given to nobody there',
        how: 'docs/guides/network-authentication.md tells how to connect it',
      },
    ]
  const findings: Finding[] = []
  if (enrichment !== undefined)
    findings.push({
      level: 'ok',
      what: `the number of a subscriber is read from ${enrichment.header}, from ${enrichment.networks.join(', ')}`,
    })
  if (lookup !== undefined) {
    const fault = await tryNumberLookup(lookup)
    findings.push(
      fault === undefined
        ? { level: 'ok', what: 'the number lookup answers' }
        : {
            level: 'mend',
            what: `the number lookup does not answer as agreed: ${fault}`,
            how: 'check WAYLEAVE_NUMBER_LOOKUP_URL and its secret or certificate; an address of nobody is 404',
          },
    )
  }
  return findings
}
