/** Where evidence stands in a list, newest first. */
export type Place = { at: Date; id: string }

/** Text is compared by its bytes, as the database does it. */
export const newestFirst = (a: Place, b: Place): number =>
  b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
