import type { Language } from './languages.ts'
import { de } from './words-de.ts'
import { en, type Words } from './words-en.ts'
import { es } from './words-es.ts'
import { fr } from './words-fr.ts'

const words: Record<Language, Words> = { en, de, fr, es }

export const wordsOf = (language: Language): Words => words[language]

/** A moment as people write it; the zone is named, because a server does not know where its reader is. */
export const writtenTime = (language: Language, moment: Date): string =>
  new Intl.DateTimeFormat(language, {
    dateStyle: 'long',
    timeStyle: 'long',
    timeZone: 'UTC',
  }).format(moment)
