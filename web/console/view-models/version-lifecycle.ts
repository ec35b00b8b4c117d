import type { ApiSummary } from '#catalog/schema'

/** What an operator may make of a version, as the catalog allows it. */
export type LifecycleMoves = {
  publish: boolean
  deprecate: boolean
  retire: boolean
  /** whether publishing takes an announced end back */
  takesBack: boolean
}

export function movesOf(api: Pick<ApiSummary, 'lifecycle' | 'retirement'>): LifecycleMoves {
  const ends = api.retirement?.sunsetAt !== undefined
  return {
    publish: api.lifecycle !== 'published' || ends,
    deprecate: api.lifecycle !== 'draft',
    retire: api.lifecycle === 'published' || api.lifecycle === 'deprecated',
    takesBack: api.lifecycle === 'deprecated' || (api.lifecycle === 'published' && ends),
  }
}

export const noticeDays = 182

/** `2027-06-30` of a moment, and of the day that is reasonable notice from now on. */
export const dayOf = (iso: string | undefined): string => iso?.slice(0, 10) ?? ''
export const reasonableDay = (now: Date): string =>
  new Date(now.getTime() + (noticeDays + 1) * 86_400_000).toISOString().slice(0, 10)

export type EndForm = { sunset: string; deprecated: string; successor: string }

/** A day means its beginning in UTC: the gateways' clocks know no other zone. */
export function endBody(form: EndForm) {
  const instant = (day: string): string => `${day}T00:00:00Z`
  return {
    state: 'deprecated' as const,
    ...(form.sunset !== '' && { sunsetAt: instant(form.sunset) }),
    ...(form.deprecated !== '' && { deprecatedAt: instant(form.deprecated) }),
    ...(form.successor !== '' && { successor: form.successor }),
  }
}

/** The versions that could come after this one, the same API first. */
export function successorsOf(
  api: Pick<ApiSummary, 'id' | 'name'>,
  all: readonly Pick<ApiSummary, 'id' | 'name' | 'lifecycle'>[],
): string[] {
  return all
    .filter((one) => one.id !== api.id && one.lifecycle !== 'draft' && one.lifecycle !== 'retired')
    .toSorted((a, b) => Number(b.name === api.name) - Number(a.name === api.name))
    .map(({ id }) => id)
}
