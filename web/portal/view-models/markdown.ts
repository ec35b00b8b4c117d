/**
 * The Markdown of API descriptions, as data. It covers what the industry's documents use (headings, lists, tables, code,
 * links, emphasis) and has no way to express HTML, so a document can never bring markup of its own into a page.
 */
export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'emphasis'; children: Inline[] }
  | { kind: 'link'; href: string; children: Inline[] }
  | { kind: 'break' }

export type ListItem = { blocks: Block[] }
export type Block =
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'list'; ordered: boolean; items: ListItem[] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

const maxDepth = 6
const bullet = /^(\s*)([-*+]|\d{1,3}[.)])\s+(.*)$/
const heading = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$/
const fence = /^\s*(`{3,}|~{3,})/
const tableRule = /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/

export function parseMarkdown(source: string): Block[] {
  const lines = source.replace(/\r\n?/g, '\n').replaceAll('\t', '    ').split('\n')
  return levelled(parseBlocks(lines, 0))
}

/** Headings go one level down at a time and begin at the first, whatever the document skips (WCAG 1.3.1). */
function levelled(blocks: Block[]): Block[] {
  const open: number[] = []
  return blocks.map((block) => {
    if (block.kind !== 'heading') return block
    while ((open.at(-1) ?? 0) >= block.level) open.pop()
    open.push(block.level)
    return { ...block, level: open.length }
  })
}

function parseBlocks(lines: readonly string[], depth: number): Block[] {
  const blocks: Block[] = []
  let at = 0
  while (at < lines.length) {
    const line = lines[at] ?? ''
    if (line.trim() === '') {
      at += 1
      continue
    }
    const [block, next] = readBlock(lines, at, depth)
    blocks.push(block)
    at = Math.max(next, at + 1)
  }
  return blocks
}

function readBlock(lines: readonly string[], at: number, depth: number): [Block, number] {
  const line = lines[at] ?? ''
  if (fence.test(line)) return readFence(lines, at)
  const title = heading.exec(line)
  if (title !== null) {
    const level = (title[1] ?? '#').length
    return [{ kind: 'heading', level, children: parseInline(title[2] ?? '') }, at + 1]
  }
  if (/^\s*([-*_])\s*(\1\s*){2,}$/.test(line)) return [{ kind: 'rule' }, at + 1]
  if (line.includes('|') && tableRule.test(lines[at + 1] ?? '')) return readTable(lines, at)
  if (depth < maxDepth && /^\s*>/.test(line)) return readQuote(lines, at, depth)
  if (depth < maxDepth && bullet.test(line)) return readList(lines, at, depth)
  return readParagraph(lines, at)
}

function readFence(lines: readonly string[], at: number): [Block, number] {
  const mark = fence.exec(lines[at] ?? '')?.[1] ?? '```'
  const body: string[] = []
  let next = at + 1
  while (next < lines.length && !(lines[next] ?? '').trim().startsWith(mark)) {
    body.push(lines[next] ?? '')
    next += 1
  }
  return [{ kind: 'code', text: dedent(body).join('\n') }, next + 1]
}

function dedent(lines: readonly string[]): string[] {
  const indents = lines.filter((l) => l.trim() !== '').map((l) => l.length - l.trimStart().length)
  const least = indents.length === 0 ? 0 : Math.min(...indents)
  return lines.map((l) => l.slice(least))
}

const cellsOf = (line: string): Inline[][] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => parseInline(cell.trim().replaceAll('\\|', '|')))

function readTable(lines: readonly string[], at: number): [Block, number] {
  const rows: Inline[][][] = []
  let next = at + 2
  while (next < lines.length && (lines[next] ?? '').includes('|')) {
    rows.push(cellsOf(lines[next] ?? ''))
    next += 1
  }
  return [{ kind: 'table', head: cellsOf(lines[at] ?? ''), rows }, next]
}

function readQuote(lines: readonly string[], at: number, depth: number): [Block, number] {
  const body: string[] = []
  let next = at
  while (next < lines.length && /^\s*>/.test(lines[next] ?? '')) {
    body.push((lines[next] ?? '').replace(/^\s*>\s?/, ''))
    next += 1
  }
  return [{ kind: 'quote', blocks: parseBlocks(body, depth + 1) }, next]
}

const indentOf = (line: string): number => line.length - line.trimStart().length

function readList(lines: readonly string[], at: number, depth: number): [Block, number] {
  const first = bullet.exec(lines[at] ?? '')
  const indent = (first?.[1] ?? '').length
  const ordered = /\d/.test(first?.[2] ?? '')
  const items: ListItem[] = []
  let body: string[] = []
  const close = (): void => {
    if (body.length > 0) items.push({ blocks: parseBlocks(dedentTail(body), depth + 1) })
    body = []
  }
  let next = at
  for (; next < lines.length; next += 1) {
    const line = lines[next] ?? ''
    const mark = bullet.exec(line)
    if (mark !== null && (mark[1] ?? '').length <= indent) {
      if ((mark[1] ?? '').length < indent || /\d/.test(mark[2] ?? '') !== ordered) break
      close()
      body = [mark[3] ?? '']
    } else if (line.trim() === '') {
      const following = lines.slice(next + 1).find((l) => l.trim() !== '') ?? ''
      const continues = indentOf(following) > indent || bullet.test(following)
      if (!continues || indentOf(following) < indent) break
      body.push('')
    } else if (indentOf(line) > indent || (lines[next - 1] ?? '').trim() !== '') {
      if (heading.test(line)) break
      body.push(line)
    } else break
  }
  close()
  return [{ kind: 'list', ordered, items }, next]
}

