import type { ConsentSearch } from '#consent/schema'

export const stateNames = [
  'PENDING',
  'REQUESTED',
  'GRANTED',
  'DENIED',
  'WITHDRAWN',
  'EXPIRED',
  'OBJECTED',
] as const satisfies readonly ConsentSearch['state'][]

/** What was entered, as it is asked for: a number as people write it, and one field for two kinds of ids. */
export function consentSearch(entered: {
  environment: 'production' | 'sandbox'
  phoneNumber: string
  id: string
  state: string | null
}): ConsentSearch {
  const phoneNumber = entered.phoneNumber.replaceAll(/[\s().\-/\u00a0\u202f]/g, '')
  const id = entered.id.trim()
  const state = stateNames.find((name) => name === entered.state)
  return {
    environment: entered.environment,
    ...(phoneNumber !== '' && { phoneNumber }),
    ...(id !== '' && (id.startsWith('app_') ? { applicationId: id } : { partnerId: id })),
    ...(state !== undefined && { state }),
  }
}
