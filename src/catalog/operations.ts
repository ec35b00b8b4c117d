import type { Path } from './faults.ts'
import { isRecord, listOf, recordOf, textOf, valueAt } from './json.ts'
import { dereference, type Located } from './references.ts'

/** The methods that a gateway serves. */
const servedMethods = ['get', 'post', 'put', 'patch', 'delete'] as const
const otherMethods = ['head', 'options', 'trace']

export type ParameterAt = Located & {
  name: string
  in: string
  /** where it is listed: not where a reference leads to */
  listedAt: Path
}

export type OperationAt = {
  /** the template: `/payments/{paymentId}` */
  template: string
  method: string
  served: boolean
  operation: Record<string, unknown>
  at: Path
  /** of the operation and of its path, the operation's winning */
  parameters: ParameterAt[]
}

/** Every operation under `paths`, in the order of the document. */
export function operationsOf(document: unknown): OperationAt[] {
  const paths = recordOf(valueAt(document, ['paths']))
  return Object.entries(paths).flatMap(([template, item]) => {
    if (!template.startsWith('/')) return []
    const located = dereference(document, { value: item, path: ['paths', template] })
    if (!isRecord(located.value)) return []
    const shared = parametersOf(document, located.value, located.path)
    return Object.entries(located.value).flatMap(([method, operation]) => {
      const served = (servedMethods as readonly string[]).includes(method)
      if (!(served || otherMethods.includes(method)) || !isRecord(operation)) return []
      const at = [...located.path, method]
      const own = parametersOf(document, operation, at)
      const inherited = shared.filter((p) => !own.some((o) => o.name === p.name && o.in === p.in))
      return [{ template, method, served, operation, at, parameters: [...own, ...inherited] }]
    })
  })
}

export function parametersOf(
  document: unknown,
  owner: Record<string, unknown>,
  at: Path,
): ParameterAt[] {
  return listOf(owner.parameters).map((item, index) => {
    const listedAt = [...at, 'parameters', index]
    const { value, path } = dereference(document, { value: item, path: listedAt })
    const { name, in: place } = recordOf(value)
    return { value, path, name: textOf(name), in: textOf(place), listedAt }
  })
}

/** The names in the braces of a template. */
export const namesIn = (template: string): string[] =>
  [...template.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? '')
