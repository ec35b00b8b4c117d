import type { ApiEntry, ContractEntry, RateLimit } from '#snapshot'
import type { ContractQuota } from './contract-quota.ts'
import type { Item, LimitNode, LimitUse, Telling } from './limit-node.ts'
import { LimitSlots } from './limit-slots.ts'
import { askStore, LimitWindow } from './limit-window.ts'
import { policyField, remainderField } from './rate-limit-fields.ts'

/**
 * Why a call may not pass now. `never`: it weighs more than the limit; `unknown`: nobody could say in time.
 * @public
 */
export type LimitRefusal = {
  kind: 'rate' | 'spike' | 'concurrency' | 'never' | 'unknown'
  waitMs: number
  window: LimitWindow | undefined
}

/** A call that waits for the store. */
export type WaitingCall = {
  weight: number
  api: ApiEntry
  /** monotonic; after it nobody waits any more */
  untilMs: number
  gone(): boolean
  done(refusal: LimitRefusal | undefined): void
}

/**
 * What one contract has used of its limits in this process, shared by all its applications.
 * @public
 */
export class ContractUse implements LimitUse {
  contract: ContractEntry
  quota: ContractQuota | undefined
  /** kept for good: calls that are under way hold on to it */
  readonly slots: LimitSlots
  lastUsedMs = 0
  #node: LimitNode
  #windows: LimitWindow[]
  /** windows that an API sets for each contract on its own, by API */
  #ofApi = new Map<string, ApiWindows>()
  #queue: WaitingCall[] = []

  constructor(contract: ContractEntry, quota: ContractQuota | undefined, node: LimitNode) {
    this.contract = contract
    this.quota = quota
    this.#node = node
    this.#windows = windowsOf([], contract)
    this.slots = new LimitSlots(contract.id, contract.concurrency ?? 0)
  }

