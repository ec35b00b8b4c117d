import { type ModuleGrants, read, write } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    consent: { control: write },
    entry: { control: write },
    head: { control: write },
    // Written by its function and taken by its trigger, both as the owner.
    revoking: {},
    // A gateway sees its own environment.
    production_entry: { gateway_production: read },
    production_head: { gateway_production: read },
    sandbox_entry: { gateway_sandbox: read, simulator: read },
    sandbox_head: { gateway_sandbox: read, simulator: read },
  },
  functions: {
    find_production_consents: ['gateway_production'],
    find_sandbox_consents: ['gateway_sandbox'],
    // Whoever ends consents, grants and tokens; it can take away only.
    revoke: ['control', 'authorization'],
  },
}
