import type { ApiHead } from '#portal/schema'

/** What a reader of an API version must know of its end. */
export type RetirementView = {
  tone: 'warn' | 'bad'
  title: string
  text: string
  successor: { id: string; href: string } | undefined
}

/** Dates are of UTC, as the gateways' fields have them: a page is the same for every reader. */
const dayOf = (iso: string): string =>
  new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  }).format(new Date(iso))

const minuteOf = (iso: string): string => `${dayOf(iso)}, ${iso.slice(11, 16)} UTC`

/** @returns undefined for a version that goes on */
export function retirementOf(
  api: Pick<ApiHead, 'id' | 'lifecycle' | 'retirement'>,
): RetirementView | undefined {
  const { deprecatedAt, sunsetAt, successor: next } = api.retirement ?? {}
  const successor = next === undefined ? undefined : { id: next, href: `/apis/${next}` }
  if (api.lifecycle === 'retired')
    return {
      tone: 'bad',
      title: 'This version was retired',
      text:
        sunsetAt === undefined
          ? 'The gateways answer every call of it with 410 GONE.'
          : `Since ${minuteOf(sunsetAt)} the gateways answer every call of it with 410 GONE.`,
      successor,
    }
  const isDeprecated = api.lifecycle === 'deprecated'
  if (!isDeprecated && deprecatedAt === undefined && sunsetAt === undefined) return undefined
  const began =
    deprecatedAt === undefined || isDeprecated
      ? ''
      : `It will be deprecated on ${dayOf(deprecatedAt)}. `
  const ends =
    sunsetAt === undefined
      ? 'No date is set for its end.'
      : `It answers until ${minuteOf(sunsetAt)}; from then on every call gets 410 GONE.`
  return {
    tone: 'warn',
    title: isDeprecated ? 'This version is deprecated' : 'This version comes to its end',
    text: `${began}${ends}`,
    successor,
  }
}
