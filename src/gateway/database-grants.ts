import { type ModuleGrants, read } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    // A gateway has no table: it asks by functions that know its environment.
    idempotent_request: {},
    limit_member: {},
    limit_slot: {},
    limit_state: {},
    limit_window: {},
    member: { control: read },
    proof_use: {},
    quota_use: {},
    quota_warning: { control: ['select', 'update'] },
    resource_owner: { control: ['select', 'delete', 'update'] },
  },
  functions: {
    announce_production: ['gateway_production'],
    announce_sandbox: ['gateway_sandbox'],
    begin_production_request: ['gateway_production'],
    begin_sandbox_request: ['gateway_sandbox'],
    claim_production_proofs: ['gateway_production'],
    claim_sandbox_proofs: ['gateway_sandbox'],
    count_production_members: ['gateway_production'],
    count_sandbox_members: ['gateway_sandbox'],
    count_production_resources: ['gateway_production'],
    count_sandbox_resources: ['gateway_sandbox'],
    end_production_resource: ['gateway_production'],
    end_sandbox_resource: ['gateway_sandbox'],
    find_production_owners: ['gateway_production'],
    find_sandbox_owners: ['gateway_sandbox'],
    limit_production: ['gateway_production'],
    limit_sandbox: ['gateway_sandbox'],
    own_production_resource: ['gateway_production'],
    own_sandbox_resource: ['gateway_sandbox'],
    settle_production_request: ['gateway_production'],
    settle_sandbox_request: ['gateway_sandbox'],
    sweep_production_requests: ['gateway_production'],
    sweep_sandbox_requests: ['gateway_sandbox'],
    take_production_quota: ['gateway_production'],
    take_sandbox_quota: ['gateway_sandbox'],
  },
}
