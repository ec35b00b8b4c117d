import {
  Alias,
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'

/** Where a value stands in its text, in characters from the start. */
export type Place = {
  start: number
  end: number
  /** where its key starts, for a member of a mapping */
  key?: number
  /** how a number was written: `0.0200` is not 0.02 for a price */
  source?: string
  members?: Map<string, Place>
  items?: Place[]
}

type TextFault = { offset: number; message: string; path: readonly (string | number)[] }

/** A text as plain JSON values, with the place of each. */
export type YamlReading = {
  value: unknown
  root: Place
  lines: LineCounter
  /** what is wrong with the text itself, in the order of the text */
  faults: TextFault[]
  /** the first fault of syntax: what the parser made of the text after it is a guess */
  trustedUntil: number
}

type Limits = { depth: number; nodes: number }
const defaultLimits: Limits = { depth: 100, nodes: 150_000 }

/**
 * Reads YAML 1.2 or JSON. Only what JSON can say is accepted, duplicate keys are faults, aliases are expanded within
 * the limits, and no fault hides another.
 */
export function readYaml(text: string, limits = defaultLimits): YamlReading {
  const lines = new LineCounter()
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      // Checked below in linear time; the parser's own check is quadratic.
      uniqueKeys: false,
      version: '1.2',
      schema: 'core',
      resolveKnownTags: false,
      merge: false,
      logLevel: 'error',
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return {
      value: undefined,
      root: { start: 0, end: 0 },
      lines,
      faults: [{ offset: 0, message: tooDeep, path: [] }],
      trustedUntil: 0,
    }
  }
  // One slip of the hand upsets the parser several times on its line.
  const syntax = new Map<number, TextFault>()
  for (const problem of [...document.errors, ...document.warnings]) {
    const offset = problem.pos[0]
    const line = lines.linePos(offset).line
    const message = syntaxMessage(problem.code, problem.message)
    if (!syntax.has(line)) syntax.set(line, { offset, message, path: [] })
  }
  const walk = createWalk(limits, (offset) => lines.linePos(offset).line)
  const { value, place } = walk.read(document.contents, [], 0)
  return {
    value,
    root: place,
    lines,
    faults: [...syntax.values(), ...walk.faults],
    trustedUntil: Math.min(Number.POSITIVE_INFINITY, ...document.errors.map((e) => e.pos[0])),
  }
}

const syntaxMessage = (code: string, message: string): string => {
  if (message.startsWith('Maximum call stack')) return tooDeep
  switch (code) {
    case 'MULTIPLE_DOCS':
      return 'there is a second document after `---`: a file holds one'
    case 'TAG_RESOLVE_FAILED':
      return `${firstLine(message)}: only plain values are accepted`
    default:
      return firstLine(message)
  }
}

const tooDeep = 'is nested too deeply to be read'

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text

type Read = { value: unknown; place: Place }

function createWalk(limits: Limits, lineOf: (offset: number) => number) {
  const faults: TextFault[] = []
  const anchors = new Map<string, Node>()
  const open = new Set<Node>()
  const aliases = new WeakMap<Alias, Node | undefined>()
  let nodes = 0

  function read(node: Node | null, path: readonly (string | number)[], at: number): Read {
    const start = node?.range?.[0] ?? at
    const place: Place = { start, end: node?.range?.[1] ?? at }
    nodes += 1
    if (nodes > limits.nodes) {
      if (nodes === limits.nodes + 1) {
        const message = `has more than ${limits.nodes} values once its aliases are expanded`
        faults.push({ offset: start, message, path })
      }
      return { value: null, place }
    }
    if (path.length > limits.depth) {
      faults.push({ offset: start, message: `is nested deeper than ${limits.depth} levels`, path })
      return { value: null, place }
    }
    if (node instanceof Alias) return readAlias(node, path, place)
    if (node === null) return { value: null, place }
    if ('anchor' in node && typeof node.anchor === 'string') anchors.set(node.anchor, node)
    if (isScalar(node)) return { value: readScalar(node.value, node.source, path, place), place }
    open.add(node)
    const value = isMap(node) ? readMap(node, path, place) : readItems(node, path, place)
    open.delete(node)
    return { value, place }
  }

  function readAlias(alias: Alias, path: readonly (string | number)[], place: Place): Read {
    if (!aliases.has(alias)) aliases.set(alias, anchors.get(alias.source))
    const target = aliases.get(alias)
    if (target === undefined) {
      faults.push({ offset: place.start, message: `there is no &${alias.source} before`, path })
      return { value: null, place }
    }
    if (open.has(target)) {
      faults.push({ offset: place.start, message: `*${alias.source} contains itself`, path })
      return { value: null, place }
    }
    const result = read(target, path, place.start)
    // What is wrong inside an alias is shown where the alias stands.
    return { value: result.value, place: { ...result.place, start: place.start, end: place.end } }
  }

  function readScalar(
    value: unknown,
    source: string | undefined,
    path: readonly (string | number)[],
    place: Place,
  ): unknown {
    if (typeof value === 'number') {
      if (source !== undefined) place.source = source
      if (Number.isFinite(value)) return value
      faults.push({ offset: place.start, message: `${source} is not a number in JSON`, path })
      return null
    }
    if (typeof value === 'string' && !isStorable(value)) {
      faults.push({ offset: place.start, message: unstorable, path })
      return ''
    }
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
    faults.push({ offset: place.start, message: 'is not a value that JSON has', path })
    return null
  }

  function readMap(node: YAMLMap, path: readonly (string | number)[], place: Place): unknown {
    const value: Record<string, unknown> = {}
    const members = new Map<string, Place>()
    place.members = members
    for (const pair of node.items as Pair<Node | null, Node | null>[]) {
      const keyStart = pair.key?.range?.[0] ?? place.start
      const key = keyOf(pair.key)
      if (key === undefined) {
        faults.push({ offset: keyStart, message: 'a key must be plain text', path })
        continue
      }
      if (key === '<<' || !isStorable(key)) {
        const message = key === '<<' ? 'merge keys (`<<`) are not supported' : unstorable
        faults.push({ offset: keyStart, message, path })
        continue
      }
      const memberPath = [...path, key]
      if (members.has(key)) {
        const first = lineOf(members.get(key)?.key ?? place.start)
        const message = `\`${key}\` is here twice: it stands on line ${first} already`
        faults.push({ offset: keyStart, message, path: memberPath })
        continue
      }
      const member = read(pair.value, memberPath, pair.key?.range?.[1] ?? keyStart)
      members.set(key, { ...member.place, key: keyStart })
      // Not an assignment, so that `__proto__` is a key like any other.
      Object.defineProperty(value, key, {
        value: member.value,
        enumerable: true,
        configurable: true,
        writable: true,
      })
    }
    return value
  }

  function readItems(node: unknown, path: readonly (string | number)[], place: Place): unknown {
    if (!isSeq(node)) return null
    const items: Place[] = []
    place.items = items
    return (node as YAMLSeq<Node | null>).items.map((item, index) => {
      const { value, place: itemPlace } = read(item, [...path, index], place.start)
      items.push(itemPlace)
      return value
    })
  }

  return { read, faults }
}

const unstorable = 'has a NUL or half a character (a lone surrogate)'

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000')

function keyOf(key: Node | null): string | undefined {
  if (!isScalar(key)) return undefined
  if (typeof key.value === 'string') return key.value
  // `200:` and `true:` mean the text that stands there.
  return key.source ?? String(key.value)
}
