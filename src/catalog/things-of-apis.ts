import type { OperationTerms, ResourceRule, SnapshotOperation } from './entry.ts'
import { isPlain, lastOf, parametersIn } from './kinds-of-things.ts'

/** A path parameter that looks like the id of a thing, where nothing of its API makes such things. */
export type OpenThing = { operationId: string; path: string; parameter: string }

/** What one API version says of things. */
export type ThingsOfApi = {
  name: string
  rules: readonly { path: string; resource: ResourceRule }[]
}

/** A kind of things, as all versions of all APIs speak of it. */
type KnownKind = {
  /** `carrier-billing/payment` */
  name: string
  api: string
  made: boolean
  parameters: Set<string>
  collections: Set<string>
  /** how many things its paths name before it */
  depths: Set<number>
}

const fullName = (name: string, api: string): string =>
  name.includes('/') ? name : `${api}/${name}`
const apiOf = (name: string): string => name.split('/', 1)[0] ?? ''

export const looksLikeId = (parameter: string): boolean =>
  /(?:^id|[a-z0-9]Id|[-_]id)$/.test(parameter)

/** The things that a path names before a parameter, or all of them. */
function parentsIn(path: string, parameter?: string): string[] {
  const all = parametersIn(path)
  const before = parameter === undefined ? all : all.slice(0, Math.max(0, all.indexOf(parameter)))
  return before.filter((name) => looksLikeId(name) || isPlain(name))
}

const collectionOf = (path: string, parameter: string): string =>
  lastOf(path.split(`/{${parameter}}`, 1)[0] ?? '')

export type KnownKinds = ReadonlyMap<string, KnownKind>

/** @returns every kind that these versions make or name, by its full name */
export function knownKinds(apis: readonly ThingsOfApi[]): KnownKinds {
  const kinds = new Map<string, KnownKind>()
  const kindOf = (name: string): KnownKind => {
    const known = kinds.get(name) ?? {
      ...{ name, api: apiOf(name), made: false },
      ...{
        parameters: new Set<string>(),
        collections: new Set<string>(),
        depths: new Set<number>(),
      },
    }
    kinds.set(name, known)
    return known
  }
  for (const { name: api, rules } of apis)
    for (const { path, resource } of rules) {
      const { role, name, parameter, within } = resource
      const kind = kindOf(fullName(name, api))
      if (role === 'create') kind.made = true
      // How another API nests what it did not make says nothing of how ids were given.
      if (kind.api === api) kind.depths.add(parentsIn(path, parameter).length)
      const named = [
        ...(parameter === undefined ? [] : [{ name, parameter }]),
        ...(within === undefined ? [] : [within]),
      ]
      for (const one of named) {
        const other = kindOf(fullName(one.name, api))
        if (other.api !== api) continue
        other.parameters.add(one.parameter)
        other.collections.add(collectionOf(path, one.parameter))
        other.depths.add(parentsIn(path, one.parameter).length)
      }
    }
  return kinds
}

/**
 * The kinds that a path of an API may mean: `near`, those of the API whose name begins this one's (`carrier-billing` of
 * `carrier-billing-refund`, the longest there is), and `far`, those of any other. The same name of a parameter means the
 * same thing, unless it says nothing (`id`): then its collection must be the same.
 */
export function kindsMeant(
  api: string,
  { path, parameter }: OpenThing,
  kinds: KnownKinds,
): { near: string[]; far: string[] } {
  const collection = collectionOf(path, parameter)
  const fits = [...kinds.values()].filter(({ made, api: maker, parameters, collections }) => {
    if (!made || maker === api) return false
    if (parameters.has(parameter) && !isPlain(parameter)) return true
    return collections.has(collection) && (isPlain(parameter) || [...parameters].some(isPlain))
  })
  const family = fits.filter((kind) => api.startsWith(`${kind.api}-`))
  const nearest = Math.max(...family.map((kind) => kind.api.length))
  return {
    near: family
      .filter((kind) => kind.api.length === nearest)
      .map(({ name }) => name)
      .toSorted(),
    far: fits
      .filter((kind) => !family.includes(kind))
      .map(({ name }) => name)
      .toSorted(),
  }
}

/** The names of the APIs that an API with this name may speak of. */
export function apisNamedBy(api: string, operations: readonly SnapshotOperation[]): string[] {
  const words = api.split('-')
  const beginnings = words.map((_, index) => words.slice(0, index + 1).join('-'))
  const rules = operations.flatMap(({ terms }) => terms?.resource ?? [])
  const names = rules.flatMap(({ name, within }) => [name, within?.name ?? ''])
  return [...new Set([...beginnings, ...names.filter((name) => name.includes('/')).map(apiOf)])]
}

/**
 * The same operations with what only the catalog as a whole knows: whose the things are that another API makes, and
 * which things are numbered anew within each thing that they are a part of.
 */
export function withKnownKinds(
  api: string,
  operations: readonly SnapshotOperation[],
  open: readonly OpenThing[],
  kinds: KnownKinds,
): SnapshotOperation[] {
  const nestedOf = (name: string, parents: string[]): { nested?: readonly string[] } => {
    const depths = kinds.get(fullName(name, api))?.depths ?? new Set<number>()
    // What is named by itself anywhere has an id that is nobody else's.
    const isNested = parents.length > 0 && depths.size === 1 && depths.has(parents.length)
    return isNested ? { nested: parents } : {}
  }
  return operations.map((operation) => {
    const { path, operationId } = operation
    const named = open
      .filter((thing) => thing.operationId === operationId)
      .flatMap((thing): NonNullable<OperationTerms['named']> => {
        const { near } = kindsMeant(api, thing, kinds)
        const { parameter } = thing
        const parents = parentsIn(path, parameter)
        return near.length === 0
          ? []
          : [{ parameter, kinds: near.map((name) => ({ name, ...nestedOf(name, parents) })) }]
      })
    const rule = operation.terms?.resource
    const within = rule?.within
    const resource: ResourceRule | undefined = rule && {
      ...rule,
      ...nestedOf(rule.name, parentsIn(path, rule.parameter)),
      ...(within !== undefined && {
        within: { ...within, ...nestedOf(within.name, parentsIn(path, within.parameter)) },
      }),
    }
    if (named.length === 0 && resource === undefined) return operation
    const terms: OperationTerms = {
      ...operation.terms,
      ...(resource !== undefined && { resource }),
      ...(named.length > 0 && { named }),
    }
    return { ...operation, terms }
  })
}
