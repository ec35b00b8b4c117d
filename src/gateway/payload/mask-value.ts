import { coarseArea, coarsePoint, isArea, isPoint } from './coarse-location.ts'
import { isObject } from './field-path.ts'
import { numberOf } from './json-numbers.ts'

/** What stands in the place of a value; undefined when nothing may. */
type Masked = unknown

const phone = /^\+[0-9]{5,15}$/
const digits = /^[0-9]{5,}$/
const masked = /^(?:\+?\*+[0-9]{2}|\*{3})$/
const dateTime = /^(\d{4}-\d{2}-\d{2}[Tt]\d{2}):\d{2}:\d{2}(?:\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/
const date = /^(\d{4})-\d{2}-\d{2}$/

/**
 * A text of which the least is left that a person recognises it by: a number keeps its last two digits
 * (`+*********78`), an address the first letter before the at sign (`a***@***`), any other text its first letter
 * (`A***`), and one of one or two letters nothing (`***`).
 */
export function maskText(text: string): string {
  if (masked.test(text)) return text
  if (phone.test(text)) return `+${'*'.repeat(text.length - 3)}${text.slice(-2)}`
  if (digits.test(text)) return `${'*'.repeat(text.length - 2)}${text.slice(-2)}`
  const letters = [...text]
  if (letters.length <= 2) return '***'
  const first = letters[0] ?? ''
  const at = text.indexOf('@')
  return at > 0 ? `${first}***@***` : `${first}***`
}

const dayOrMoment =
  /^(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[Tt ][\d:.]{5,18}(?:[Zz]|[+-]\d\d:?\d\d)?)?$/
/** a run of digits however it is set, an IP address, a UUID */
const identifiers = [
  /\p{Nd}(?:[^\p{L}\p{Nd}]{0,3}\p{Nd}){4,}/u,
  /(?:^|[^\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/,
  /(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}/i,
  /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i,
]

/**
 * A name that is itself a number, an address or another identifier of somebody: in a map that is masked, it must not
 * stay. A date is none.
 */
export const isPersonalName = (name: string): boolean =>
  name.includes('@') ||
  (identifiers.some((pattern) => pattern.test(name)) && !dayOrMoment.test(name))

/** Applies to each text, number and truth value of a value, whatever it is made of. */
function eachLeaf(value: unknown, change: (leaf: unknown) => Masked): Masked {
  if (Array.isArray(value))
    return value.map((item) => eachLeaf(item, change)).filter((item) => item !== undefined)
  if (!isObject(value)) return value === null ? null : change(value)
  const copy: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(value)) {
    if (isPersonalName(name)) continue
    const left = eachLeaf(Object.getOwnPropertyDescriptor(value, name)?.value, change)
    if (left !== undefined) copy[name] = left
  }
  return copy
}

/** Texts are masked; a number or a truth value has no part that may stay, and goes. */
export const maskValue = (value: unknown): Masked =>
  eachLeaf(value, (leaf) => (typeof leaf === 'string' ? maskText(leaf) : undefined))

/** A text in the place of each value, the same for the same value. */
export const hashValue = (value: unknown, hash: (text: string) => string): Masked =>
  eachLeaf(value, (leaf) => {
    if (typeof leaf === 'string') return hash(`s${leaf}`)
    const number = numberOf(leaf)
    return hash(number === undefined ? `b${String(leaf)}` : `n${number}`)
  })

/**
 * Less exact, of the same kind: a place becomes the middle of its cell of the grid, an area grows until it surely holds
 * what it held, a moment becomes its hour, a date the first day of its year, a number one with a single significant
 * digit. What cannot be made less exact is masked.
 */
export function coarsenValue(value: unknown, gridMetres: number): Masked {
  if (Array.isArray(value))
    return value.map((item) => coarsenValue(item, gridMetres)).filter((item) => item !== undefined)
  if (isArea(value)) return coarseArea(value, gridMetres)
  if (isPoint(value)) return { ...value, ...coarsePoint(value, gridMetres) }
  if (isObject(value)) {
    const copy: Record<string, unknown> = Object.create(null)
    const isPlace = Object.hasOwn(value, 'center') || Object.hasOwn(value, 'boundary')
    for (const name of Object.keys(value)) {
      // Half of a pair that is no point says as much as the whole, and is nothing that could be coarsened.
      if (name === 'latitude' || name === 'longitude' || isPersonalName(name)) continue
      const member = Object.getOwnPropertyDescriptor(value, name)?.value as unknown
      const isKind = isPlace && name === 'areaType'
      const left = isKind ? member : coarsenValue(member, gridMetres)
      if (left !== undefined) copy[name] = left
    }
    return copy
  }
  if (typeof value === 'string') return coarseText(value)
  const number = numberOf(value)
  if (number !== undefined) return coarseNumber(number)
  return value === null ? null : undefined
}

function coarseText(text: string): string {
  const moment = dateTime.exec(text)
  if (moment !== null) return `${moment[1]}:00:00${moment[2]}`
  const day = date.exec(text)
  return day === null ? maskText(text) : `${day[1]}-01-01`
}

function coarseNumber(value: number): number | undefined {
  return Number.isFinite(value) ? Number(value.toPrecision(1)) : undefined
}
