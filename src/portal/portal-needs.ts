import type { Catalog } from '#catalog'
import type { Contracts } from '#contracts'
import type { PartnerDirectory } from '#partners'
import type { TestNumber } from './schema.ts'

/** What the pages ask of the modules before this one: questions only. @public */
export type PortalNeeds = {
  catalog: Pick<Catalog, 'list' | 'get'>
  contracts: Pick<Contracts, 'plans'>
  partners: Pick<
    PartnerDirectory,
    'getApplication' | 'applicationsOf' | 'explorerAssertion' | 'guestApplication'
  >
  /** the documented numbers of the simulated operator, people first */
  sandbox: { subscribers(): readonly TestNumber[] }
}
