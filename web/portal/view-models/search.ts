import type { Options } from 'minisearch'
import type { SearchEntry } from '#portal/schema'

/**
 * One spelling for what people type: Uzbek Cyrillic as Latin, apostrophes and accents gone, lower case. So `almashtiril`
 * finds text in both scripts.
 */
// biome-ignore format: an alphabet reads best in rows
const cyrillic: Readonly<Record<string, string>> = {
  а: 'a', б: 'b', в: 'v', г: 'g', ғ: 'g', д: 'd', е: 'e', ё: 'yo', ж: 'j', з: 'z', и: 'i', й: 'y',
  к: 'k', қ: 'q', л: 'l', м: 'm', н: 'n', о: 'o', п: 'p', р: 'r', с: 's', т: 't', у: 'u', ў: 'o',
  ф: 'f', х: 'x', ҳ: 'h', ц: 's', ч: 'ch', ш: 'sh', щ: 'sh', ъ: '', ы: 'i', ь: '', э: 'e', ю: 'yu',
  я: 'ya',
}

export function foldTerm(term: string): string {
  // Decomposing first would take the breve off й and ў, which are letters of their own.
  const latin = term
    .toLowerCase()
    .replace(/[\u0400-\u04ff]/g, (letter) => cyrillic[letter] ?? letter)
  return latin.normalize('NFD').replace(/[\u0300-\u036f'’‘ʻʼ`]/g, '')
}

/** The words inside names such as `checkSimSwap`, `sim-swap` and `INVALID_ARGUMENT`, and the name joined. */
export function wordsOf(name: string): string {
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== '')
  return [...parts, parts.join('')].join(' ')
}

export const searchOptions: Options<SearchEntry> = {
  fields: ['title', 'text'],
  storeFields: ['id'],
  processTerm: (term) => foldTerm(term) || null,
  searchOptions: {
    boost: { title: 4 },
    prefix: true,
    fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    combineWith: 'AND',
  },
}
