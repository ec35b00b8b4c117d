/**
 * The best language that there is for somebody's wishes (RFC 4647, lookup): `de-AT` is served by `de`.
 * @param wishes best first, such as those of `ui_locales` or of `localesOf`; what is malformed is passed over
 * @public
 */
export function chooseLocale(
  wishes: readonly string[],
  available: readonly string[],
  otherwise: string,
): string {
  const known = new Map(available.map((locale) => [locale.toLowerCase(), locale]))
  for (const wish of wishes) {
    if (!/^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$/.test(wish) || wish.length > 35) continue
    let range = wish.toLowerCase()
    while (range !== '') {
      const found = known.get(range)
      if (found !== undefined) return found
      range = range.slice(0, Math.max(0, range.lastIndexOf('-'))).replace(/-.$/, '')
    }
  }
  return otherwise
}

const most = 20

/**
 * What `Accept-Language` wishes (RFC 9110 section 12.5.4), best first; no more than twenty.
 * @public
 */
export function localesOf(acceptLanguage: string | undefined): string[] {
  if (acceptLanguage === undefined) return []
  return acceptLanguage
    .slice(0, 1_000)
    .split(',')
    .slice(0, most)
    .map((part) => {
      const [range = '', ...parameters] = part.trim().split(/\s*;\s*/)
      const weight = parameters.find((one) => /^q=/i.test(one))?.slice(2)
      const quality = weight === undefined ? 1 : Number(weight)
      return { range, quality: quality >= 0 && quality <= 1 ? quality : 0 }
    })
    .filter(({ range, quality }) => quality > 0 && range !== '' && range !== '*')
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ range }) => range)
}
