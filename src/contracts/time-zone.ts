/**
 * Whether this is the name of a time zone of the IANA database. Offsets such as `+02:00` are not: they do not follow
 * summer time, so a month would end at another moment than the contract means.
 * @public
 */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
