/** What happened, for people: one model for the page, the text and the console. @public */
export type Story = {
  title: string
  /** the answer to "why?", in whole sentences */
  sentence: string
  sections: readonly StorySection[]
}

/** @public */
export type StorySection = {
  title: string
  facts: readonly { label: string; value: string }[]
  /** words that were shown to somebody, as they were */
  quote?: string | undefined
}

/** A fact that is there. */
export const fact = (
  label: string,
  value: string | number | null | undefined,
): { label: string; value: string }[] =>
  value === undefined || value === null || value === '' ? [] : [{ label, value: String(value) }]

/**
 * Control characters and marks that turn the direction of writing would let one value pass for another. Isolation turns
 * nothing but what it holds, if it ends: names in a sentence have it.
 */
const plain = (text: string): string =>
  closed(text.replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066\u2067]+/gu, ' '))

const closed = (text: string): string => {
  let open = 0
  const kept = text.replace(/[\u2068\u2069]/g, (mark) => {
    open += mark === '\u2068' ? 1 : -1
    if (open >= 0) return mark
    open = 0
    return ''
  })
  return kept + '\u2069'.repeat(open)
}

/** A story in which nothing turns the writing, for whoever shows it. */
export const plainStory = ({ title, sentence, sections }: Story): Story => ({
  title: plain(title),
  sentence: plain(sentence),
  sections: sections.map((section) => ({
    title: plain(section.title),
    facts: section.facts.map(({ label, value }) => ({ label: plain(label), value: plain(value) })),
    // Line breaks are a part of what was shown.
    ...(section.quote !== undefined && {
      quote: section.quote.split('\n').map(plain).join('\n'),
    }),
  })),
})

/** As Markdown, for a terminal. */
export const storyMarkdown = ({ title, sentence, sections }: Story): string =>
  [
    `# ${plain(title)}`,
    '',
    plain(sentence),
    ...sections.flatMap((section) => [
      '',
      `## ${plain(section.title)}`,
      '',
      ...section.facts.map(({ label, value }) => `- ${label}: ${plain(value)}`),
      ...(section.quote === undefined
        ? []
        : ['', ...section.quote.split('\n').map((line) => `> ${plain(line)}`)]),
    ]),
  ].join('\n')

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const html = (text: string): string =>
  plain(text).replace(/[&<>"']/g, (character) => escapes[character] ?? '')

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff;overflow-wrap:anywhere}' +
  'h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.1rem;margin-top:2rem}.why{font-size:1.15rem}' +
  'dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.35rem 1rem}dt{color:#555}dd{margin:0}' +
  'blockquote{margin:1rem 0;padding:.5rem 1rem;border-inline-start:4px solid #767676;white-space:pre-wrap}' +
  '@media(max-width:30rem){dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}}' +
  '@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}dt{color:#b5b5b5}}' +
  '@media print{body{margin:0}}'

/** A page that needs nothing else: no script runs, nothing is loaded. */
export const storyPage = ({ title, sentence, sections }: Story, slot: string): string =>
  [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${html(title)}</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${html(title)}</h1>`,
    `<p class="why">${html(sentence)}</p>`,
    ...sections.map(sectionPage),
    '</main>',
    slot,
    '</body>',
    '</html>',
    '',
  ].join('\n')

const sectionPage = ({ title, facts, quote }: StorySection): string =>
  [
    '<section>',
    `<h2>${html(title)}</h2>`,
    ...(facts.length === 0
      ? []
      : [
          `<dl>${facts.map(({ label, value }) => `<dt>${html(label)}</dt><dd>${html(value)}</dd>`).join('')}</dl>`,
        ]),
    // Line breaks are a part of what was shown.
    ...(quote === undefined
      ? []
      : [`<blockquote>${quote.split('\n').map(html).join('\n')}</blockquote>`]),
    '</section>',
  ].join('\n')
