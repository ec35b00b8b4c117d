/**
 * Which module may use which. Read top to bottom: a module may only name modules above it, and only those that it needs.
 * `platform` is below everything and names no domain. `compose/` and `main.ts` are the only wiring.
 */
export const modules: Record<string, readonly string[]> = {
  audit: [],
  identity: ['audit'],
  validation: [],
  catalog: ['audit', 'validation'],
  partners: ['audit', 'identity'],
  contracts: ['audit'],
  consent: ['audit'],
  authorization: ['audit', 'partners', 'consent'],
  snapshot: ['catalog', 'partners', 'contracts', 'consent'],
  journal: [],
  metering: ['audit', 'contracts', 'journal'],
  gateway: ['snapshot', 'journal', 'validation'],
  monitoring: ['gateway'],
  sandbox: ['partners', 'snapshot'],
  portal: ['catalog', 'partners', 'contracts'],
  cli: [],
}

/** Whose migrations a database gets, in this order: the outbox comes before what writes to it. */
export const migrated: readonly string[] = ['platform', ...Object.keys(modules)]
