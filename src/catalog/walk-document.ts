import type { Path } from './faults.ts'
import { isRecord } from './json.ts'

/** What an object of an OpenAPI document is. */
export type ObjectKind =
  | 'callback'
  | 'encoding'
  | 'example'
  | 'header'
  | 'link'
  | 'mediaType'
  | 'operation'
  | 'parameter'
  | 'pathItem'
  | 'requestBody'
  | 'response'
  | 'schema'
  | 'securityScheme'

type Child = { one: ObjectKind } | { map: ObjectKind } | { list: ObjectKind }

const schemaChildren: Record<string, Child> = {
  additionalProperties: { one: 'schema' },
  contains: { one: 'schema' },
  contentSchema: { one: 'schema' },
  else: { one: 'schema' },
  if: { one: 'schema' },
  items: { one: 'schema' },
  not: { one: 'schema' },
  propertyNames: { one: 'schema' },
  // biome-ignore lint/suspicious/noThenProperty: the name of a keyword of JSON Schema
  then: { one: 'schema' },
  unevaluatedItems: { one: 'schema' },
  unevaluatedProperties: { one: 'schema' },
  allOf: { list: 'schema' },
  anyOf: { list: 'schema' },
  oneOf: { list: 'schema' },
  prefixItems: { list: 'schema' },
  $defs: { map: 'schema' },
  dependentSchemas: { map: 'schema' },
  patternProperties: { map: 'schema' },
  properties: { map: 'schema' },
}

const content: Record<string, Child> = {
  schema: { one: 'schema' },
  content: { map: 'mediaType' },
  examples: { map: 'example' },
}

const children: Record<ObjectKind, Record<string, Child>> = {
  callback: {},
  encoding: { headers: { map: 'header' } },
  example: {},
  header: content,
  link: {},
  mediaType: {
    schema: { one: 'schema' },
    examples: { map: 'example' },
    encoding: { map: 'encoding' },
  },
  operation: {
    parameters: { list: 'parameter' },
    requestBody: { one: 'requestBody' },
    responses: { map: 'response' },
    callbacks: { map: 'callback' },
  },
  parameter: content,
  pathItem: {
    ...Object.fromEntries(
      ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'].map((method) => [
        method,
        { one: 'operation' },
      ]),
    ),
    parameters: { list: 'parameter' },
  },
  requestBody: { content: { map: 'mediaType' } },
  response: { headers: { map: 'header' }, content: { map: 'mediaType' }, links: { map: 'link' } },
  schema: schemaChildren,
  securityScheme: {},
}

const roots: readonly (readonly [readonly string[], ObjectKind])[] = [
  [['paths'], 'pathItem'],
  [['webhooks'], 'pathItem'],
  [['components', 'schemas'], 'schema'],
  [['components', 'responses'], 'response'],
  [['components', 'parameters'], 'parameter'],
  [['components', 'examples'], 'example'],
  [['components', 'requestBodies'], 'requestBody'],
  [['components', 'headers'], 'header'],
  [['components', 'securitySchemes'], 'securityScheme'],
  [['components', 'links'], 'link'],
  [['components', 'callbacks'], 'callback'],
  [['components', 'pathItems'], 'pathItem'],
]

/** The section of `components` that holds objects of a kind. */
export const sectionOf = (kind: ObjectKind): string | undefined =>
  roots.find(([path, of]) => path[0] === 'components' && of === kind)?.[0][1]

/** Members of these are fixed names and names with a meaning, so `x-…` is an extension there and no member. */
const extensible = new Set(['paths', 'responses', 'callback'])

type Visit = (kind: ObjectKind, value: unknown, path: Path) => void

/**
 * Visits every object of a document whose meaning OpenAPI defines, references not followed. What is inside examples,
 * defaults and extensions is data, whatever it looks like.
 */
export function walkDocument(document: unknown, visit: Visit): void {
  if (!isRecord(document)) return
  for (const [path, kind] of roots) {
    let value: unknown = document
    for (const name of path) value = isRecord(value) ? value[name] : undefined
    walkMap(kind, value, path, extensible.has(path.at(-1) ?? '') && path.length === 1, visit)
  }
}

function walkMap(kind: ObjectKind, map: unknown, path: Path, skip: boolean, visit: Visit): void {
  if (!isRecord(map)) return
  for (const [name, value] of Object.entries(map)) {
    if (!(skip && name.startsWith('x-'))) walkObject(kind, value, [...path, name], visit)
  }
}

/** The same, from one object of a known kind downwards. */
export function walkObject(kind: ObjectKind, value: unknown, path: Path, visit: Visit): void {
  visit(kind, value, path)
  if (!isRecord(value)) return
  if (kind === 'callback') {
    walkMap('pathItem', value, path, true, visit)
    return
  }
  for (const [name, child] of Object.entries(children[kind])) {
    if (!Object.hasOwn(value, name)) continue
    const inner = value[name]
    const at = [...path, name]
    if ('one' in child) walkObject(child.one, inner, at, visit)
    else if ('map' in child) walkMap(child.map, inner, at, extensible.has(name), visit)
    else if (Array.isArray(inner))
      for (const [index, item] of inner.entries())
        walkObject(child.list, item, [...at, index], visit)
  }
}