const dedentTail = (lines: readonly string[]): string[] => [
  lines[0] ?? '',
  ...dedent(lines.slice(1)),
]

function readParagraph(lines: readonly string[], at: number): [Block, number] {
  const body: string[] = []
  let next = at
  while (next < lines.length) {
    const line = lines[next] ?? ''
    const starts = heading.test(line) || fence.test(line) || bullet.test(line) || /^\s*>/.test(line)
    if (line.trim() === '' || (starts && next > at)) break
    body.push(line)
    next += 1
  }
  return [{ kind: 'paragraph', children: parseInline(body.join('\n').trim()) }, next]
}

const tokens =
  /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|\[([^\]\n]{1,400})\]\(\s*<?([^)\s>]{1,2000})>?(?:\s+"[^"]*")?\s*\)|<(https?:\/\/[^>\s]{1,2000})>|(https?:\/\/[^\s<>()|"'`]{1,2000}[^\s<>()|"'`.,;:!?])|\*\*(?=\S)([\s\S]{1,2000}?\S)\*\*|__(?=\S)([\s\S]{1,2000}?\S)__|(?<![\w*])\*(?=[^\s*])([^*\n]{1,500}?)\*(?![\w*])|(?<!\w)_(?=[^\s_])([^_\n]{1,500}?)_(?!\w)| {2,}\n|<br\s*\/?>/g

export function parseInline(source: string, depth = 0): Inline[] {
  const found: Inline[] = []
  const push = (text: string): void => {
    const plain = text.replace(/\\([\\`*_{}[\]()#+\-.!|<>])/g, '$1').replace(/\s*\n\s*/g, ' ')
    if (plain !== '') found.push({ kind: 'text', text: plain })
  }
  if (depth > maxDepth) {
    push(source)
    return found
  }
  let end = 0
  for (const match of source.matchAll(tokens)) {
    push(source.slice(end, match.index))
    end = match.index + match[0].length
    found.push(inlineOf(match, depth))
  }
  push(source.slice(end))
  return found
}

function inlineOf(match: RegExpExecArray, depth: number): Inline {
  const [whole, , code, label, target, angled, bare, strong1, strong2, em1, em2] = match
  if (code !== undefined) return { kind: 'code', text: code.replace(/\n/g, ' ').trim() }
  if (label !== undefined) {
    const href = safeHref(target ?? '')
    const children = parseInline(label, depth + 1)
    return href === undefined ? { kind: 'emphasis', children } : { kind: 'link', href, children }
  }
  const address = angled ?? bare
  if (address !== undefined) {
    return { kind: 'link', href: address, children: [{ kind: 'text', text: address }] }
  }
  const strong = strong1 ?? strong2
  if (strong !== undefined) return { kind: 'strong', children: parseInline(strong, depth + 1) }
  const em = em1 ?? em2
  if (em !== undefined) return { kind: 'emphasis', children: parseInline(em, depth + 1) }
  return whole.trim() === '' || whole.startsWith('<br')
    ? { kind: 'break' }
    : { kind: 'text', text: whole }
}

/** Only addresses that cannot run anything. */
export function safeHref(target: string): string | undefined {
  if (/^(https?:\/\/|mailto:)/i.test(target)) return target
  return /^[#/](?![/\\])/.test(target) || target === '/' ? target : undefined
}

/** The words of a description without its marks, for summaries and the search index. */
export function plainText(source: string, limit = 240): string {
  const words = parseMarkdown(source).flatMap(textOfBlock).join(' ').replace(/\s+/g, ' ').trim()
  return words.length <= limit ? words : `${words.slice(0, limit).replace(/\s+\S*$/, '')}…`
}

function textOfBlock(block: Block): string[] {
  switch (block.kind) {
    case 'heading':
    case 'paragraph':
      return block.children.flatMap(textOfInline)
    case 'code':
      return [block.text]
    case 'quote':
      return block.blocks.flatMap(textOfBlock)
    case 'list':
      return block.items.flatMap((item) => item.blocks.flatMap(textOfBlock))
    case 'table':
      return [...block.head, ...block.rows.flat()].flatMap((cell) => cell.flatMap(textOfInline))
    case 'rule':
      return []
  }
}

function textOfInline(inline: Inline): string[] {
  switch (inline.kind) {
    case 'text':
    case 'code':
      return [inline.text]
    case 'break':
      return [' ']
    default:
      return [inline.children.flatMap(textOfInline).join('')]
  }
}
