import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'

/** `verbose`: a schema may say in words (`must`) what a text has to be. */
export const ajvOptions = {
  allErrors: true,
  strict: false,
  removeAdditional: false,
  useDefaults: true,
  verbose: true,
}

const every = addFormats.default(new Ajv(ajvOptions))
const first = addFormats.default(new Ajv({ ...ajvOptions, allErrors: false }))

/** More than any form that people fill in, and few enough that all its faults are told in no time. */
const mostParts = 1_000

/**
 * Checks a body and finds every fault of it. Of one with very many parts only the first fault is told: a megabyte can
 * hold a hundred thousand, and finding, wording and sending them all would keep everybody else waiting.
 */
export function compileBody(schema: object): (body: unknown) => true | { error: ErrorObject[] } {
  const all = every.compile(schema)
  let one: ValidateFunction | undefined
  return (body) => {
    let validate = all
    if (hasManyParts(body)) {
      one ??= first.compile(schema)
      validate = one
    }
    return validate(body) || { error: validate.errors ?? [] }
  }
}

function hasManyParts(body: unknown): boolean {
  const open = [body]
  for (let count = 0; open.length > 0; count += 1) {
    const part = open.pop()
    if (typeof part !== 'object' || part === null) continue
    const parts: unknown[] = Object.values(part)
    if (count + open.length + parts.length > mostParts) return true
    for (const one of parts) open.push(one)
  }
  return false
}
