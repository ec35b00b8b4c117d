import { longestLeaseMs, ownMs, type WindowAsk, type WindowGrant } from './limit-store.ts'
import { RateWindow } from './rate-window.ts'

/** How a process stands among those that share limits. @see LimitNode */
export type Standing = {
  /** whether this process decides by itself about windows of this length now */
  decides(windowMs: number, nowMs: number): boolean
  /** what of a limit is this process's to give: all of it, or its share while the store may not know what others gave */
  part(limit: number, windowMs: number, nowMs: number): number
  readonly members: number
}

/** There is something to wait for: the store has to be asked. */
export const askStore = -1

type Lease = { amount: number; untilMs: number; mark: number }

const leasePart = 20
const shortestLeaseMs = 20
const mostParts = 8

/**
 * One window of one contract in this process. What was admitted here is always remembered; what may be admitted is this
 * process's own decision while it is the only one, and else what the store has leased to it.
 */
export class LimitWindow {
  readonly key: string
  readonly windowMs: number
  /** as the RateLimit fields name it */
  readonly name: string
  readonly own: RateWindow
  #leases: Lease[] = []
  #unused: { mark: number; amount: number }[] = []
  /** own admissions from then on are not known to the store; Infinity when it knows all */
  #untoldMs = Number.POSITIVE_INFINITY
  /** the same for what the question that is under way tells */
  #tellingMs = Number.POSITIVE_INFINITY
  #emptyUntilMs = Number.NEGATIVE_INFINITY
  #emptyFor = 0
  #freeAtMs = 0
  /** as of the last answer; undefined before the first */
  #left: number | undefined
  #nextAtMs = 0
  #leaseMs: number
  /** whether the lease is to be renewed before it is used up */
  #low = false
  #periodStartMs = 0
  #periodUsed = 0
  #demand = 0

  constructor(key: string, name: string, limit: number, windowMs: number) {
    this.key = key
    this.name = name
    this.windowMs = windowMs
    this.own = new RateWindow(limit, windowMs)
    this.#leaseMs = Math.min(longestLeaseMs, Math.max(shortestLeaseMs, windowMs / leasePart))
  }

  get limit(): number {
    return this.own.limit
  }

  set limit(limit: number) {
    if (limit === this.own.limit) return
    this.own.limit = limit
    this.#emptyUntilMs = Number.NEGATIVE_INFINITY
    this.#left = undefined
  }

