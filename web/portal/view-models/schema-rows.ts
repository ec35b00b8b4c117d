/**
 * A JSON Schema as the rows of a table: one row for each property, nested ones below their parent. References into
 * `#/$defs` are followed; a schema that contains itself is named and not opened a second time.
 */
export type SchemaRow = {
  /** unique in its table */
  path: string
  depth: number
  name: string
  type: string
  required: boolean
  readOnly: boolean
  writeOnly: boolean
  deprecated: boolean
  description: string
  constraints: string[]
  allowed: string[]
  example: string | undefined
  /** for a choice: "one of", "any of" */
  choice: string | undefined
}

type Schema = Readonly<Record<string, unknown>>
type Defs = Readonly<Record<string, unknown>>

const maxDepth = 8
const maxRows = 400

export function schemaRows(schema: unknown, defs: Defs): SchemaRow[] {
  const rows: SchemaRow[] = []
  const root = resolve(schema, defs)
  if (root === undefined) return rows
  openChildren(root.schema, { defs, rows, depth: 0, path: '', seen: root.seen })
  return rows
}

/** The name of a schema's type, for a line of its own: `array of Device`, `string (date-time)`. */
export function typeName(schema: unknown, defs: Defs): string {
  const found = resolve(schema, defs)
  return found === undefined ? 'any' : nameOf(found.schema, defs)
}

type Resolved = { schema: Schema; seen: readonly string[]; circular: string | undefined }

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Follows references and folds `allOf` into one schema. */
function resolve(value: unknown, defs: Defs, seen: readonly string[] = []): Resolved | undefined {
  if (!isSchema(value)) return undefined
  const reference = value.$ref
  if (typeof reference === 'string') {
    const name = nameOfReference(reference)
    if (seen.includes(name)) return { schema: { title: name }, seen, circular: name }
    const target = resolve(defs[name], defs, [...seen, name])
    if (target === undefined) return { schema: { title: name }, seen, circular: undefined }
    const { $ref: _, ...beside } = value
    return { ...target, schema: { title: name, ...target.schema, ...beside } }
  }
  const parts = listOf(value.allOf)
  if (parts.length === 0) return { schema: value, seen, circular: undefined }
  const { allOf: _, ...own } = value
  let names = seen
  let merged: Schema = {}
  for (const part of [...parts, own]) {
    const found = resolve(part, defs, names)
    if (found === undefined) continue
    names = [...new Set([...names, ...found.seen])]
    merged = merge(merged, found.schema)
  }
  return { schema: merged, seen: names, circular: undefined }
}

function merge(a: Schema, b: Schema): Schema {
  const merged: Record<string, unknown> = { ...a, ...b }
  if (isSchema(a.properties) && isSchema(b.properties)) {
    const properties: Record<string, unknown> = { ...a.properties }
    for (const [name, schema] of Object.entries(b.properties)) {
      const earlier = properties[name]
      properties[name] = isSchema(earlier) && isSchema(schema) ? { ...earlier, ...schema } : schema
    }
    merged.properties = properties
  }
  const required = [...listOf(a.required), ...listOf(b.required)]
  if (required.length > 0) merged.required = [...new Set(required)]
  if (a.description !== undefined && b.description === undefined) merged.description = a.description
  return merged
}

