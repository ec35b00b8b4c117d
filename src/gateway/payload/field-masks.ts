import type { ContractEntry, ContractMask, FieldMask } from '#snapshot'
import { coarsePoint, grownRadius, isPoint } from './coarse-location.ts'
import {
  type FieldPath,
  memberOf,
  type Place,
  parseFieldPath,
  placesOf,
  putMember,
} from './field-path.ts'
import { numberOf } from './json-numbers.ts'
import { coarsenValue, hashValue, isPersonalName, maskText, maskValue } from './mask-value.ts'

/**
 * What is done to one field of the answers of one operation under one contract.
 * @public
 */
export type FieldRule = {
  path: FieldPath
  action: Exclude<FieldMask['action'], 'pass'>
  gridMetres: number
  /** scopes, any of which reveals the field */
  revealedBy: readonly string[]
}

const usualGridMetres = 1_000

/**
 * The rules of one API's answers under one contract. What the contract says of a field goes before what the product says
 * of it, and what it says of this API before what it says of every one. Deeper fields come first, so that a rule about
 * the whole has the last word.
 * @public
 */
export function fieldRules(
  product: readonly FieldMask[],
  contract: ContractEntry | undefined,
  apiId: string,
): readonly FieldRule[] {
  const rules = new Map<string, FieldMask & { path: FieldPath }>()
  const put = (mask: FieldMask | ContractMask): void => {
    const path = parseFieldPath(mask.field)
    if (path.steps.length > 0) rules.set(path.text, { ...mask, path })
  }
  for (const mask of product) put(mask)
  for (const mask of contract?.masks ?? []) if (mask.apiId === '*') put(mask)
  for (const mask of contract?.masks ?? []) if (mask.apiId === apiId) put(mask)
  return [...rules.values()]
    .flatMap(({ path, action, gridMetres, revealedBy }) =>
      action === 'pass'
        ? []
        : [
            {
              path,
              action,
              gridMetres: gridMetres ?? usualGridMetres,
              revealedBy: revealedBy ?? [],
            },
          ],
    )
    .toSorted((a, b) => b.path.steps.length - a.path.steps.length)
}

/**
 * Whether a token's scopes reveal the field; an API key has no scopes.
 * @public
 */
export const isRevealed = (
  { revealedBy }: FieldRule,
  scopes: ReadonlySet<string> | undefined,
): boolean => scopes !== undefined && revealedBy.some((scope) => scopes.has(scope))

/** What masking did: the fields that were there, and what stood in them. */
export type MaskingResult = { fields: string[]; texts: Set<string> }

/**
 * Changes a body in place, wherever it has the fields of the rules.
 * @param hash a keyed hash of the contract, so that two partners cannot join what they got
 * @public
 */
export function maskBody(
  root: { body: unknown },
  rules: readonly FieldRule[],
  hash: (text: string) => string,
): MaskingResult {
  const result: MaskingResult = { fields: [], texts: new Set() }
  const names: PersonalNames = new Map()
  for (const rule of rules) {
    const places = placesOf(root, rule.path, (owner, name) => {
      if (!isPersonalName(name)) return
      names.set(owner, (names.get(owner) ?? new Map<string, FieldRule>()).set(name, rule))
      result.texts.add(name)
    }).filter(({ value }) => value !== undefined)
    if (places.length === 0) continue
    result.fields.push(rule.path.text)
    for (const place of places) {
      collectTexts(place.value, result.texts)
      change(place, rule, hash)
    }
  }
  // At last: a rule finds what the document calls by a name of its own.
  for (const [owner, of] of names) hideNames(owner, of, hash)
  return result
}

/** names in maps that a `*` led through, with the last rule that did */
type PersonalNames = Map<Record<string, unknown>, Map<string, FieldRule>>

/**
 * The names in a map are data as its values are: one that is somebody's number is hidden as its rule hides a text. Two
 * that look alike then stay two.
 */
