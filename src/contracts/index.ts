export { type ContractTerms, contractTerms } from './contract-terms.ts'
export { type Contracts, createContracts, type Price } from './create-contracts.ts'
export type { Quota, RateLimit, Spike } from './limits.ts'
export type { ContractNeeds, PublishedApi } from './needs.ts'
export type { ProductionRequirement } from './production-requirements.ts'
export type { ContractMask, Plan } from './schema.ts'
export { createScopeSource, type ScopeSource } from './scope-source.ts'
export type {
  ContractSnapshot,
  PlanSnapshot,
  SubscriptionSnapshot,
} from './snapshot-entries.ts'
export { isTimeZone } from './time-zone.ts'
