import { isDeepStrictEqual } from 'node:util'
import { Ajv, type ErrorObject } from 'ajv'
import { faultWords } from '#platform/fault-words'
import { checkProduct } from './check-product.ts'
import type { CheckedFile } from './faults.ts'
import { isRecord, type JsonRecord, recordOf, valueAt } from './json.ts'
import { hint, nearestName } from './nearest-name.ts'
import { OperationDecision } from './product-operations.ts'
import { decimalPaths, ProductFile } from './product-schema.ts'

const validate = new Ajv({ allErrors: true, verbose: true, strict: false }).compile<ProductFile>(
  ProductFile,
)
const validateDecision = new Ajv({ strict: false }).compile(OperationDecision)

/** What can be read of a manifest, and the keys of its first level of which something could not. */
export type ProductReading = { product: ProductFile; dropped: ReadonlySet<string> }

/**
 * Reads `product.yaml`. Every fault is noted with its line; what is at fault is left out, so that the rest can be held
 * against the document all the same.
 */
export function readProduct(file: CheckedFile): ProductReading {
  if (!isRecord(file.value)) {
    file.fault([], 'must be a mapping with at least `domain` and `owner`')
    return { product: { ...unknown, state: 'draft' }, dropped: new Set(Object.keys(known)) }
  }
  const value = withDecimalTexts(file, file.value)
  const errors = validate(value) ? [] : (validate.errors ?? [])
  for (const error of errors) report(file, error)
  checkPrices(file, value)
  const reading = withoutFaults(value, errors)
  checkProduct(file, reading.product)
  const { deprecation, ...others } = reading.product
  // Dates that are none cannot be compared with anything.
  return deprecation !== undefined && file.faults().some(({ path }) => path.startsWith(dates))
    ? { product: others, dropped: reading.dropped.union(new Set(['deprecation'])) }
    : reading
}

const dates = '#/deprecation/'

const known = ProductFile.properties

/** Stands in for what every manifest must say. */
const unknown = {
  domain: 'Identity' as const,
  owner: { team: 'unknown', contact: 'unknown' },
}

function withoutFaults(value: JsonRecord, errors: readonly ErrorObject[]): ProductReading {
  const dropped = new Set<string>()
  let rest: JsonRecord = value
  let found = errors
  while (found.length > 0) {
    const places = new Map(found.map(placeOf).map((place) => [place.slice(0, 2).join('\n'), place]))
    for (const [name = '', second = ''] of places.values()) {
      if (Object.hasOwn(known, name)) dropped.add(name)
      rest = { ...unknown, ...withoutPlace(rest, name, second) }
    }
    found = validate(rest) ? [] : (validate.errors ?? [])
  }
  // Without its state it is not known what a version may be: a draft may be everything.
  const product = { ...rest, ...(dropped.has('state') && { state: 'draft' }) } as ProductFile
  return { product, dropped }
}

/** What is decided for each operation or environment is left out for that one alone. */
function withoutPlace(value: JsonRecord, name: string, second: string): JsonRecord {
  const parts = value[name]
  const isOne = ['operations', 'scopes', 'billable', 'upstream'].includes(name)
  if (!isOne || second === '' || !isRecord(parts)) return without(value, name)
  return { ...value, [name]: name === 'operations' ? sound(parts, second) : without(parts, second) }
}

/** Of a JSON Pointer that is no part of an address: a percent sign is one (RFC 6901, section 3). */
const partsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))

const placeOf = ({ instancePath, keyword, params }: ErrorObject): string[] => {
  const path = partsOf(instancePath)
  const more = keyword === 'additionalProperties' || keyword === 'required'
  const name = recordOf(params)[keyword === 'required' ? 'missingProperty' : 'additionalProperty']
  return more && path.length === 0 ? [String(name)] : path
}

const without = (record: JsonRecord, name: string): JsonRecord =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name))

/** Those decisions of a faulty operation that stand for themselves; the second time, nothing of it. */
function sound(operations: JsonRecord, id: string): JsonRecord {
  const decision = recordOf(operations[id])
  const kept: JsonRecord = {}
  for (const key of ['subject', 'resource'])
    if (key in decision && validateDecision({ [key]: decision[key] })) kept[key] = decision[key]
  if (Array.isArray(decision.masks))
    kept.masks = decision.masks.filter((mask) => validateDecision({ masks: [mask] }))
  return isDeepStrictEqual(kept, decision) ? without(operations, id) : { ...operations, [id]: kept }
}

/** A price written as a number means the digits that stand there. */
function withDecimalTexts(file: CheckedFile, value: JsonRecord): JsonRecord {
  const copy = structuredClone(value)
  for (const path of decimalPaths) {
    const owner = valueAt(copy, path.slice(0, -1))
    const name = path.at(-1) ?? ''
    if (isRecord(owner) && typeof owner[name] === 'number')
      owner[name] = file.sourceOf(path) ?? String(owner[name])
  }
  return copy
}

function report(file: CheckedFile, error: ErrorObject): void {
  const path = partsOf(error.instancePath)
  const params = error.params as JsonRecord
  const schema = recordOf(error.parentSchema)
  switch (error.keyword) {
    case 'required':
      file.fault(path, `needs \`${String(params.missingProperty)}\``, { needsWholeFile: true })
      return
    case 'additionalProperties': {
      const name = String(params.additionalProperty)
      const known = Object.keys(recordOf(schema.properties))
      const mean =
        nearestName(name, known) === undefined
          ? `: known are ${known.join(', ')}`
          : hint(name, known)
      file.fault([...path, name], `\`${name}\` is not known here${mean}`, { at: 'key' })
      return
    }
    case 'anyOf': {
      if (typeof schema.must === 'string') {
        file.fault(path, schema.must)
        return
      }
      const choices = (schema.anyOf as JsonRecord[]).map((choice) => String(choice.const))
      const given = typeof error.data === 'string' ? hint(error.data, choices) : ''
      file.fault(path, `must be one of ${choices.join(', ')}${given}`)
      return
    }
    // What is wrong inside of the chosen form is told by itself.
    case 'const':
    case 'if':
      return
    case 'minLength':
    case 'maxLength':
    case 'pattern':
      file.fault(path, String(schema.must ?? faultWords(error)))
      return
    case 'type':
      file.fault(path, String(schema.must ?? faultWords(error)))
      return
    default:
      file.fault(path, String(schema.must ?? faultWords(error)))
  }
}

function checkPrices(file: CheckedFile, value: JsonRecord): void {
  const plans = value.plans
  if (!Array.isArray(plans)) return
  for (const tier of Object.keys(recordOf(value.prices))) {
    if (!plans.includes(tier))
      file.fault(['prices', tier], `has a price, and \`${tier}\` is not among the plans`, {
        at: 'key',
      })
  }
}

/** Names of operations in the manifest are names of the document. */
export function checkOperationNames(file: CheckedFile, operationIds: readonly string[]): void {
  for (const section of ['scopes', 'billable', 'operations']) {
    for (const name of Object.keys(recordOf(valueAt(file.value, [section])))) {
      if (!operationIds.includes(name))
        file.fault(
          [section, name],
          `\`${name}\` is no operationId of the document${hint(name, operationIds)}`,
          { at: 'key' },
        )
    }
  }
}
