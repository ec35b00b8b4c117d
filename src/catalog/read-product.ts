import { Ajv, type ErrorObject } from 'ajv'
import { checkProduct } from './check-product.ts'
import { type CheckedFile, pathOf } from './faults.ts'
import { isRecord, type JsonRecord, recordOf, valueAt } from './json.ts'
import { hint, nearestName } from './nearest-name.ts'
import { decimalPaths, ProductFile } from './product-schema.ts'

const validate = new Ajv({ allErrors: true, verbose: true, strict: false }).compile<ProductFile>(
  ProductFile,
)

/**
 * Reads `product.yaml`. Every fault is noted with its line.
 * @returns undefined when there was one
 */
export function readProduct(file: CheckedFile): ProductFile | undefined {
  if (!isRecord(file.value)) {
    file.fault([], 'must be a mapping with at least `domain` and `owner`')
    return undefined
  }
  const value = withDecimalTexts(file, file.value)
  if (!validate(value)) for (const error of validate.errors ?? []) report(file, error)
  checkPrices(file, value)
  if (file.faulty) return undefined
  const product = value as ProductFile
  checkProduct(file, product)
  return file.faulty ? undefined : product
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
  const path = pathOf(`#${error.instancePath}`) ?? []
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
      file.fault(path, String(schema.must ?? error.message))
      return
    case 'type':
      file.fault(path, String(schema.must ?? `must be ${String(params.type)}`))
      return
    default:
      file.fault(path, String(schema.must ?? error.message ?? 'is not valid'))
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
