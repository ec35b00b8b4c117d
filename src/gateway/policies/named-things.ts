import type { ResourceRule } from '#snapshot'
import type { Operation } from '../operation.ts'
import type { ThingKey, ThingsKept } from '../payload/resource-owners.ts'

/** A kind of things as one operation names them. */
type Kind = {
  resource: string
  /** the path parameters that name what such a thing is a part of, where its id means nothing without them */
  nested: readonly string[] | undefined
  /** whether a thing that is known by its id alone counts, because all that it is a part of was checked */
  plain: boolean
}

/** A path parameter whose thing must be the caller's, being of one of these kinds. */
export type Access = { parameter: string; kinds: readonly Kind[] }

/**
 * Names are of one API in all its versions; `carrier-billing/payment` is that of another API.
 */
const resourceName = (name: string, { api }: Operation): string =>
  name.includes('/') ? name : `${api.name}/${name}`

/** What a call names: the thing itself, the one that the thing is a part of, and things of other APIs. */
export function accessesOf(operation: Operation): Access[] {
  const { resource: rule, named = [] } = operation.documented.terms ?? {}
  const told = [
    ...(rule?.role === 'access' && rule.parameter !== undefined
      ? [{ parameter: rule.parameter, kinds: [rule] }]
      : []),
    ...(rule?.within === undefined
      ? []
      : [{ parameter: rule.within.parameter, kinds: [rule.within] }]),
    ...named,
  ]
  const checked = new Set(told.map(({ parameter }) => parameter))
  return told.map(({ parameter, kinds }) => ({
    parameter,
    kinds: kinds.map((kind) => kindOf(kind, operation, checked)),
  }))
}

/** What an operation makes or lists. */
export const kindShown = (rule: ResourceRule, operation: Operation): Kind =>
  kindOf(rule, operation, new Set(accessesOf(operation).map(({ parameter }) => parameter)))

const kindOf = (
  { name, nested }: Pick<ResourceRule, 'name' | 'nested'>,
  operation: Operation,
  checked: ReadonlySet<string>,
): Kind => ({
  resource: resourceName(name, operation),
  nested,
  plain: nested?.every((parameter) => checked.has(parameter)) ?? true,
})

/** How a thing is looked up: by its id within what it is a part of, by its id alone, or first so and then so. */
export function keysOf(
  owners: ThingsKept,
  kind: Kind,
  parameters: Readonly<Record<string, string>>,
  id: string,
): ThingKey {
  const plain = owners.keyOf(kind.resource, id)
  if (kind.nested === undefined) return { plain }
  const parents = kind.nested.map((parameter) => parameters[parameter] ?? '')
  const part = owners.partOf(kind.resource, parents, id)
  return kind.plain ? { part, plain } : { part }
}
