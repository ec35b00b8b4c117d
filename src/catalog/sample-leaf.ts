import { sample } from 'openapi-sampler'
import type { JsonRecord } from './json.ts'
import { stringForPattern } from './string-for-pattern.ts'

const longest = 10_000

/** A value of a schema that has no parts: text, number, boolean or null. */
export function sampleLeaf(schema: JsonRecord): unknown {
  switch (schema.type) {
    case 'string':
      return sampleText(schema)
    case 'number':
    case 'integer':
      return sampleNumber(schema)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return undefined
  }
}

/** What the sampler gives for these formats is not of the format. */
const byFormat: Record<string, string> = { byte: 'd2F5bGVhdmU=', duration: 'P1D', regex: '^a$' }

function sampleText(schema: JsonRecord): string | undefined {
  const minLength = Number(schema.minLength ?? 0)
  const maxLength = Number(schema.maxLength ?? longest)
  const { pattern, format } = schema
  if (minLength > longest) return undefined
  const lengths = typeof format === 'string' ? {} : { minLength, maxLength }
  const sampled =
    typeof format === 'string' && Object.hasOwn(byFormat, format)
      ? byFormat[format]
      : String(
          sample(
            { type: 'string', ...(typeof format === 'string' && { format }), ...lengths },
            { quiet: true },
          ),
        )
  if (sampled === undefined || typeof pattern !== 'string') return sampled
  return fits(sampled, pattern) && sampled.length >= minLength && sampled.length <= maxLength
    ? sampled
    : stringForPattern(pattern, { minLength, maxLength })
}

function fits(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text)
  } catch {
    return false
  }
}

const limits = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const

function sampleNumber(schema: JsonRecord): number {
  const known = Object.fromEntries(
    [...limits, 'type', 'format'].flatMap((k) => (k in schema ? [[k, schema[k]]] : [])),
  )
  const sampled = Number(sample(known, { quiet: true }))
  const step = schema.multipleOf
  if (isWithin(sampled, schema) && (typeof step !== 'number' || sampled % step === 0))
    return sampled
  return between(schema, typeof step === 'number' ? step : undefined)
}

function isWithin(value: number, schema: JsonRecord): boolean {
  const limit = (name: (typeof limits)[number], otherwise: number): number =>
    typeof schema[name] === 'number' ? schema[name] : otherwise
  return (
    value >= limit('minimum', Number.NEGATIVE_INFINITY) &&
    value <= limit('maximum', Number.POSITIVE_INFINITY) &&
    value > limit('exclusiveMinimum', Number.NEGATIVE_INFINITY) &&
    value < limit('exclusiveMaximum', Number.POSITIVE_INFINITY) &&
    (schema.type !== 'integer' || Number.isInteger(value))
  )
}

/** The multiples next to the limits, and what lies in the middle of them. */
function between(schema: JsonRecord, step: number | undefined): number {
  const low = Number(schema.minimum ?? schema.exclusiveMinimum ?? Number.NaN)
  const high = Number(schema.maximum ?? schema.exclusiveMaximum ?? Number.NaN)
  const unit = step ?? 1
  const near = [low, high].filter(Number.isFinite)
  const multiples = near.flatMap((limit) => {
    const times = Math.round(limit / unit)
    return [times - 1, times, times + 1].map((n) => Number((n * unit).toPrecision(12)))
  })
  const middle = near.length === 2 && step === undefined ? [(low + high) / 2] : []
  const candidates = [...multiples, ...middle, 0, unit]
  return candidates.find((value) => isWithin(value, schema)) ?? candidates[0] ?? 0
}
