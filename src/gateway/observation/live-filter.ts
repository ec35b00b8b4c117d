import type { NewRecord } from '#journal'

/** Which calls a viewer of the live tail wants to see; what is undefined is not asked. */
export type LiveFilter = {
  apiId: string | undefined
  operationId: string | undefined
  partnerId: string | undefined
  applicationId: string | undefined
  /** `2xx` to `5xx` */
  statusClass: string | undefined
  /** a rule, or `any` for every call that the gateway turned away */
  refusedBy: string | undefined
  /** a part of the correlator, whatever its letters' case */
  correlator: string | undefined
  /** only answers that passed although their document does not allow them */
  undocumented: boolean
}

const longest = 256

export function liveFilterOf(query: URLSearchParams): LiveFilter {
  const read = (name: string): string | undefined => {
    const value = query.get(name)
    return value === null || value === '' ? undefined : value.slice(0, longest)
  }
  return {
    apiId: read('apiId'),
    operationId: read('operationId'),
    partnerId: read('partnerId'),
    applicationId: read('applicationId'),
    statusClass: read('statusClass'),
    refusedBy: read('refusedBy'),
    correlator: read('correlator')?.toLowerCase(),
    undocumented: read('undocumented') === 'true',
  }
}

export const isWanted = (filter: LiveFilter, record: NewRecord): boolean =>
  (filter.apiId === undefined || filter.apiId === record.apiId) &&
  (filter.operationId === undefined || filter.operationId === record.operationId) &&
  (filter.partnerId === undefined || filter.partnerId === record.partnerId) &&
  (filter.applicationId === undefined || filter.applicationId === record.applicationId) &&
  (filter.statusClass === undefined ||
    filter.statusClass === `${Math.floor(record.status / 100)}xx`) &&
  (filter.refusedBy === undefined ||
    (filter.refusedBy === 'any'
      ? record.refusedBy !== undefined
      : filter.refusedBy === record.refusedBy)) &&
  (!filter.undocumented || record.undocumented === true) &&
  (filter.correlator === undefined || record.correlator.toLowerCase().includes(filter.correlator))
