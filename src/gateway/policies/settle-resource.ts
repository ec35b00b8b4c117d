import { reasons } from '#journal'
import type { ResourceRule } from '#snapshot'
import { type Exchange, pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import { brokenRule } from '../payload/broken-rules.ts'
import {
  type FieldPath,
  isObject,
  memberOf,
  parseFieldPath,
  placesOf,
  valuesAt,
} from '../payload/field-path.ts'
import { idTextOf, numberOf } from '../payload/json-numbers.ts'
import type { Owner } from '../payload/payload-store.ts'
import { putResponseJson, responseJson } from '../payload/response-json.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'
import { callerOf, resourceName } from './isolate-resource.ts'

/**
 * What an answer says of things: whose a new one is is stored before the caller hears of it, and a list has only the
 * caller's own.
 * @public
 */
export const settleResource: OperationPolicy = (context, operation) => {
  const { resource: rule } = operation.documented.terms ?? {}
  if (rule === undefined || rule.field === undefined) return undefined
  if (rule.role === 'access') return undefined
  const resource = resourceName(rule.name, operation)
  const field = parseFieldPath(rule.field)
  const settle =
    rule.role === 'create'
      ? noteOwners(context, operation, rule, field)
      : keepOwn(context, resource, parseItems(rule), field)
  return {
    name: 'settle-resource',
    apply(exchange) {
      if (exchange.status >= 300) return undefined
      const json = responseJson(exchange)
      if (json === 'none') return undefined
      if (json === 'other') return unusable('a body that is not JSON names no resource')
      const settled = settle(exchange, json.value)
      if (settled === undefined) return undefined
      settled.then(
        (refusal) => exchange.resume(refusal),
        () => exchange.resume(notNow(rule.role === 'create')),
      )
      return pending
    },
  }
}

const parseItems = (rule: ResourceRule): FieldPath => parseFieldPath(rule.items ?? '')

type Settle = (exchange: Exchange, body: unknown) => Promise<Refusal | undefined> | undefined

const triesMs = [0, 100, 400, 1_000]

/** One request may make many things: each is its maker's. */
function noteOwners(
  context: GatewayContext,
  operation: Operation,
  rule: ResourceRule,
  field: FieldPath,
): Settle {
  const resource = resourceName(rule.name, operation)
  const tell = (exchange: Exchange, keyword: 'resource-id' | 'resource-owner'): void =>
    context.violations.add(operation, exchange.status, 'passed', brokenRule(keyword))
  return (exchange, body) => {
    const ids = new Set(valuesAt(body, field).flatMap((value) => idTextOf(value) ?? []))
    if (ids.size === 0) {
      if (!Array.isArray(body) || body.length > 0) tell(exchange, 'resource-id')
      return undefined
    }
    const { applicationId, subject } = callerOf(context, exchange)
    // A 2-legged call is about somebody as well, who may later come with a token of their own.
    const owner = { applicationId, subject: subject ?? exchange.subject }
    const hashes = [...ids].map((id) => context.owners.hashOf(resource, id))
    return noteAll(context, resource, hashes, owner).then((allOwned) => {
      if (allOwned) return undefined
      // The write was done. A rule that nobody wrote may be wrong: then the thing stays its first maker's.
      if (rule.derived !== true) return unusable(reasons.foreignId)
      tell(exchange, 'resource-owner')
      return undefined
    })
  }
}

const notedAtOnce = 8

/** @returns whether all of them are the owner's */
async function noteAll(
  context: GatewayContext,
  resource: string,
  hashes: readonly string[],
  owner: Owner,
): Promise<boolean> {
  let allOwned = true
  for (let i = 0; i < hashes.length; i += notedAtOnce) {
    const some = hashes.slice(i, i + notedAtOnce)
    const owned = await Promise.all(some.map((hash) => note(context, resource, hash, owner)))
    allOwned &&= !owned.includes(false)
  }
  return allOwned
}

/**
 * The thing exists by now: it is tried for a moment before the caller is told that nobody knows whose it is.
 * @returns false when it is somebody else's
 */
async function note(
  context: GatewayContext,
  resource: string,
  idHash: string,
  owner: Owner,
): Promise<boolean> {
  for (const [attempt, waitMs] of triesMs.entries()) {
    if (waitMs > 0)
      await new Promise((resolve) => {
        setTimeout(resolve, waitMs)
      })
    try {
      return await context.owners.own(resource, idHash, owner)
    } catch (error) {
      if (attempt === triesMs.length - 1) throw error
    }
  }
  return false
}

function keepOwn(
  context: GatewayContext,
  resource: string,
  items: FieldPath,
  field: FieldPath,
): Settle {
  return (exchange, body) => {
    const shown = items.steps.length === 0 ? [body] : placesOf({ body }, items).map((p) => p.value)
    const lists = shown.filter((value) => Array.isArray(value))
    // A document may allow one thing where it allows a list of them.
    const singles = shown.filter((value) => value !== null && !Array.isArray(value))
    const hashesOf = (item: unknown): string[] =>
      valuesAt(item, field).map((id) => context.owners.hashOf(resource, idTextOf(id) ?? ''))
    const hashes = [...lists.flat(), ...singles].flatMap(hashesOf)
    const caller = callerOf(context, exchange)
    return (async () => {
      const own = await context.owners.ofCaller(resource, hashes, caller)
      const isOwn = (item: unknown): boolean => {
        const named = hashesOf(item)
        return named.length > 0 && named.every((hash) => own.has(hash))
      }
      if (!singles.every(isOwn)) return refuse('NOT_FOUND', 'There is no such thing here.')
      let removed = 0
      for (const list of lists) {
        const left = list.filter(isOwn)
        removed += list.length - left.length
        list.length = 0
        for (const item of left) list.push(item)
      }
      const total = hasTotals(exchange, body) ? await context.owners.count(resource, caller) : 0
      const changed = lessenTotals(exchange, body, total, removed > 0)
      if (removed > 0 || changed) putResponseJson(exchange, body)
      return undefined
    })()
  }
}

const totalFields = new Set(['x-total-count', 'x-total-pages'])
/** fields that lead to further items, and that may name one of somebody else's */
const cursorFields = new Set(['content-last-key', 'link'])

const hasTotals = (exchange: Exchange, body: unknown): boolean =>
  (isObject(body) && isObject(memberOf(body, 'pagination'))) ||
  exchange.responseHeaders.some((field, i) => i % 2 === 0 && totalFields.has(field))

/**
 * A total never says more than how many things the caller made: an upstream that counts those of all would tell how many
 * others have. @returns whether the body was changed
 */
function lessenTotals(
  exchange: Exchange,
  body: unknown,
  most: number,
  someRemoved: boolean,
): boolean {
  const headers: string[] = []
  const { responseHeaders } = exchange
  for (let i = 0; i < responseHeaders.length; i += 2) {
    const name = responseHeaders[i] ?? ''
    const value = responseHeaders[i + 1] ?? ''
    if (totalFields.has(name)) {
      if (Number(value) <= most) headers.push(name, value)
      else if (name === 'x-total-count') headers.push(name, String(most))
    } else if (!(someRemoved && cursorFields.has(name))) headers.push(name, value)
  }
  exchange.responseHeaders = headers
  const pagination = isObject(body) ? memberOf(body, 'pagination') : undefined
  if (!isObject(pagination)) return false
  const total = numberOf(pagination.totalCount)
  if (total === undefined || total <= most) return false
  pagination.totalCount = most
  const perPage = numberOf(pagination.perPage)
  if (numberOf(pagination.totalPages) !== undefined && perPage !== undefined && perPage > 0)
    pagination.totalPages = Math.ceil(most / perPage)
  return true
}

const unusable = (reason: string): Refusal =>
  refuse('BAD_GATEWAY', 'The service behind this API gave no usable answer.', { fault: { reason } })

const notNow = (made: boolean): Refusal =>
  made
    ? refuse(
        'UNAVAILABLE',
        'The service behind this API made the thing, and it could not be stored whose it is. Do not repeat the request as it is: it would be made again.',
        { fault: { reason: reasons.ownerNotStored } },
      )
    : refuseForNow('Whose things these are cannot be found out at the moment.')