  /** @returns 0 when `weight` can be taken, milliseconds to wait when it cannot, or `askStore` */
  room(standing: Standing, nowMs: number, weight: number): number {
    const part = standing.part(this.limit, this.windowMs, nowMs)
    if (standing.decides(this.windowMs, nowMs)) return this.own.untilFreeMs(nowMs, weight, part)
    if (part < this.limit) {
      const waitMs = this.own.untilFreeMs(nowMs, weight, part)
      if (waitMs > 0) return waitMs
    }
    if (this.#available(nowMs) >= weight) return 0
    if (nowMs < this.#emptyUntilMs && weight >= this.#emptyFor)
      return Math.max(1, this.#freeAtMs - nowMs)
    return askStore
  }

  /**
   * Takes what `room` said is there.
   * @returns whether the store has to hear of this window: of an admission without a lease, or to renew the lease
   */
  take(standing: Standing, nowMs: number, weight: number): 'told' | 'untold' | 'low' {
    if (standing.decides(this.windowMs, nowMs)) {
      const first = this.#untoldMs === Number.POSITIVE_INFINITY
      if (first) {
        this.#untoldMs = nowMs
        this.own.cut()
      }
      this.own.take(nowMs, weight)
      return first ? 'untold' : 'told'
    }
    this.own.take(nowMs, weight)
    this.#count(nowMs, weight)
    let missing = weight
    for (const lease of this.#leases) {
      const part = Math.min(lease.amount, missing)
      lease.amount -= part
      missing -= part
    }
    const ahead = this.#ahead(standing)
    if (ahead === 0 || nowMs < this.#emptyUntilMs) return 'told'
    if (this.#low || this.#available(nowMs) * 2 >= ahead) return 'told'
    this.#low = true
    return 'low'
  }

  /**
   * What the store is asked, for waiting calls that need `first` at least and `waiting` in all.
   * @param roundTripMs how long an answer takes: a lease must live longer
   */
  ask(
    standing: Standing,
    nowMs: number,
    roundTripMs: number,
    { waiting, first }: { waiting: number; first: number },
  ): WindowAsk {
    const available = this.#available(nowMs)
    const decides = standing.decides(this.windowMs, nowMs)
    const ahead = this.#low || waiting > 0 ? this.#ahead(standing) : 0
    const want = decides ? 0 : Math.max(0, waiting + ahead - available)
    this.#low = false
    const least = waiting > available ? Math.max(1, first - available) : 1
    const unused = this.#unused
    this.#unused = []
    return {
      key: this.key,
      windowMs: this.windowMs,
      limit: this.limit,
      leaseMs: Math.ceil(Math.max(this.#leaseMs, Math.min(longestLeaseMs, 4 * roundTripMs))),
      least: Math.min(least, want),
      want,
      unused,
      used: this.#tellUse(nowMs),
    }
  }

  granted(ask: WindowAsk, grant: WindowGrant, sentMs: number, nowMs: number): void {
    if (grant.granted > 0)
      this.#leases.push({
        amount: grant.granted,
        untilMs: sentMs + ask.leaseMs,
        mark: grant.mark,
      })
    this.#left = grant.left
    this.#nextAtMs = nowMs + grant.nextMs
    if (ask.least === 0) return
    if (grant.granted > 0) this.#emptyUntilMs = Number.NEGATIVE_INFINITY
    else {
      this.#freeAtMs = nowMs + grant.waitMs
      // Others may give back before that: asked again after a lease's life at the latest.
      this.#emptyUntilMs = nowMs + Math.min(grant.waitMs, ask.leaseMs)
      this.#emptyFor = ask.least + this.#available(nowMs)
    }
  }

  /** The question was not answered: what it told must be told again, and what it gave back is lost. */
  unanswered(): void {
    this.#untoldMs = Math.min(this.#untoldMs, this.#tellingMs)
  }

  /** Leases are worth nothing any more: the store that granted them has forgotten them. */
  drop(): void {
    this.#leases = []
    this.#unused = []
    this.#emptyUntilMs = Number.NEGATIVE_INFINITY
  }

  /** Whether the store should hear of this window although nobody waits. */
  owes(nowMs: number, telling: 'lasting' | 'all'): boolean {
    this.#available(nowMs)
    if (this.#low || this.#unused.length > 0) return true
    if (this.#untoldMs === Number.POSITIVE_INFINITY) return false
    // What a restart outlasts need not be told to anybody while there is nobody else.
    return telling === 'all' || this.windowMs > ownMs
  }

  /** Whether it holds a lease, or has something that the store may have to hear of. */
  concerned(nowMs: number): boolean {
    const available = this.#available(nowMs)
    if (this.own.idle(nowMs)) this.#untoldMs = Number.POSITIVE_INFINITY
    const untold = this.#untoldMs !== Number.POSITIVE_INFINITY
    return available > 0 || this.#unused.length > 0 || untold
  }

  /** Gives up every lease: they are to be given back with the next question. */
  surrender(): void {
    this.#low = false
    for (const { amount, mark } of this.#leases) if (amount > 0) this.#unused.push({ mark, amount })
    this.#leases = []
  }

  remaining(standing: Standing, nowMs: number): number {
    const part = standing.part(this.limit, this.windowMs, nowMs)
    const own = part - (this.limit - this.own.remaining(nowMs))
    if (standing.decides(this.windowMs, nowMs)) return Math.max(0, own)
    const left = this.#nextAtMs <= nowMs && this.#left === 0 ? undefined : this.#left
    const known =
      (left ?? this.own.remaining(nowMs)) + (left === undefined ? 0 : this.#available(nowMs))
    const most = part < this.limit ? Math.min(own, known) : known
    return Math.max(0, Math.min(this.limit, most))
  }

  untilNextMs(standing: Standing, nowMs: number): number {
    if (standing.decides(this.windowMs, nowMs)) return this.own.untilNextMs(nowMs)
    return Math.max(0, this.#nextAtMs - nowMs)
  }

  idle(nowMs: number): boolean {
    return !this.concerned(nowMs) && this.own.idle(nowMs)
  }

  #available(nowMs: number): number {
    let sum = 0
    let over = false
    for (const lease of this.#leases) {
      // Strictly: at its last instant a lease may be over for the store already.
      if (nowMs < lease.untilMs) sum += lease.amount
      if (nowMs >= lease.untilMs || lease.amount === 0) over = true
    }
    if (over) {
      for (const { amount, untilMs, mark } of this.#leases)
        if (nowMs >= untilMs && amount > 0) this.#unused.push({ mark, amount })
      this.#leases = this.#leases.filter(({ amount, untilMs }) => nowMs < untilMs && amount > 0)
    }
    return sum
  }

  #tellUse(nowMs: number): WindowAsk['used'] {
    this.#tellingMs = Number.POSITIVE_INFINITY
    if (this.#untoldMs === Number.POSITIVE_INFINITY) return none
    const used = this.own.since(this.#untoldMs, nowMs, mostParts)
    this.#tellingMs = this.#untoldMs
    this.#untoldMs = Number.POSITIVE_INFINITY
    this.own.cut()
    return used
  }

  #count(nowMs: number, weight: number): void {
    const sinceMs = nowMs - this.#periodStartMs
    if (sinceMs >= this.#leaseMs) {
      this.#demand = sinceMs < 2 * this.#leaseMs ? this.#periodUsed : 0
      this.#periodStartMs = nowMs
      this.#periodUsed = 0
    }
    this.#periodUsed += weight
  }

  /** How much is leased ahead of the calls: what a lease's life has used lately, and never much of what is left. */
  #ahead(standing: Standing): number {
    const left = this.#left ?? this.limit
    const lately = Math.max(this.#demand, this.#periodUsed)
    // Nobody is there who could use what is held back: then seldom asked is better.
    const demand = standing.members > 1 ? lately : Math.max(lately, this.limit / leasePart)
    return demand <= 1 ? 0 : Math.min(Math.ceil(demand), Math.floor(left / (2 * standing.members)))
  }
}

const none: readonly never[] = []
