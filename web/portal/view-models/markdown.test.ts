import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Block,
  type Inline,
  parseInline,
  parseMarkdown,
  plainText,
  safeHref,
} from './markdown.ts'

const text = (value: string): Inline => ({ kind: 'text', text: value })

test('markup of a document stays text: it cannot become an element', () => {
  assert.deepEqual(parseMarkdown('<script>alert(1)</script> <img src=x onerror=alert(1)>'), [
    {
      kind: 'paragraph',
      children: [text('<script>alert(1)</script> <img src=x onerror=alert(1)>')],
    },
  ])
})

test('a link leads only where no script can run', () => {
  for (const href of [
    'javascript:alert(1)',
    'JaVaScRiPt:x',
    'data:text/html,x',
    '//evil.example',
    '/\\evil',
    'vbscript:x',
    ' javascript:x',
  ])
    assert.equal(safeHref(href), undefined, href)
  for (const href of [
    'https://a.example/x',
    'http://a.example',
    'mailto:a@b.example',
    '#part',
    '/errors',
    '/',
  ])
    assert.equal(safeHref(href), href)
  const [link] = parseInline('[press](javascript:alert(1))')
  assert.notEqual(link?.kind, 'link')
})

test('headings, nested lists, tables and fenced code keep their structure', () => {
  const source = `# Title

- one
  - inner \`code\`
- two

| a | b |
|---|---|
| 1 | 2 \\| 3 |

\`\`\`json
{ "x": 1 }
\`\`\`
1. first
2. second
`
  const blocks = parseMarkdown(source)
  assert.deepEqual(
    blocks.map((b) => b.kind),
    ['heading', 'list', 'table', 'code', 'list'],
  )
  const [, list, table, code] = blocks as [
    Block,
    Extract<Block, { kind: 'list' }>,
    Extract<Block, { kind: 'table' }>,
    Extract<Block, { kind: 'code' }>,
  ]
  assert.equal(list.items.length, 2)
  assert.deepEqual(list.items[0]?.blocks[1], {
    kind: 'list',
    ordered: false,
    items: [
      {
        blocks: [{ kind: 'paragraph', children: [text('inner '), { kind: 'code', text: 'code' }] }],
      },
    ],
  })
  assert.deepEqual(table.rows, [[[text('1')], [text('2 | 3')]]])
  assert.equal(code.text, '{ "x": 1 }')
})

test('names with underscores are not emphasis', () => {
  assert.deepEqual(parseInline('SIM_SWAP.NOT_FOUND and max_age_hours'), [
    text('SIM_SWAP.NOT_FOUND and max_age_hours'),
  ])
})

test('a bare address becomes a link without the full stop that ends the sentence', () => {
  assert.deepEqual(parseInline('See https://a.example/x.'), [
    text('See '),
    { kind: 'link', href: 'https://a.example/x', children: [text('https://a.example/x')] },
    text('.'),
  ])
})

test('a summary is words only, and ends at a word', () => {
  assert.equal(plainText('# A\n\n**bold** and `code`', 100), 'A bold and code')
  assert.equal(plainText('one two three', 9), 'one two…')
})

test('any text is parsed, and no word of it gets lost', () => {
  const word = fc.string({
    unit: fc.constantFrom(
      'a',
      'b',
      '`',
      '*',
      '_',
      '[',
      ']',
      '(',
      ')',
      '|',
      '#',
      '-',
      '>',
      ' ',
      '\n',
      '1',
      '.',
      '\\',
    ),
    maxLength: 200,
  })
  fc.assert(
    fc.property(word, (source) => {
      const letters = (s: string): number => s.replace(/[^ab]/g, '').length
      const shown = plainText(source, Number.MAX_SAFE_INTEGER)
      // The mark of a fence and the target of a link are not shown; everything else is.
      if (!/```|\]\(/.test(source)) assert.equal(letters(shown), letters(source))
    }),
    { numRuns: 500 },
  )
})

test('a hostile text is parsed in time that grows with its length only', () => {
  const before = process.cpuUsage()
  for (const part of ['**', '`', '[', '_a ', '* ', '> ', '[a](', '|-', 'http://', '__a'])
    parseMarkdown(part.repeat(10_000))
  assert.ok(process.cpuUsage(before).user < 10_000_000)
})

test('headings go down one level at a time, whatever the document skips', () => {
  const levels = parseMarkdown('### a\n\n##### b\n\n### c\n\n# d\n\n###### e')
    .filter((b) => b.kind === 'heading')
    .map((b) => b.level)
  assert.deepEqual(levels, [1, 2, 1, 1, 2])
})
