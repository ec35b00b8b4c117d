import { createCssVariablesTheme, createHighlighterCore, type HighlighterCore } from 'shiki/core'
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript'
import { clientIdPlaceholder, clientSecretPlaceholder } from './samples/index.ts'
import type { CodeBlock, CodeToken } from './schema.ts'

/**
 * Colours code on the server, as classes and never as style attributes, so that the pages need no exception in their
 * content security policy.
 */
export interface Highlighter {
  block(language: string, label: string, code: string): Promise<CodeBlock>
  /** Loads the grammars, so that the first page with code does not wait for them. */
  warmUp(): void
}

const prefix = '--code-'
const theme = createCssVariablesTheme({ name: 'classes', variablePrefix: prefix })

const kinds: Readonly<Record<string, string>> = {
  'token-keyword': 'keyword',
  'token-constant': 'number',
  'token-string': 'string',
  'token-string-expression': 'string',
  'token-function': 'function',
  'token-parameter': 'property',
  'token-punctuation': 'punctuation',
  'token-comment': 'comment',
}

export function createHighlighter(): Highlighter {
  let loading: Promise<HighlighterCore> | undefined
  // The grammars cost 40 ms and some megabytes: they come with the first page that has code.
  const load = (): Promise<HighlighterCore> => {
    loading ??= createHighlighterCore({
      themes: [theme],
      langs: [
        import('shiki/langs/bash.mjs'),
        import('shiki/langs/javascript.mjs'),
        import('shiki/langs/python.mjs'),
        import('shiki/langs/java.mjs'),
        import('shiki/langs/go.mjs'),
        import('shiki/langs/csharp.mjs'),
        import('shiki/langs/php.mjs'),
        import('shiki/langs/json.mjs'),
      ],
      engine: createJavaScriptRegexEngine({ forgiving: true }),
    })
    return loading
  }
  return {
    warmUp() {
      // A failure shows on the page that needs them.
      load().catch(() => undefined)
    },
    async block(language, label, code) {
      const text = code.replace(/\n+$/, '')
      const highlighter = await load()
      if (!highlighter.getLoadedLanguages().includes(language))
        return { language, label, lines: text.split('\n').map((line) => [{ text: line }]) }
      const { tokens } = highlighter.codeToTokens(text, { lang: language, theme: 'classes' })
      const lines = tokens.map((line) =>
        joined(line.map((token) => ({ text: token.content, ...kindOf(token.color) }))).flatMap(
          filled,
        ),
      )
      return { language, label, lines }
    },
  }
}

function kindOf(color: string | undefined): { kind?: string } {
  const name = /^var\(--code-([a-z-]+)\)$/.exec(color ?? '')?.[1]
  const kind = name === undefined ? undefined : kinds[name]
  return kind === undefined ? {} : { kind }
}

/** Neighbours of one colour become one token: the pages are smaller by a third. */
function joined(tokens: readonly CodeToken[]): CodeToken[] {
  const result: CodeToken[] = []
  for (const token of tokens) {
    const last = result.at(-1)
    if (last !== undefined && (last.kind === token.kind || token.text.trim() === ''))
      last.text += token.text
    else result.push({ ...token })
  }
  return result
}

const fills = [
  { placeholder: clientIdPlaceholder, fill: 'client-id' },
  { placeholder: clientSecretPlaceholder, fill: 'client-secret' },
] as const
const placeholders = new RegExp(`(${fills.map((f) => f.placeholder).join('|')})`)

/** Takes the places of the reader's own values out of their tokens. */
function filled(token: CodeToken): CodeToken[] {
  if (!placeholders.test(token.text)) return [token]
  return token.text
    .split(placeholders)
    .filter((text) => text !== '')
    .map((text) => {
      const place = fills.find((f) => f.placeholder === text)
      return place === undefined ? { ...token, text } : { text, fill: place.fill }
    })
}
