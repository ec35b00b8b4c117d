/** Text that is HTML already: made by `html` only, so that whatever else stands in a page has been escaped. */
export class Html {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  toString(): string {
    return this.#text
  }
}

type Part = string | number | Html | undefined | false | readonly Part[]

/** A piece of a page. What is put in is text, and escaped, unless it was made by `html` itself. */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = pieces[0] ?? ''
  for (const [i, part] of parts.entries()) text += rendered(part) + (pieces[i + 1] ?? '')
  return new Html(text)
}

const rendered = (part: Part): string => {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.toString()
  if (typeof part === 'object') return part.map(rendered).join('')
  return escaped(String(part))
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

const escaped = (text: string): string => text.replace(/[&<>"'`]/g, (sign) => entities[sign] ?? '')

// Controls, marks that turn or hide what follows, and stacks of combining marks that climb out of their line.
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/gu
const stacked = /(\p{M}{2})\p{M}+/gu

/**
 * A name that somebody else chose, as text that cannot do more than name: on one line, no longer than a line, in its own
 * direction, so that it turns nothing around it.
 */
export function named(name: string, most = 80): Html {
  const line = name
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .replace(unseen, '')
    .replace(stacked, '$1')
    .trim()
  const signs = [...line]
  const shown = signs.length > most ? `${signs.slice(0, most - 1).join('')}…` : line
  return html`<bdi>${shown === '' ? '—' : shown}</bdi>`
}

// Alphabets whose letters are taken for Latin ones, as the Cyrillic а is.
const alike =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Lisu}]/u

/** Whether a word of a name has letters of several alphabets, as a name has that wants to be read as another one. */
export const mixesAlphabets = (name: string): boolean =>
  name
    .normalize('NFKC')
    .split(/[^\p{L}\p{M}]+/u)
    .some((word) => /\p{Script=Latin}/u.test(word) && alike.test(word))

/** A sentence of ours with `{places}` for pieces of a page. */
export function filled(sentence: string, places: Readonly<Record<string, Part>>): Html {
  const text = sentence
    .split(/\{(\w+)\}/)
    .map((piece, i) => rendered(i % 2 === 0 ? piece : places[piece]))
    .join('')
  return new Html(text)
}