  /** A changed contract keeps what was used: a new plan is no way around the old one's window. */
  update(contract: ContractEntry): void {
    this.#windows = windowsOf(this.#windows, contract)
    for (const own of this.#ofApi.values()) own.policy = undefined
    this.slots.limit = contract.concurrency ?? 0
    this.contract = contract
  }

  /**
   * Takes `weight` of each window of the contract, and of the API where it sets its own, and a slot where calls under way
   * are limited: all of it, or nothing.
   * @returns undefined when it was taken; `ask` when only the store knows: then `wait` answers
   */
  enter(nowMs: number, weight: number, api: ApiEntry): LimitRefusal | 'ask' | undefined {
    return this.#try(nowMs, weight, api, this.#queue.length === 0)
  }

  wait(call: WaitingCall): void {
    this.#queue.push(call)
    this.#node.ask(this)
  }

  /** Takes back the slot that `enter` took. */
  leave(nowMs: number): void {
    const tells = this.slots.release(this.#node, nowMs)
    if (tells === 'soon') this.#node.tellSoon(this)
    else if (tells === 'now') this.#node.tellNow(this)
  }

  items(nowMs: number, telling: Telling): Item[] {
    const items: Item[] = []
    const node = this.#node
    const asks = (window: LimitWindow, waiting: number, first: number): void => {
      const needs = waiting > 0 && window.room(node, nowMs, first) === askStore
      if (!needs && !window.owes(nowMs, telling)) return
      const wanted = needs ? { waiting, first } : { waiting: 0, first: 0 }
      items.push({ kind: 'window', window, ask: window.ask(node, nowMs, node.roundTripMs, wanted) })
    }
    const weight = this.#queue.reduce((sum, call) => sum + call.weight, 0)
    for (const window of this.#windows) asks(window, weight, this.#queue[0]?.weight ?? 0)
    for (const [apiId, { windows }] of this.#ofApi) {
      if (windows.length === 0) continue
      const calls = this.#queue.filter((call) => call.api.id === apiId)
      const weightOfApi = calls.reduce((sum, call) => sum + call.weight, 0)
      for (const window of windows) asks(window, weightOfApi, calls[0]?.weight ?? 0)
    }
    const asksSlot = this.#limitsSlots && this.slots.room(node, nowMs) === askStore
    const waited = asksSlot ? this.#queue.length : 0
    if (waited > 0 || this.slots.owes(node, nowMs, telling))
      items.push({
        kind: 'slots',
        slots: this.slots,
        ask: this.slots.ask(node, nowMs, waited),
        waited,
      })
    return items
  }

  drain(nowMs: number): void {
    if (this.#queue.length === 0) return
    const queue = this.#queue
    this.#queue = []
    for (const call of queue) {
      if (call.gone()) continue
      const outcome = this.#try(nowMs, call.weight, call.api, true)
      if (outcome !== 'ask') call.done(outcome)
      else if (nowMs >= call.untilMs)
        call.done({ kind: 'unknown', waitMs: 1_000, window: undefined })
      else this.#queue.push(call)
    }
    if (this.#queue.length > 0) this.#node.ask(this)
  }

  owes(nowMs: number): boolean {
    if (this.#limitsSlots && this.slots.owes(this.#node, nowMs, 'lasting')) return true
    return this.#all().some((window) => window.owes(nowMs, 'lasting'))
  }

  concerned(nowMs: number): boolean {
    if (this.#queue.length > 0 || this.slots.concerned()) return true
    return this.#all().some((window) => window.concerned(nowMs))
  }

  drop(): void {
    for (const window of this.#all()) window.drop()
    this.slots.drop()
  }

  dropSlots(): void {
    this.slots.drop()
  }

  surrender(): void {
    for (const window of this.#all()) window.surrender()
  }

  /** Whether nothing would be forgotten with it. */
  idle(nowMs: number): boolean {
    if (this.#queue.length > 0 || this.slots.concerned()) return false
    return this.#all().every((window) => window.idle(nowMs))
  }

  /** The RateLimit-Policy field; empty when nothing is limited. */
  policy(api: ApiEntry | undefined): string {
    const own = this.#windowsOf(api)
    own.policy ??= policyField(this.contract, [...this.#windows, ...own.windows])
    return own.policy
  }

  /** The RateLimit field: what is left, and until when in seconds. */
  remainder(api: ApiEntry | undefined, nowMs: number, wallMs: number): string {
    const own = this.#windowsOf(api).windows
    const windows = own.length === 0 ? this.#windows : [...this.#windows, ...own]
    return remainderField(this, this.#node, windows, nowMs, wallMs)
  }

  get #limitsSlots(): boolean {
    return this.contract.concurrency !== undefined
  }

  /** @param mayPass false while others wait that came before */
  #try(
    nowMs: number,
    weight: number,
    api: ApiEntry,
    mayPass: boolean,
  ): LimitRefusal | 'ask' | undefined {
    const node = this.#node
    const ofApi = this.#windowsOf(api).windows
    const refusal = this.#full(nowMs, weight, this.#windows) ?? this.#full(nowMs, weight, ofApi)
    if (refusal !== undefined && refusal !== 'ask') return refusal
    let asks = refusal === 'ask' || !mayPass
    if (this.#limitsSlots) {
      const waitMs = this.slots.room(node, nowMs)
      if (waitMs > 0) return { kind: 'concurrency', waitMs, window: undefined }
      if (waitMs === askStore) asks = true
    }
    if (asks) return 'ask'
    for (const window of this.#windows) this.#take(window, nowMs, weight)
    for (const window of ofApi) this.#take(window, nowMs, weight)
    if (this.#limitsSlots) {
      this.slots.take(nowMs)
      node.touch(this)
    }
    return undefined
  }

  /** @returns the longest wait that one of these asks for; `ask` when none does, and the store has to be asked */
  #full(
    nowMs: number,
    weight: number,
    windows: readonly LimitWindow[],
  ): LimitRefusal | 'ask' | undefined {
    let refusal: LimitRefusal | undefined
    let asks = false
    for (const window of windows) {
      if (weight > window.limit) return { kind: 'never', waitMs: 0, window }
      const waitMs = window.room(this.#node, nowMs, weight)
      if (waitMs === askStore) asks = true
      else if (waitMs > (refusal?.waitMs ?? 0))
        refusal = { kind: window.name === 'spike' ? 'spike' : 'rate', waitMs, window }
    }
    return refusal ?? (asks ? 'ask' : undefined)
  }

  #take(window: LimitWindow, nowMs: number, weight: number): void {
    const outcome = window.take(this.#node, nowMs, weight)
    if (outcome === 'untold') this.#node.touch(this)
    else if (outcome === 'low') this.#node.tellNow(this)
  }

  #windowsOf(api: ApiEntry | undefined): ApiWindows {
    const rate = api?.rate ?? none
    const id = rate.length === 0 ? '' : (api?.id ?? '')
    const known = this.#ofApi.get(id)
    if (known?.rate === rate) return known
    const windows = adjusted(known?.windows ?? [], rate, this.contract.id, id)
    const own: ApiWindows = { rate, windows, policy: undefined }
    this.#ofApi.set(id, own)
    return own
  }

  #all(): LimitWindow[] {
    return [...this.#windows, ...[...this.#ofApi.values()].flatMap(({ windows }) => windows)]
  }
}

type ApiWindows = {
  rate: readonly RateLimit[]
  windows: readonly LimitWindow[]
  /** made when it is first asked for */
  policy: string | undefined
}

const none: readonly never[] = []

function windowsOf(before: readonly LimitWindow[], contract: ContractEntry): LimitWindow[] {
  const windows = adjusted(before, contract.rate, contract.id, '')
  const { spike } = contract
  if (spike === undefined) return windows
  const key = `${contract.id} spike ${spike.windowMs}`
  windows.unshift(adjust(before, key, 'spike', spike.limit, spike.windowMs))
  return windows
}

/** The windows that these rates ask for; one that was there keeps what was admitted. */
function adjusted(
  before: readonly LimitWindow[],
  rates: readonly RateLimit[],
  contractId: string,
  apiId: string,
): LimitWindow[] {
  const limits = new Map<number, number>()
  // Of two limits for one length of time, the smaller one is the limit.
  for (const { limit, windowSeconds } of rates)
    limits.set(windowSeconds, Math.min(limit, limits.get(windowSeconds) ?? limit))
  return [...limits].map(([seconds, limit]) => {
    const name = apiId === '' ? `${seconds}s` : `${apiId} ${seconds}s`
    return adjust(before, `${contractId} ${name}`, name, limit, seconds * 1_000)
  })
}

function adjust(
  before: readonly LimitWindow[],
  key: string,
  name: string,
  limit: number,
  windowMs: number,
): LimitWindow {
  const window = before.find((other) => other.key === key)
  if (window === undefined) return new LimitWindow(key, name, limit, windowMs)
  window.limit = limit
  return window
}
