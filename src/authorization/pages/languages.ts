/** The languages that pages are written in. */
export const languages = ['en', 'de', 'fr', 'es'] as const
export type Language = (typeof languages)[number]

const rightToLeft = new Set(['ar', 'dv', 'fa', 'he', 'ks', 'ps', 'sd', 'ug', 'ur', 'yi'])

/** Which way a text of this language runs. */
export const directionOf = (locale: string): 'ltr' | 'rtl' =>
  rightToLeft.has(primaryOf(locale)) ? 'rtl' : 'ltr'

const primaryOf = (locale: string): string => locale.toLowerCase().split(/[-_]/, 1)[0] ?? ''

/** What a browser says that its reader understands, best first (RFC 9110, 12.5.4); nonsense in it is passed over. */
export function acceptedLocales(header: string | undefined): string[] {
  return (header ?? '')
    .slice(0, 1_000)
    .split(',', 20)
    .flatMap((part) => {
      const match =
        /^\s*([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*$/.exec(part)
      const [, locale, weight] = match ?? []
      if (locale === undefined) return []
      const q = weight === undefined ? 1 : Number(weight)
      return q > 0 ? [{ locale, q }] : []
    })
    .toSorted((a, b) => b.q - a.q)
    .map(({ locale }) => locale)
}

/** `ui_locales` of OpenID Connect: a list by spaces, best first. */
export const requestedLocales = (value: string | undefined): string[] =>
  (value ?? '')
    .slice(0, 400)
    .split(' ')
    .filter((locale) => /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(locale))
    .slice(0, 20)

/** The first wish that pages are written in, else English. */
export function languageOf(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    const found = languages.find((language) => language === primaryOf(wish))
    if (found !== undefined) return found
  }
  return 'en'
}

/** A language by its own name, for those who cannot read the page that they got: `Português`. */
export function ownNameOf(locale: string): string {
  const name = new Intl.DisplayNames(locale, { type: 'language', fallback: 'code' }).of(locale)
  return name === undefined ? locale : name.charAt(0).toLocaleUpperCase(locale) + name.slice(1)
}
