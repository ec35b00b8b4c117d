import type { JsonSchema } from '#snapshot'
import type { Operation } from '../operation.ts'

const known = new WeakMap<Operation, Map<string, boolean>>()

/**
 * Whether the document names this code among the answers of this status, in an `enum` or an example.
 * @public
 */
export function documentsCode(operation: Operation, status: number, code: string): boolean {
  const answers = known.get(operation) ?? new Map<string, boolean>()
  known.set(operation, answers)
  const key = `${status} ${code}`
  let answer = answers.get(key)
  if (answer === undefined) {
    answer = find(operation, status, code)
    answers.set(key, answer)
  }
  return answer
}

function find(operation: Operation, status: number, code: string): boolean {
  const response = operation.documented.responses.find((r) => r.status === String(status))
  if (response === undefined) return false
  const seen = new Set<string>()
  const names = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(names)
    if (typeof value !== 'object' || value === null) return value === code
    return Object.entries(value).some(([keyword, item]) => {
      if (keyword !== '$ref' || typeof item !== 'string') return names(item)
      const name = item.replace('#/$defs/', '')
      if (seen.has(name)) return false
      seen.add(name)
      return names(operation.api.schemas[name] satisfies JsonSchema | undefined)
    })
  }
  return Object.values(response.content).some(names)
}
