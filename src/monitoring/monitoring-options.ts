import type { Member } from '#gateway'
import type { Environment } from '#platform/config'
import type { Sealing } from '#platform/sealing'

/** @public */
export type MonitoringOptions = {
  /** from which the tokens come that gateways ask for */
  sealing: Pick<Sealing, 'child'>
  members: () => Promise<Member[]>
  /** the revision that the control side has published, by environment */
  heads: () => Promise<readonly { environment: Environment; revision: number }[]>
}
