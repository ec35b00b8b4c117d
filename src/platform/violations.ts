import type { ErrorObject } from 'ajv'
import type { Violation } from './app-error.ts'
import { faultWords } from './fault-words.ts'

/**
 * What a person has to mend, of what the validator found: one fault a place and kind; a text that is too short says so
 * once, not also that it has the wrong form; of a choice only the alternative that was meant.
 */
export function violationsOf(errors: readonly ErrorObject[], part: string): Violation[] {
  const seen = new Set<string>()
  const meant = withoutOtherAlternatives(errors)
  const constants = new Map<string, unknown[]>()
  for (const { keyword, instancePath, params } of meant) {
    if (keyword !== 'const') continue
    const allowed = constants.get(instancePath) ?? []
    allowed.push((params as Record<string, unknown>).allowedValue)
    constants.set(instancePath, allowed)
  }
  const short = new Set(meant.filter((e) => e.keyword === 'minLength').map((e) => e.instancePath))
  return meant.flatMap((error) => {
    if (short.has(error.instancePath) && error.keyword !== 'minLength') return []
    const violation = violationOf(error, part, constants)
    const key = `${violation.path} ${violation.message}`
    if (seen.has(key)) return []
    seen.add(key)
    return [violation]
  })
}

type Alternative = { choice: string; index: string }

const alternativeOf = ({ schemaPath }: ErrorObject): Alternative | undefined => {
  const [, choice, index] = /^(.*?\/anyOf)\/(\d+)\//.exec(schemaPath) ?? []
  return choice === undefined || index === undefined ? undefined : { choice, index }
}

/** A constant that names the alternative (`type`), or its very type, tells which one the sender meant. */
function withoutOtherAlternatives(errors: readonly ErrorObject[]): ErrorObject[] {
  const places = new Map(
    errors.filter((e) => e.keyword === 'anyOf').map((e) => [e.schemaPath, e.instancePath]),
  )
  const tells = (error: ErrorObject, choice: string): boolean =>
    error.keyword === 'const' ||
    (error.keyword === 'type' && error.instancePath === places.get(choice))
  const told = new Map<string, { all: Set<string>; refused: Set<string> }>()
  for (const error of errors) {
    const alternative = alternativeOf(error)
    if (alternative === undefined) continue
    const choice = told.get(alternative.choice) ?? { all: new Set(), refused: new Set() }
    choice.all.add(alternative.index)
    if (tells(error, alternative.choice)) choice.refused.add(alternative.index)
    told.set(alternative.choice, choice)
  }
  return errors.filter((error) => {
    if (error.keyword === 'anyOf') return !told.has(error.schemaPath)
    const alternative = alternativeOf(error)
    const choice = alternative === undefined ? undefined : told.get(alternative.choice)
    if (alternative === undefined || choice === undefined) return true
    if (choice.refused.size === choice.all.size) return tells(error, alternative.choice)
    return !choice.refused.has(alternative.index)
  })
}

function violationOf(
  error: ErrorObject,
  part: string,
  constants: ReadonlyMap<string, unknown[]>,
): Violation {
  const base = part === 'body' ? error.instancePath : `${part}${error.instancePath}`
  const params: Record<string, unknown> = error.params
  switch (error.keyword) {
    case 'required':
      return { path: `${base}/${String(params.missingProperty)}`, message: faultWords(error) }
    case 'additionalProperties':
      return { path: `${base}/${String(params.additionalProperty)}`, message: faultWords(error) }
    case 'const':
      return { path: base, message: oneOf(constants.get(error.instancePath) ?? []) }
    // People read these too: a pattern would tell them nothing. A schema may say it in words.
    case 'pattern': {
      const words: unknown = error.parentSchema?.must
      const message = 'has a form or a character that is not allowed here'
      return { path: base, message: typeof words === 'string' ? words : message }
    }
    default:
      return { path: base, message: `${base === '' ? 'the body ' : ''}${faultWords(error)}` }
  }
}

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? `must be ${String(values[0])}` : `must be one of ${values.join(', ')}`
