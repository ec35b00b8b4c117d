/**
 * Which module may use which. Read top to bottom: a module may only name modules above it.
 * `platform` is below everything and names no domain. `compose/` and `main.ts` are the only wiring.
 */
export const modules: Record<string, readonly string[]> = {
  audit: [],
  identity: ['audit'],
  catalog: ['audit', 'identity'],
  partners: ['audit', 'identity', 'catalog'],
  contracts: ['audit', 'identity', 'catalog', 'partners'],
  authorization: ['audit', 'partners', 'contracts'],
  snapshot: ['catalog', 'partners', 'contracts', 'authorization'],
  journal: [],
  metering: ['audit', 'identity', 'partners', 'contracts', 'journal'],
  gateway: ['snapshot', 'journal'],
  sandbox: ['identity', 'partners', 'snapshot'],
  portal: ['identity', 'catalog', 'partners', 'contracts', 'metering', 'sandbox'],
  cli: [],
}

/** Whose migrations a database gets, in this order: the outbox comes before what writes to it. */
export const migrated: readonly string[] = ['platform', ...Object.keys(modules)]
