import type { Violation } from '#platform/app-error'
import { builtInTexts, fallbackLocale, type LanguageOverlay, type Words } from './language-text.ts'

const blanksOf = (text: string): string[] => text.match(/\{\w+\}/g) ?? []

/** Words that leave out who asks, for how long or the link would not be a question any more. */
export function missingBlanks({ words = {} }: LanguageOverlay): Violation[] {
  const english = builtInTexts().get(fallbackLocale)?.words
  if (english === undefined) return []
  return Object.entries(words).flatMap(([name, text]) => {
    const needed = blanksOf(english[name as keyof Words])
    const given = blanksOf(text ?? '')
    const missing = needed.filter((blank) => !given.includes(blank))
    const unknown = given.filter((blank) => !needed.includes(blank))
    return [
      ...missing.map((blank) => ({ path: `/words/${name}`, message: `must have ${blank} in it` })),
      ...unknown.map((blank) => ({ path: `/words/${name}`, message: `knows no ${blank}` })),
    ]
  })
}
