/** What a subscriber reads in a message; the page behind the link tells the rest, in each language that it has. */
const texts = {
  en: '{operator}: {who} asks for your consent. Read and answer within {minutes} min: {link}',
  de: '{operator}: {who} bittet um Ihre Einwilligung. Lesen und antworten Sie innerhalb von {minutes} Min.: {link}',
  fr: '{operator} : {who} demande votre consentement. Lisez et répondez sous {minutes} min : {link}',
  es: '{operator}: {who} pide su consentimiento. Lea y responda en {minutes} min: {link}',
} as const

type Language = keyof typeof texts

const longestName = 40

/**
 * @param who a name that a partner chose: only letters, digits and spaces of it stay, so that it can hold no second link
 * and no sentence
 */
export function consentMessage(
  locales: readonly string[],
  parts: { operator: string; who: string; minutes: number; link: string },
): string {
  const known = (locale: string): locale is Language => Object.hasOwn(texts, locale)
  const language =
    locales.map((locale) => locale.toLowerCase().split('-', 1)[0] ?? '').find(known) ?? 'en'
  const letters = parts.who
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim()
  // Whole letters: half of one could not be written as UTF-8.
  const who = [...letters].slice(0, longestName).join('').trim()
  const places: Record<string, string> = {
    operator: parts.operator,
    who: who === '' ? '-' : who,
    minutes: String(parts.minutes),
    link: parts.link,
  }
  return texts[language].replace(/\{(\w+)\}/g, (_, place: string) => places[place] ?? '')
}
