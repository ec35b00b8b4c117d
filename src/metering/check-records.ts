import type { JournalRecord } from '#journal'

/** Records of longer ago would fall on days whose raw records are gone: nobody could verify them. */
export const retentionDays = 90

const aheadMs = 5 * 60_000
const retentionMs = retentionDays * 86_400_000

type Check = (record: JournalRecord) => boolean

// NUL and half a pair of surrogates are what PostgreSQL cannot store; two that differ by such a half would become one.
const text = (value: unknown, longest: number): boolean =>
  typeof value === 'string' &&
  value.length <= longest &&
  !value.includes('\u0000') &&
  value.isWellFormed()
const optionalText = (value: unknown, longest: number): boolean =>
  value === undefined || text(value, longest)
const within = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most
const wholeWithin = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && within(value, least, most)
const optionalTexts = (value: unknown, longest: number): boolean =>
  value === undefined ||
  (Array.isArray(value) && value.length <= 50 && value.every((one) => text(one, longest)))

const isLegal = (legal: NonNullable<JournalRecord['legal']>): boolean =>
  typeof legal === 'object' &&
  legal !== null &&
  text(legal.basis, 32) &&
  optionalText(legal.purpose, 128) &&
  optionalText(legal.grant, 64) &&
  optionalTexts(legal.scopes, 160) &&
  optionalTexts(legal.consents, 64)

const hourMs = 3_600_000
const tebibyte = 2 ** 40

const checks: Readonly<Record<string, Check>> = {
  id: (r) => text(r.id, 64) && r.id !== '',
  correlator: (r) => text(r.correlator, 256),
  partnerId: (r) => optionalText(r.partnerId, 64),
  applicationId: (r) => optionalText(r.applicationId, 64),
  credentialId: (r) => optionalText(r.credentialId, 64),
  contractId: (r) => optionalText(r.contractId, 64),
  apiId: (r) => optionalText(r.apiId, 160),
  operationId: (r) => optionalText(r.operationId, 160),
  method: (r) => text(r.method, 32),
  status: (r) => wholeWithin(r.status, 100, 999),
  code: (r) => optionalText(r.code, 160),
  refusedBy: (r) => optionalText(r.refusedBy, 64),
  upstreamStatus: (r) => r.upstreamStatus === undefined || wholeWithin(r.upstreamStatus, 100, 999),
  totalMs: (r) => within(r.totalMs, 0, 24 * hourMs),
  upstreamMs: (r) => r.upstreamMs === undefined || within(r.upstreamMs, 0, 24 * hourMs),
  requestBytes: (r) => wholeWithin(r.requestBytes, 0, tebibyte),
  responseBytes: (r) => wholeWithin(r.responseBytes, 0, tebibyte),
  upstream: (r) => optionalText(r.upstream, 160),
  tier: (r) => optionalText(r.tier, 32),
  credential: (r) => optionalText(r.credential, 32),
  bound: (r) => optionalText(r.bound, 32),
  traceId: (r) => optionalText(r.traceId, 32),
  reason: (r) => optionalText(r.reason, 160),
  subject: (r) => optionalText(r.subject, 64),
  tokenId: (r) => optionalText(r.tokenId, 128),
  rules: (r) => r.rules === undefined || wholeWithin(r.rules, 0, 2 ** 31 - 1),
  legal: (r) => r.legal === undefined || isLegal(r.legal),
  idempotency: (r) => optionalText(r.idempotency, 32),
  masked: (r) =>
    r.masked === undefined ||
    (Array.isArray(r.masked) && r.masked.length <= 200 && r.masked.every((f) => text(f, 256))),
  stripped: (r) => r.stripped === undefined || typeof r.stripped === 'boolean',
  undocumented: (r) => r.undocumented === undefined || typeof r.undocumented === 'boolean',
  units: (r) => wholeWithin(r.units, 0, 1),
  priceId: (r) => optionalText(r.priceId, 64),
}
const fields = Object.entries(checks)

/**
 * What is wrong with the records of a segment, or undefined. One bad record keeps the whole segment out: a part of a
 * segment is never counted.
 */
export function faultOf(records: readonly JournalRecord[], now: number): string | undefined {
  for (const record of records) {
    for (const [name, sound] of fields) {
      if (!sound(record)) return `record ${record.index}: ${name} is not what it should be`
    }
    if (record.at > now + aheadMs) {
      return `record ${record.index} lies ${Math.round((record.at - now) / 1000)} s in the future: the gateway's clock is wrong`
    }
    if (record.at < now - retentionMs)
      return `record ${record.index} is older than the ${retentionDays} days that are kept`
  }
  return undefined
}
