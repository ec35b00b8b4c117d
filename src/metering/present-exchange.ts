import type { Actor } from '#audit'
import type { StoredExchange, StoredExchangeDetail } from './exchange-store.ts'
import { explainFailure } from './explain-failure.ts'
import type { Exchange, ExchangeDetail, Failure } from './schema.ts'

/** What a page says of an API, and whom to ask about it. @public */
export type DescribeApi = (
  apiId: string,
) => Promise<{ title: string; owner: { team: string; contact: string } } | undefined>

const isInside = (reader: Actor['kind']): boolean => reader === 'operator' || reader === 'system'

const milliseconds = (us: number): number => us / 1000

/** An exchange as its reader may see it: what is inside the operator is for operators. */
export function exchangeOf(row: StoredExchange, reader: Actor['kind']): Exchange {
  return {
    id: row.id,
    correlator: row.correlator,
    at: row.at.toISOString(),
    environment: row.environment,
    ...(row.partner_id !== '' && { partnerId: row.partner_id }),
    ...(row.application_id !== '' && { applicationId: row.application_id }),
    ...(row.contract_id !== '' && { contractId: row.contract_id }),
    ...(row.api_id !== '' && { apiId: row.api_id }),
    ...(row.operation_id !== '' && { operationId: row.operation_id }),
    method: row.method,
    status: row.status,
    ...(row.code !== null && { code: row.code }),
    ...(row.refused_by !== null && { refusedBy: row.refused_by }),
    ...(row.upstream_status !== null && { upstreamStatus: row.upstream_status }),
    totalMs: milliseconds(row.total_us),
    ...(row.upstream_us !== null && { upstreamMs: milliseconds(row.upstream_us) }),
    units: row.units,
    ...(row.price_id !== '' && { priceId: row.price_id }),
    ...(row.unit_price !== null && { unitPrice: row.unit_price }),
    ...(row.currency !== null && { currency: row.currency }),
    requestBytes: row.request_bytes,
    responseBytes: row.response_bytes,
    ...(row.tier !== null && { tier: row.tier }),
    ...(row.credential !== null && { credential: row.credential }),
    ...(row.credential_id !== '' && { credentialId: row.credential_id }),
    ...(row.bound !== null && { bound: row.bound }),
    ...(row.trace_id !== null && { traceId: row.trace_id }),
    ...(row.idempotency !== null && { idempotency: row.idempotency }),
    ...(row.masked !== null && { masked: row.masked }),
    ...(row.legal !== null && { legal: row.legal }),
    ...(isInside(reader) && insideOf(row)),
  }
}

const insideOf = (row: StoredExchange): Partial<Exchange> => ({
  ...(row.upstream !== null && { upstream: row.upstream }),
  ...(row.reason !== null && { reason: row.reason }),
  ...(row.subject !== null && { subject: row.subject }),
  ...(row.stripped !== null && { stripped: row.stripped }),
  ...(row.undocumented !== null && { undocumented: row.undocumented }),
})

const withoutCause = ({ cause: _, ...failure }: Failure): Failure => failure

/** One exchange with who answers for what became of it. */
export async function detailOf(
  row: StoredExchangeDetail,
  reader: Actor['kind'],
  options: { describeApi: DescribeApi; traceUrl: string | undefined },
): Promise<ExchangeDetail> {
  const inside = isInside(reader)
  const api = row.api_id === '' ? undefined : await options.describeApi(row.api_id)
  const failure = explainFailure(row)
  const contact = inside && api !== undefined ? { contact: api.owner.contact } : {}
  const { traceUrl } = options
  return {
    ...exchangeOf(row, reader),
    countedAt: row.counted_at.toISOString(),
    ...(api !== undefined && { api: { title: api.title, team: api.owner.team, ...contact } }),
    ...(failure !== undefined && {
      failure: {
        ...(inside ? failure : withoutCause(failure)),
        ...(failure.owner === 'upstream' && api !== undefined
          ? { team: api.owner.team, ...contact }
          : {}),
      },
    }),
    ...(inside && {
      gatewayId: row.gateway_id,
      ...(row.trace_id !== null && traceUrl !== undefined
        ? { traceUrl: traceUrl.replace('{traceId}', row.trace_id) }
        : {}),
    }),
  }
}
