import type { Erasure } from '#audit/schema'

const states: Readonly<Record<Erasure['state'], string>> = {
  asked: 'waits for a second person',
  done: 'erased',
  cancelled: 'taken back',
  expired: 'not confirmed in time',
}

export const stateText = ({ state }: Pick<Erasure, 'state'>): string => states[state]

/** What an erasure found; empty while it was not done. */
export function erasedRows({ erased }: Pick<Erasure, 'erased'>): string {
  if (erased === undefined) return ''
  const rows = Object.values(erased).reduce((sum, count) => sum + count, 0)
  if (rows === 0) return 'nothing was known of them'
  return rows === 1 ? '1 record' : `${rows} records`
}
