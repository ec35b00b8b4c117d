import type { ConsentState } from './face.ts'

/**
 * The life of a consent. What ended stays ended: a new question, a new permission and a new objection are new records.
 * A question can be answered before it is known to have reached its subscriber: a sign-in brings them to it.
 */
export const transitions: Readonly<Record<ConsentState | 'none', readonly ConsentState[]>> = {
  none: ['PENDING', 'GRANTED', 'OBJECTED'],
  PENDING: ['REQUESTED', 'GRANTED', 'DENIED', 'EXPIRED'],
  REQUESTED: ['GRANTED', 'DENIED', 'EXPIRED'],
  GRANTED: ['WITHDRAWN', 'EXPIRED'],
  // An objection is lifted by withdrawing it.
  OBJECTED: ['WITHDRAWN', 'EXPIRED'],
  DENIED: [],
  WITHDRAWN: [],
  EXPIRED: [],
}

/** At most one of each key is in one of these (a unique index says so, too). */
export const living: readonly ConsentState[] = ['PENDING', 'REQUESTED', 'GRANTED', 'OBJECTED']

export const mayBecome = (from: ConsentState | 'none', to: ConsentState): boolean =>
  transitions[from].includes(to)
