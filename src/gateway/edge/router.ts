import { decodePart } from './canonical-path.ts'

export type Matched<T> =
  | { kind: 'found'; target: T; parameters: Readonly<Record<string, string>> }
  | { kind: 'method'; allow: readonly string[] }
  | { kind: 'gone' }
  | { kind: 'none' }

/**
 * A set of operations below one base path.
 * @public
 */
export type Routes<T> = {
  basePath: string
  /** a retired API answers 410 at every path below its base */
  retired: boolean
  operations: readonly { method: string; path: string; target: T }[]
}

type Methods<T> = Map<string, { target: T; names: readonly string[] }>
type Node<T> = {
  literals: Map<string, Node<T>>
  parameter: Node<T> | undefined
  methods: Methods<T> | undefined
}

const noParameters: Readonly<Record<string, string>> = Object.freeze({})
const emptyNode = <T>(): Node<T> => ({
  literals: new Map(),
  parameter: undefined,
  methods: undefined,
})

/**
 * Finds the operation of a canonical path: first the path, then the method (OpenAPI 3.1, path templating). Paths
 * without parameters are one map lookup; the others are a tree of segments in which a literal wins over a parameter.
 * No regular expression is built from a document.
 * @public
 */
export class Router<T> {
  #static = new Map<string, Methods<T>>()
  #root: Node<T> = emptyNode()
  #retired: string[] = []

  constructor(apis: Iterable<Routes<T>>) {
    for (const api of apis) {
      if (api.retired) this.#retired.push(api.basePath)
      else
        for (const { method, path, target } of api.operations)
          this.#add(api.basePath + path, method, target)
    }
  }

  match(method: string, path: string): Matched<T> {
    const literal = this.#static.get(path)
    if (literal !== undefined) {
      const end = literal.get(method)
      return end === undefined
        ? { kind: 'method', allow: [...literal.keys()].sort() }
        : { kind: 'found', target: end.target, parameters: noParameters }
    }
    const values: string[] = []
    const methods = walk(this.#root, path.split('/'), 1, values)
    if (methods !== undefined) {
      const end = methods.get(method)
      if (end === undefined) return { kind: 'method', allow: [...methods.keys()].sort() }
      const parameters = named(end.names, values)
      return parameters === undefined
        ? { kind: 'none' }
        : { kind: 'found', target: end.target, parameters }
    }
    const gone = this.#retired.some((base) => path === base || path.startsWith(`${base}/`))
    return gone ? { kind: 'gone' } : { kind: 'none' }
  }

  /** Everything that is at a canonical path, by method. */
  at(path: string): ReadonlyMap<string, T> | undefined {
    const methods = this.#static.get(path) ?? walk(this.#root, path.split('/'), 1, [])
    if (methods === undefined) return undefined
    return new Map([...methods].map(([method, { target }]) => [method, target]))
  }

  #add(template: string, method: string, target: T): void {
    const names: string[] = []
    let node = this.#root
    if (template.includes('{')) {
      for (const segment of template.split('/').slice(1)) {
        const name = /^\{([^{}]+)\}$/.exec(segment)?.[1]
        if (name === undefined) node = literalChild(node, segment)
        else {
          names.push(name)
          node.parameter ??= emptyNode<T>()
          node = node.parameter
        }
      }
      node.methods ??= new Map()
      node.methods.set(method, { target, names })
      return
    }
    const methods: Methods<T> = this.#static.get(template) ?? new Map()
    methods.set(method, { target, names })
    this.#static.set(template, methods)
  }
}

function literalChild<T>(node: Node<T>, segment: string): Node<T> {
  const child = node.literals.get(segment) ?? emptyNode<T>()
  node.literals.set(segment, child)
  return child
}

function walk<T>(
  node: Node<T>,
  segments: readonly string[],
  depth: number,
  values: string[],
): Methods<T> | undefined {
  if (depth === segments.length) return node.methods
  const segment = segments[depth] ?? ''
  const literal = node.literals.get(segment)
  const found = literal && walk(literal, segments, depth + 1, values)
  if (found !== undefined || node.parameter === undefined || segment === '') return found
  values.push(segment)
  const below = walk(node.parameter, segments, depth + 1, values)
  if (below === undefined) values.pop()
  return below
}

function named(
  names: readonly string[],
  values: readonly string[],
): Record<string, string> | undefined {
  const parameters: Record<string, string> = Object.create(null)
  for (const [i, name] of names.entries()) {
    const value = decodePart(values[i] ?? '')
    if (value === undefined) return undefined
    parameters[name] = value
  }
  return parameters
}
