import type { ColumnType } from 'kysely'
import type { Environment } from '#platform/config'
import type { Limits } from './limits.ts'
import type { ContractMask } from './schema.ts'

/** `numeric`: a decimal string on both sides. */
type Decimal = string

export type PlanRow = {
  id: string
  name: string
  tier: 'free' | 'paid' | 'enterprise'
  position: number
  self_service: boolean
  limits: Record<Environment, Limits>
  sla: {
    availability: string
    latencyMs: number
    support: string
    credits: { below: string; percent: number }[]
    maintenance: { hoursPerMonth?: number; noticeHours: number }
  }
}

export type PriceRow = {
  id: string
  plan_id: string
  api_id: string
  unit: Decimal
  list: Decimal
  currency: string
  effective_from: Date
}

export type AgreementRow = {
  id: string
  name: string
  version: number
  text: string
  sha256: string
  effective_from: Date
}

export type AcceptanceRow = {
  agreement_id: string
  partner_id: string
  member_id: string
  member_name: string
  sha256: string
  ip: string
  user_agent: string
  accepted_at: Date
}

export type ContractState = 'active' | 'suspended' | 'ended'

export type ContractRow = {
  id: string
  partner_id: string
  environment: Environment
  plan_id: string
  agreement_id: string | null
  state: ContractState
  suspended_reason: string | null
  suspended_at: Date | null
  time_zone: string
  starts_at: Date
  ended_at: Date | null
  /** null: those of the plan */
  limits: Limits | null
  masks: ContractMask[]
}

export type SubscriptionRow = {
  id: string
  contract_id: string
  partner_id: string
  application_id: string
  environment: Environment
  api_id: string
  state: ContractState
  created_at: Date
  ended_at: Date | null
}

export type QuotaWarningRow = {
  contract_id: string
  period: string
  percent: number
  quota: number
  at: Date
}

export type ContractTables = {
  'contracts.plan': PlanRow
  'contracts.price': PriceRow
  'contracts.price_in_force': { plan_id: string; api_id: string; price_id: string }
  'contracts.published_api': { api_id: string; scopes: string[]; plans: string[] }
  'contracts.agreement': AgreementRow
  'contracts.acceptance': AcceptanceRow
  'contracts.contract': Omit<ContractRow, 'limits' | 'masks'> & {
    limits: ColumnType<Limits | null, undefined, string | null>
    masks: ColumnType<ContractMask[], undefined, string>
  }
  'contracts.contract_plan': { contract_id: string; from_at: Date; plan_id: string }
  'contracts.subscription': SubscriptionRow
  'contracts.quota_warning': QuotaWarningRow
}
