import type { EvidenceItem, EvidenceSearch } from '#audit/schema'

export type EnteredSearch = {
  environment: string
  phoneNumber: string
  id: string
  apiId: string
  purpose: string
  basis: string | null
  /** as `datetime-local` has it, in the time of the reader */
  from: string
  to: string
  of: string | null
}

export const nothingEntered: EnteredSearch = {
  ...{ environment: 'any', phoneNumber: '', id: '', apiId: '', purpose: '', basis: null },
  ...{ from: '', to: '', of: null },
}

export const sortNames = [
  { value: 'exchange', label: 'Calls' },
  { value: 'event', label: 'Consents and erasures' },
  { value: 'action', label: 'Actions' },
] as const

export const basisNames = ['consent', 'legitimate-interest', 'contract'] as const

/** What was entered, as it is asked for. A number needs an environment: the one of people, unless said otherwise. */
export function evidenceSearch(entered: EnteredSearch): EvidenceSearch {
  const phoneNumber = entered.phoneNumber.replaceAll(/[\s().\-/\u00a0\u202f]/g, '')
  const { apiId, purpose, id } = trimmed(entered)
  const sort = sortNames.find(({ value }) => value === entered.of)?.value
  const basis = basisNames.find((one) => one === entered.basis)
  return {
    ...environmentOf(entered.environment, phoneNumber !== ''),
    ...(phoneNumber !== '' && { phoneNumber }),
    ...(id !== '' && (id.startsWith('app_') ? { applicationId: id } : { partnerId: id })),
    ...(apiId !== '' && { apiId }),
    ...(purpose !== '' && { purpose: purpose.includes(':') ? purpose : `dpv:${purpose}` }),
    ...(basis !== undefined && { basis }),
    ...(sort !== undefined && { of: [sort] }),
    ...(entered.from !== '' && { from: new Date(entered.from).toISOString() }),
    ...(entered.to !== '' && { to: new Date(entered.to).toISOString() }),
  }
}

const trimmed = ({ apiId, purpose, id }: EnteredSearch) => ({
  apiId: apiId.trim(),
  purpose: purpose.trim(),
  id: id.trim(),
})

function environmentOf(
  entered: string,
  isNeeded: boolean,
): { environment?: 'sandbox' | 'production' } {
  if (entered === 'sandbox' || entered === 'production') return { environment: entered }
  return isNeeded ? { environment: 'production' } : {}
}

/** The page that answers why. */
export const whyPath = ({ sort, id, position }: EvidenceItem): string =>
  sort === 'exchange'
    ? `/console/evidence/exchanges/${encodeURIComponent(id)}`
    : `/console/evidence/leaves/${position}`
