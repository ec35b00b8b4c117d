import type { Generated } from 'kysely'
import type { Environment } from '#platform/config'

export type MeterRow = {
  id: Generated<number>
  environment: Environment
  partner_id: string
  application_id: string
  credential_id: string
  contract_id: string
  api_id: string
  operation_id: string
  method: string
  price_id: string
}

export type SegmentRow = {
  id: Generated<number>
  environment: Environment
  gateway_id: string
  boot: string
  sequence: number
  sha256: string
  previous_sha256: string | null
  records: number
  units: number
  duplicates: Generated<number>
  counters: unknown
  recovered: boolean
  sealed_at: Date
  applied_at: Generated<Date>
}

export type ExchangeRow = {
  id: string
  correlator: string
  partner_id: string
  code: string | null
  refused_by: string | null
  at: Date
  segment_id: number
  total_us: number
  upstream_us: number | null
  request_bytes: number
  response_bytes: number
  day: string
  environment: Environment
  meter_id: number
  position: number
  units: number
  status: number
  upstream_status: number | null
  tier: string | null
  credential: string | null
  bound: string | null
  upstream: string | null
  trace_id: string | null
  reason: string | null
  subject: string | null
  idempotency: string | null
  masked: string[] | null
  stripped: boolean | null
  undocumented: boolean | null
  legal: StoredLegal | null
}

/** On what a call about a person rested, as its record said. */
export type StoredLegal = {
  basis: string
  purpose?: string
  scopes?: string[]
  consents?: string[]
  grant?: string
}

export type MeteringTables = {
  'metering.meter': MeterRow
  'metering.segment': SegmentRow
  'metering.segment_day': { segment_id: number; day: string; records: number; units: number }
  'metering.quarantine': {
    id: Generated<number>
    environment: Environment
    gateway_id: string
    boot: string
    sequence: number
    sha256: string
    reason: string
    body: Buffer
    received_at: Generated<Date>
  }
  'metering.duplicate': {
    segment_id: number
    exchange_id: string
    position: number
    day: string
    units: number
  }
  'metering.exchange': ExchangeRow
  'metering.exchange_day': {
    day: string
    created_at: Generated<Date>
    dropped_at: Date | null
  }
  'metering.rollup': {
    meter_id: number
    bucket: Date
    status: number
    calls: number
    units: number
    total_us: number
  }
  'metering.price': { price_id: string; unit: string; list: string; currency: string }
  'metering.watermark': {
    environment: Environment
    gateway_id: string
    through: Date
    seen_at: Date
  }
}
