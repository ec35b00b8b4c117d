import { reasons } from '#journal'
import type { ResourceRule } from '#snapshot'
import { type Exchange, type Policy, pending } from '../exchange.ts'
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
import type { ThingKey } from '../payload/resource-owners.ts'
import { putResponseJson, responseJson } from '../payload/response-json.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'
import { callerOf } from './isolate-resource.ts'
import { accessesOf, keysOf, kindShown } from './named-things.ts'

/**
 * What an answer says of things: whose a new one is is stored before the caller hears of it, a list has only the caller's
 * own, and one that was taken away is noted as gone.
 * @public
 */
export const settleResource: OperationPolicy = (context, operation) => {
  const { resource: rule } = operation.documented.terms ?? {}
  if (rule === undefined) return undefined
  if (rule.role === 'access') return endOf(context, operation, rule)
  if (rule.field === undefined) return undefined
  const field = parseFieldPath(rule.field)
  const settle =
    rule.role === 'create'
      ? noteOwners(context, operation, rule, field)
      : keepOwn(context, operation, rule, field)
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

/** `DELETE /payments/{paymentId}` ends a payment; `DELETE /payments/{paymentId}/lock` does not. */
function endOf(
  context: GatewayContext,
  operation: Operation,
  rule: ResourceRule,
): Policy | undefined {
  const { method, path } = operation.documented
  if (method !== 'DELETE' || !path.endsWith(`/{${rule.parameter}}`)) return undefined
  const access = accessesOf(operation).find(({ parameter }) => parameter === rule.parameter)
  const [kind] = access?.kinds ?? []
  if (kind === undefined) return undefined
  return {
    name: 'settle-resource',
    apply(exchange) {
      if (exchange.status >= 300) return undefined
      const { parameters } = exchange
      const key = keysOf(context.owners, kind, parameters, parameters[rule.parameter ?? ''] ?? '')
      // Nobody waits for it: until it is noted, or if it never is, the id is its maker's as before.
      context.owners.end(key, callerOf(context, exchange)).catch(() => undefined)
      return undefined
    },
  }
}

type Settle = (exchange: Exchange, body: unknown) => Promise<Refusal | undefined> | undefined

const triesMs = [0, 100, 400, 1_000]

/** One request may make many things: each is its maker's. */
function noteOwners(
  context: GatewayContext,
  operation: Operation,
  rule: ResourceRule,
  field: FieldPath,
): Settle {
  const kind = kindShown(rule, operation)
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
    const keys = [...ids].map((id) => ({
      plain: context.owners.keyOf(kind.resource, id),
      ...keysOf(context.owners, kind, exchange.parameters, id),
    }))
    return noteAll(context, keys, owner).then((allOwned) => {
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
  keys: readonly ThingKey[],
  owner: Owner,
): Promise<boolean> {
  let allOwned = true
  for (let i = 0; i < keys.length; i += notedAtOnce) {
    const some = keys.slice(i, i + notedAtOnce)
    const owned = await Promise.all(some.map((key) => note(context, key, owner)))
    allOwned &&= !owned.includes(false)
  }
  return allOwned
}

/**
 * The thing exists by now: it is tried for a moment before the caller is told that nobody knows whose it is.
 * @returns false when it is somebody else's
 */
async function note(context: GatewayContext, key: ThingKey, owner: Owner): Promise<boolean> {
  for (const [attempt, waitMs] of triesMs.entries()) {
    if (waitMs > 0)
      await new Promise((resolve) => {
        setTimeout(resolve, waitMs)
      })
    try {
      return await context.owners.own(key, owner)
    } catch (error) {
      if (attempt === triesMs.length - 1) throw error
    }
  }
  return false
}

function keepOwn(
  context: GatewayContext,
  operation: Operation,
  rule: ResourceRule,
  field: FieldPath,
): Settle {
  const items = parseItems(rule)
  const kind = kindShown(rule, operation)
  return (exchange, body) => {
    const shown = items.steps.length === 0 ? [body] : placesOf({ body }, items).map((p) => p.value)
    const lists = shown.filter((value) => Array.isArray(value))
    // A document may allow one thing where it allows a list of them.
    const singles = shown.filter((value) => value !== null && !Array.isArray(value))
    const idsOf = (item: unknown): string[] => valuesAt(item, field).map((id) => idTextOf(id) ?? '')
    const ids = [...new Set([...lists.flat(), ...singles].flatMap(idsOf))]
    const keys = ids.map((id) => keysOf(context.owners, kind, exchange.parameters, id))
    const caller = callerOf(context, exchange)
    return (async () => {
      const judged = await context.owners.areOfCaller(keys, caller)
      const own = new Set(ids.filter((_, index) => judged[index]))
      const isOwn = (item: unknown): boolean => {
        const named = idsOf(item)
        return named.length > 0 && named.every((id) => own.has(id))
      }
      if (!singles.every(isOwn)) return refuse('NOT_FOUND', 'There is no such thing here.')
      let removed = 0
      for (const list of lists) {
        const left = list.filter(isOwn)
        removed += list.length - left.length
        list.length = 0
        for (const item of left) list.push(item)
      }
      const total = hasTotals(exchange, body)
        ? await context.owners.count(kind.resource, kind.nested !== undefined, caller)
        : 0
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