const nameOfReference = (reference: string): string => {
  const last = reference.split('/').at(-1) ?? reference
  return last.replaceAll('~1', '/').replaceAll('~0', '~')
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

type Opening = {
  defs: Defs
  rows: SchemaRow[]
  depth: number
  path: string
  seen: readonly string[]
}

function openChildren(schema: Schema, at: Opening): void {
  if (at.depth > maxDepth || at.rows.length > maxRows) return
  const properties = schema.properties
  const required = listOf(schema.required)
  if (isSchema(properties)) {
    for (const [name, child] of Object.entries(properties))
      addRow(name, child, required.includes(name), undefined, at)
  }
  const items = schema.items
  if (isSchema(items)) {
    const item = resolve(items, at.defs, at.seen)
    if (item !== undefined && item.circular === undefined) {
      if (hasChildren(item.schema)) openChildren(item.schema, { ...at, seen: item.seen })
    }
  }
  const additional = schema.additionalProperties
  if (isSchema(additional)) addRow('{key}', additional, false, undefined, at)
  openChoices(schema, at)
}

function openChoices(schema: Schema, at: Opening): void {
  for (const [keyword, label] of [
    ['oneOf', 'one of'],
    ['anyOf', 'any of'],
  ] as const) {
    const options = listOf(schema[keyword]).filter((o) => !isNull(o))
    // A list of requirements ("either a or b is given") has no shape of its own to show.
    const shaped = options.filter((o) => {
      const found = resolve(o, at.defs, at.seen)
      return found !== undefined && (hasChildren(found.schema) || found.schema.type !== undefined)
    })
    if (shaped.length < 2) {
      const only = shaped[0] === undefined ? undefined : resolve(shaped[0], at.defs, at.seen)
      if (only !== undefined && only.circular === undefined)
        openChildren(only.schema, { ...at, seen: only.seen })
      continue
    }
    shaped.forEach((option, index) => {
      const found = resolve(option, at.defs, at.seen)
      const title = found?.schema.title
      addRow(typeof title === 'string' ? title : `option ${index + 1}`, option, false, label, at)
    })
  }
}

const isNull = (value: unknown): boolean => isSchema(value) && value.type === 'null'

const hasChildren = (schema: Schema): boolean =>
  ['properties', 'items', 'oneOf', 'anyOf'].some((k) => schema[k] !== undefined) ||
  isSchema(schema.additionalProperties)

function addRow(
  name: string,
  value: unknown,
  required: boolean,
  choice: string | undefined,
  at: Opening,
): void {
  const found = resolve(value, at.defs, at.seen)
  if (found === undefined) return
  const { schema } = found
  const path = `${at.path}/${name}${choice === undefined ? '' : `#${at.rows.length}`}`
  at.rows.push({
    path,
    depth: at.depth,
    name,
    type: nameOf(schema, at.defs),
    required,
    readOnly: schema.readOnly === true,
    writeOnly: schema.writeOnly === true,
    deprecated: schema.deprecated === true,
    description: typeof schema.description === 'string' ? schema.description : '',
    constraints: [
      ...constraintsOf(schema),
      ...(found.circular === undefined ? [] : [`again a ${found.circular}`]),
    ],
    allowed: allowedOf(schema),
    example: exampleOf(schema),
    choice,
  })
  if (found.circular === undefined)
    openChildren(schema, { ...at, depth: at.depth + 1, path, seen: found.seen })
}

function nameOf(schema: Schema, defs: Defs): string {
  const type = schema.type
  if (Array.isArray(type)) return type.join(' or ')
  const nullable = schema.nullable === true ? ' or null' : ''
  const format = typeof schema.format === 'string' ? ` (${schema.format})` : ''
  if (type === 'array') {
    const items = resolve(schema.items, defs)
    const title = items?.schema.title
    const inner = items === undefined ? 'any' : nameOf(items.schema, defs)
    return `array of ${inner === 'object' && typeof title === 'string' ? title : inner}${nullable}`
  }
  if (typeof type === 'string') return `${type}${format}${nullable}`
  if (schema.oneOf !== undefined) return 'one of'
  if (schema.anyOf !== undefined) return choiceName(schema, defs)
  if (schema.properties !== undefined) return `object${nullable}`
  if (schema.const !== undefined || schema.enum !== undefined) return 'string'
  return typeof schema.title === 'string' ? schema.title : 'any'
}

/** `anyOf: [X, null]` is the 3.1 way to say "X or null". */
function choiceName(schema: Schema, defs: Defs): string {
  const options = listOf(schema.anyOf)
  const real = options.filter((o) => !isNull(o))
  if (real.length === 1 && options.length === 2) return `${typeName(real[0], defs)} or null`
  return schema.properties === undefined ? 'any of' : 'object'
}

const bounds: readonly (readonly [string, (value: unknown) => string])[] = [
  ['minimum', (v) => `at least ${v}`],
  ['exclusiveMinimum', (v) => (v === true ? 'exclusive' : `more than ${v}`)],
  ['maximum', (v) => `at most ${v}`],
  ['exclusiveMaximum', (v) => (v === true ? 'exclusive' : `less than ${v}`)],
  ['multipleOf', (v) => `a multiple of ${v}`],
  ['minLength', (v) => `${v} characters or more`],
  ['maxLength', (v) => `${v} characters at most`],
  ['minItems', (v) => `${v} items or more`],
  ['maxItems', (v) => `${v} items at most`],
  ['minProperties', (v) => `${v} or more properties`],
  ['pattern', (v) => `matches ${v}`],
  ['default', (v) => `default ${JSON.stringify(v)}`],
  ['const', (v) => `always ${JSON.stringify(v)}`],
]

const constraintsOf = (schema: Schema): string[] =>
  bounds.flatMap(([keyword, say]) => {
    const value = schema[keyword]
    return value === undefined || value === false ? [] : [say(value)]
  })

function allowedOf(schema: Schema): string[] {
  const own = listOf(schema.enum)
  const ofItems = isSchema(schema.items) ? listOf(schema.items.enum) : []
  return [...own, ...ofItems].map((v) => (typeof v === 'string' ? v : JSON.stringify(v)))
}

function exampleOf(schema: Schema): string | undefined {
  const example = schema.example ?? listOf(schema.examples)[0]
  if (example === undefined || (typeof example === 'object' && example !== null)) return undefined
  return String(example)
}
