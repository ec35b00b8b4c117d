import type { Sealing } from '#platform/sealing'

/** The cookie of the sandbox that says whose virtual handset a browser is. */
export const handsetCookie = 'wayleave_handset'
/** A sandbox session is put aside after a day: nobody stands behind it who could be asked again. */
export const handsetSessionSeconds = 86_400

export type HandsetSession = {
  /** a number of the sandbox, `+990…` */
  phoneNumber: string
  expiresAt: Date
}

const context = 'virtual-handset'

/** Numbers of the sandbox belong to nobody: the country code 990 is not assigned. */
export const isSandboxNumber = (text: string): boolean => /^\+990[0-9]{2,12}$/.test(text)

/**
 * The value of the cookie. It is sealed, so that a number stands in no browser and nobody can write one.
 * @throws TypeError for a number that is not one of the sandbox
 */
export function sealHandsetSession(sealing: Sealing, session: HandsetSession): string {
  if (!isSandboxNumber(session.phoneNumber))
    throw new TypeError('a virtual handset has a number of the sandbox')
  const { phoneNumber, expiresAt } = session
  return sealing.seal(JSON.stringify([phoneNumber, expiresAt.getTime()]), context)
}

/** @returns undefined for a value that we did not make, and for one whose time is over */
export function openHandsetSession(
  sealing: Sealing,
  value: string | undefined,
  now: Date,
): HandsetSession | undefined {
  if (value === undefined || value === '' || value.length > 1_024) return undefined
  try {
    const opened: unknown = JSON.parse(sealing.open(value, context))
    if (!Array.isArray(opened)) return undefined
    const [phoneNumber, expires]: unknown[] = opened
    if (typeof phoneNumber !== 'string' || typeof expires !== 'number') return undefined
    if (!isSandboxNumber(phoneNumber) || expires <= now.getTime()) return undefined
    return { phoneNumber, expiresAt: new Date(expires) }
  } catch {
    return undefined
  }
}
