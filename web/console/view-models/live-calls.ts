import type { Exchange } from '#metering/schema'
import type { LiveCall, LiveSource } from '#monitoring/schema'

/** What may be filtered, each in the address of the page. */
export const filterNames = [
  'environment',
  'partnerId',
  'applicationId',
  'apiId',
  'operationId',
  'statusClass',
  'refusedBy',
  'correlator',
  'undocumented',
] as const
export type FilterName = (typeof filterNames)[number]
export type Filter = Partial<Record<FilterName, string>>

export const statusClasses = ['2xx', '3xx', '4xx', '5xx'] as const

/** The rules of a gateway that may refuse, in their order. */
export const refusingRules = [
  'correlate',
  'check-framing',
  'trust-proxy',
  'accept-host',
  'shed',
  'answer-preflight',
  'route',
  'authenticate',
  'bind',
  'authorise',
  'require-journal',
  'limit-rate',
  'validate-parameters',
  'read-body',
  'validate-body',
  'identify-subject',
  'require-consent',
  'idempotency',
  'limit-quota',
  'isolate-resource',
  'settle-resource',
  'mask',
  'upstream',
  'journal',
  'client',
] as const

export function filterOf(search: URLSearchParams): Filter {
  const filter: Filter = {}
  for (const name of filterNames) {
    const value = search.get(name)
    if (value !== null && value !== '') filter[name] = value
  }
  return filter
}

/** A call in the list, whether it was read from the record or came just now. */
export type Row = {
  id: string
  atMs: number
  environment: 'sandbox' | 'production'
  partnerId: string | undefined
  applicationId: string | undefined
  apiId: string | undefined
  operationId: string | undefined
  method: string
  status: number
  code: string | undefined
  refusedBy: string | undefined
  undocumented: boolean
  totalMs: number
  correlator: string
}

const rowFrom = (call: LiveCall | Exchange, atMs: number): Row => ({
  id: call.id,
  atMs,
  environment: call.environment,
  partnerId: call.partnerId,
  applicationId: call.applicationId,
  apiId: call.apiId,
  operationId: call.operationId,
  method: call.method,
  status: call.status,
  code: call.code,
  refusedBy: call.refusedBy,
  undocumented: call.undocumented === true,
  totalMs: call.totalMs,
  correlator: call.correlator,
})

export const rowOfLive = (call: LiveCall): Row => rowFrom(call, call.at)
export const rowOfRecord = (exchange: Exchange): Row => rowFrom(exchange, Date.parse(exchange.at))

/** The record can be asked for less than the stream; the rest is looked at here. */
export function isWanted(filter: Filter, row: Row): boolean {
  const { statusClass, refusedBy, correlator, operationId } = filter
  if (filter.undocumented === 'true' && !row.undocumented) return false
  if (statusClass !== undefined && statusClass !== `${Math.floor(row.status / 100)}xx`) return false
  if (operationId !== undefined && operationId !== row.operationId) return false
  if (refusedBy === 'any' ? row.refusedBy === undefined : isOther(refusedBy, row.refusedBy))
    return false
  return correlator === undefined || row.correlator.toLowerCase().includes(correlator.toLowerCase())
}

const isOther = (wanted: string | undefined, value: string | undefined): boolean =>
  wanted !== undefined && wanted !== value

export const mostRows = 200

/** Newest first, each call once, no more than a page can hold. */
export function merged(shown: readonly Row[], arrived: readonly Row[]): Row[] {
  const known = new Set(shown.map(({ id }) => id))
  const fresh: Row[] = []
  for (const row of arrived) {
    if (known.has(row.id)) continue
    known.add(row.id)
    fresh.push(row)
  }
  if (fresh.length === 0) return [...shown]
  return [...shown, ...fresh]
    .sort((a, b) => b.atMs - a.atMs || (a.id < b.id ? 1 : -1))
    .slice(0, mostRows)
}

/** How the list is kept, in words. */
export function stateText(options: {
  open: boolean
  paused: boolean
  waiting: number
  sources: readonly LiveSource[]
}): string {
  const { open, paused, waiting, sources } = options
  if (paused) return `Paused, ${waiting === 0 ? 'nothing new' : `${waiting} new`}`
  if (!open) return 'Connecting'
  const reached = sources.filter(({ state }) => state === 'connected').length
  if (sources.length === 0) return 'No gateway runs'
  const gateways = `${sources.length} ${sources.length === 1 ? 'gateway' : 'gateways'}`
  return reached === sources.length
    ? `Live from ${gateways}`
    : `Live from ${reached} of ${gateways}`
}