function hideNames(
  owner: Record<string, unknown>,
  rules: ReadonlyMap<string, FieldRule>,
  hash: (text: string) => string,
): void {
  const members = Object.keys(owner).map((name) => ({ name, value: memberOf(owner, name) }))
  const taken = new Set(members.flatMap(({ name }) => (rules.has(name) ? [] : [name])))
  if (taken.size === members.length) return
  for (const { name } of members) delete owner[name]
  for (const { name, value } of members) {
    const rule = rules.get(name)
    const hidden =
      rule === undefined ? name : rule.action === 'hash' ? hash(`s${name}`) : maskText(name)
    let key = hidden
    for (let n = 2; rule !== undefined && taken.has(key); n += 1) key = `${hidden} (${n})`
    taken.add(key)
    putMember({ owner, key, value: undefined }, value)
  }
}

function change(place: Place, rule: FieldRule, hash: (text: string) => string): void {
  switch (rule.action) {
    case 'remove':
      putMember(place, undefined)
      return
    case 'mask':
      putMember(place, maskValue(place.value))
      return
    case 'hash':
      putMember(place, hashValue(place.value, hash))
      return
    case 'coarsen':
      coarsen(place, rule.gridMetres)
      return
  }
}

/** A coordinate is coarsened together with its other half, and a centre together with its radius. */
function coarsen(place: Place, gridMetres: number): void {
  const { owner, key, value } = place
  if (key === 'latitude' || key === 'longitude') {
    if (!Array.isArray(owner) && isPoint(owner))
      Object.assign(owner, coarsePoint(owner, gridMetres))
    else if (Array.isArray(owner)) putMember(place, undefined)
    else for (const half of ['latitude', 'longitude']) delete owner[half]
    return
  }
  putMember(place, coarsenValue(value, gridMetres))
  if (key !== 'center' || Array.isArray(owner) || !isPoint(value)) return
  const radius = numberOf(memberOf(owner, 'radius'))
  if (radius !== undefined) owner.radius = grownRadius(radius, gridMetres)
}

const shortest = 4

/** What a header field may repeat; a text of three characters would be found by chance. */
function collectTexts(value: unknown, texts: Set<string>): void {
  if (typeof value === 'string') {
    if (value.length >= shortest) texts.add(value)
  } else if (Array.isArray(value)) for (const item of value) collectTexts(item, texts)
  else if (typeof value === 'object' && value !== null) {
    if (JSON.isRawJSON(value)) texts.add(value.rawJSON)
    else
      for (const [name, item] of Object.entries(value)) {
        if (isPersonalName(name)) texts.add(name)
        collectTexts(item, texts)
      }
  } else if (typeof value === 'number' && String(value).length >= shortest) texts.add(String(value))
}

const escapes = /(?:%[0-9a-f]{2})+/gi
const betweenDigits = /(?<=[0-9])[^0-9a-z]{1,4}(?=[0-9])/g
const numberLike = /^[+(]?[0-9][0-9\s()./-]*$/
const fewestDigits = 7

/** Escapes that are none stay: one of them does not hide the others. */
const unescaped = (text: string): string =>
  text.replace(escapes, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))

const digitsOf = (text: string): string => text.replaceAll(/[^0-9]/g, '')

/**
 * Whether a header field repeats one of these texts: as it is, as a part of an address (escaped once or twice), in
 * letters of another case, or as a number written another way.
 * @public
 */
export function repeats(field: string, texts: ReadonlySet<string>): boolean {
  const once = unescaped(field)
  const forms = [field, once, unescaped(once)].map((form) => form.toLowerCase())
  const numbers = forms.map((form) => form.replaceAll(betweenDigits, ''))
  const all = [...forms, ...forms.map((form) => form.replaceAll('+', ' '))]
  for (const text of texts) {
    const lower = text.toLowerCase()
    if (all.some((form) => form.includes(lower))) return true
    if (!numberLike.test(text)) continue
    const digits = digitsOf(text)
    if (digits.length >= fewestDigits && numbers.some((form) => form.includes(digits))) return true
  }
  return false
}
