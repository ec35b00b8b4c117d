import type { Log } from '#platform/log'
import type { KeptMembers } from './kept-members.ts'
import { LimitBreaker } from './limit-breaker.ts'
import type { LimitSlots, SlotStanding } from './limit-slots.ts'
import {
  type LimitStore,
  longestLeaseMs,
  memberMs,
  ownMs,
  type SlotAsk,
  type StoreAnswer,
  type StoreQuestion,
  type WindowAsk,
} from './limit-store.ts'
import type { LimitWindow, Standing } from './limit-window.ts'

const beatMs = 500
/** after the store lost its state, so long the members of before count */
const rememberedMs = 60_000
const probeMs = 1_000
const waitingPollMs = 40
/** between questions that fail at once: five of them are a fifth of a second */
const retryMs = 50
const tellSoonMs = 50
/** windows in one question */
const mostAsked = 250
const stopWithinMs = 2_000

/** What one window or the concurrency of one contract has to say to the store. */
export type Item =
  | { kind: 'window'; window: LimitWindow; ask: WindowAsk }
  | { kind: 'slots'; slots: LimitSlots; ask: SlotAsk; waited: number }

/** The limits of one contract in this process, as the node deals with them. */
export interface LimitUse {
  /** What is to be asked for those who wait, or told. */
  items(nowMs: number, what: Telling): Item[]
  /** Answers those who wait, as far as it can be said now. */
  drain(nowMs: number): void
  /** Whether it has something to tell or to give back although nobody waits. */
  owes(nowMs: number): boolean
  /** Whether it holds, owes or waits for anything, or may have to tell it when somebody else comes. */
  concerned(nowMs: number): boolean
  /** The leases are void. */
  drop(): void
  /** The slots are void. */
  dropSlots(): void
  /** Gives up what it holds: it is given back with the next question. */
  surrender(): void
}

/** `lasting`: what was admitted alone may stay untold, for it is soon over; `all`: everything, since somebody else comes. */
export type Telling = 'lasting' | 'all'

/** Runs something later; the result takes that back. */
export type After = (ms: number, run: () => void) => () => void

export const realTimers: After = (ms, run) => {
  if (ms <= 0) {
    const soon = setImmediate(run)
    return () => clearImmediate(soon)
  }
  const timer = setTimeout(run, ms).unref()
  return () => clearTimeout(timer)
}

/**
 * This process among those that share the limits of an environment: its membership, whether it is the only one, and its
 * questions to the store, one at a time, each for as many contracts as have one.
 *
 * Alone it decides about short windows by itself and asks nothing, for a moment after each time that the store has found
 * nobody else, so that another can wait that out. As soon as there is another it tells the store what it admitted, gives
 * being alone up, and leases.
 * Without the store it gives each contract its share: the limit divided by the members that were last known.
 * @public
 */
export class LimitNode implements Standing, SlotStanding {
  members = 1
  roundTripMs = 0
  #store: LimitStore | undefined
  #kept: KeptMembers | undefined
  #log: Log
  #monotonicMs: () => number
  #after: After
  #breaker: LimitBreaker
  #name: string
  #life = 0
  /** whether the store has answered a beat of this life: only then can it hold anything for it */
  #confirmed = false
  #epoch = ''
  #lostAtMs = Number.NEGATIVE_INFINITY
  /** the members of before the store was lost */
  #remembered = 1
  #memberUntilMs = Number.NEGATIVE_INFINITY
  #aloneUntilMs = Number.NEGATIVE_INFINITY
  #othersAtMs = Number.POSITIVE_INFINITY
  /** somebody else came: what was admitted alone is being told, and then being alone is given up */
  #handingOver = false
  #waits = false
  #asking = false
  #asked: Promise<unknown> = Promise.resolve()
  #stopped = false
  #nextBeatMs = 0
  /** uses that wait for an answer */
  #eager = new Set<LimitUse>()
  /** uses that hold, owe, or have admitted something that the store has not heard of */
  #touched = new Set<LimitUse>()
  /** the part of `touched` that is being told now */
  #telling = new Set<LimitUse>()
  /** what has to be told before being alone can be given up */
  #handover = new Set<LimitUse>()
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #cancelPump: (() => void) | undefined
  #cancelBeat: (() => void) | undefined
  #cancelSoon: (() => void) | undefined
  #joined = Promise.withResolvers<void>()

  /** @param options.store absent: this process is the only one, for good */
  constructor(options: {
    store: LimitStore | undefined
    /** a name that no other process has, nor this one in an earlier life */
    member: string
    /** how many there were before this process started */
    kept?: KeptMembers | undefined
    log: Log
    monotonicMs: () => number
    after?: After
  }) {
    this.#store = options.store
    this.#kept = options.kept
    // Until the store says how many there are.
    if (this.#store !== undefined) this.members = options.kept?.least ?? 1
    this.#name = options.member
    this.#log = options.log
    this.#monotonicMs = options.monotonicMs
    this.#after = options.after ?? realTimers
    this.#breaker = new LimitBreaker()
  }

  /** Resolves when calls can be decided: as a member, or without the store when that does not answer. */
  async start(): Promise<void> {
    if (this.#store === undefined) return
    this.#beat()
    await this.#joined.promise
  }

  /** Tells what is not told yet, gives leases and slots back, and leaves. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#cancelPump?.()
    this.#cancelBeat?.()
    this.#cancelSoon?.()
    this.#joined.resolve()
    const store = this.#store
    if (store === undefined) return
    const endMs = this.#monotonicMs() + stopWithinMs
    try {
      if (!this.#breaker.open) await this.#leave(store, endMs)
    } catch (error) {
      this.#log.warn({ err: error }, 'the limit store could not be told at the end')
    }
    await store.stop()
  }

  /** `alone`, `shared`, `waiting` or `local`: for figures and logs. */
  get mode(): string {
    if (this.#store === undefined) return 'alone'
    if (this.#breaker.open) return 'local'
    if (this.#waits) return 'waiting'
    return this.#monotonicMs() < this.#aloneUntilMs ? 'alone' : 'shared'
  }

  decides(windowMs: number, nowMs: number): boolean {
    if (this.#store === undefined || this.#breaker.open) return true
    return nowMs < this.#aloneUntilMs && windowMs <= ownMs && nowMs - this.#othersAtMs >= windowMs
  }

  decidesSlots(nowMs: number): boolean {
    return this.#store === undefined || this.#breaker.open || nowMs < this.#aloneUntilMs
  }

  part(limit: number, windowMs: number, nowMs: number): number {
    if (this.members <= 1) return limit
    return this.#breaker.open || this.#careful(windowMs, nowMs)
      ? Math.ceil(limit / this.members)
      : limit
  }

  /** Whether in a window of this length others may have admitted what the store does not know. */
  #careful(windowMs: number, nowMs: number): boolean {
    return nowMs - this.#lostAtMs < windowMs + longestLeaseMs
  }

  /** Somebody waits for the store's answer about this. */
  ask(use: LimitUse): void {
    this.#eager.add(use)
    this.#touched.add(use)
    this.#pumpIn(0)
  }

  /** Something was admitted that the store will have to hear of, when it matters. */
  touch(use: LimitUse): void {
    this.#touched.add(use)
  }

  /** A lease runs low, and the next one is asked for before anybody has to wait; or others wait for what is given back. */
  tellNow(use: LimitUse): void {
    this.#telling.add(use)
    this.#pumpIn(0)
  }

  /** Something can be given back: soon, together with others. */
  tellSoon(use: LimitUse): void {
    if (this.#store === undefined) return
    this.#touched.add(use)
    this.#telling.add(use)
    this.#cancelSoon ??= this.#after(tellSoonMs, () => {
      this.#cancelSoon = undefined
      this.#pumpIn(0)
    })
  }

  forget(use: LimitUse): void {
    this.#eager.delete(use)
    this.#touched.delete(use)
    this.#telling.delete(use)
    this.#handover.delete(use)
  }

  #beat(): void {
    this.#cancelBeat?.()
    if (this.#stopped) return
    this.#cancelBeat = this.#after(this.#breaker.open ? probeMs : beatMs, () => this.#beat())
    this.#nextBeatMs = Number.NEGATIVE_INFINITY
    const nowMs = this.#monotonicMs()
    for (const use of this.#touched) {
      if (use.owes(nowMs)) this.#telling.add(use)
      else if (!use.concerned(nowMs)) this.#touched.delete(use)
    }
    this.#pumpIn(0)
  }

  #pumpIn(soonMs: number): void {
    if (this.#stopped || this.#asking || this.#store === undefined) return
    const pauseMs = this.#waits ? waitingPollMs : 0
    const ms = Math.max(soonMs, pauseMs, this.#notBeforeMs - this.#monotonicMs())
    if (ms <= 0) this.#cancelPump?.()
    else if (this.#cancelPump !== undefined) return
    this.#cancelPump = this.#after(ms, () => {
      this.#cancelPump = undefined
      void this.#pump()
    })
  }

  async #pump(): Promise<void> {
    const store = this.#store
    if (store === undefined || this.#asking || this.#stopped) return
    const nowMs = this.#monotonicMs()
    const beat = nowMs >= this.#nextBeatMs || nowMs >= this.#memberUntilMs
    if (this.#breaker.open && !beat) return
    const { items, uses } = this.#breaker.open ? nothing : this.#collect(nowMs)
    const release = this.#handingOver && this.#handover.size === 0 && !this.#breaker.open
    if (!beat && !release && items.length === 0) {
      for (const use of uses) use.drain(nowMs)
      return
    }
    this.#asking = true
    const flags = { beat: beat || release, release, leaving: false }
    const asked = this.#question(store, flags, items, nowMs)
    this.#asked = asked
    const answer = await asked
    this.#asking = false
    if (!this.#stopped) this.#settle(answer, uses, release)
  }

  /** @returns the answer; undefined when there was none */
  async #question(
    store: LimitStore,
    flags: Pick<StoreQuestion, 'beat' | 'release' | 'leaving'>,
    items: readonly Item[],
    nowMs: number,
  ): Promise<StoreAnswer | undefined> {
    if (nowMs >= this.#memberUntilMs && this.#confirmed && !flags.leaving) this.#liveAgain()
    const windows = items.filter((item) => item.kind === 'window').sort(byKey)
    const slots = items.filter((item) => item.kind === 'slots').sort(byKey)
    const question: StoreQuestion = {
      ...flags,
      member: `${this.#name}.${this.#life}`,
      epoch: this.#epoch,
      windows: windows.map(({ ask }) => ask),
      slots: slots.map(({ ask }) => ask),
    }
    let answer: StoreAnswer
    try {
      answer = await store.ask(question)
    } catch (error) {
      for (const { window } of windows) window.unanswered()
      if (this.#breaker.failed()) {
        this.#remembered = this.members
        this.#log.warn(
          { err: error, members: this.members },
          'the limit store does not answer: each gateway keeps to its share of the limits',
        )
      }
      if (this.#breaker.open) await this.#countOthers()
      return undefined
    }
    const afterMs = this.#monotonicMs()
    this.roundTripMs = Math.max(afterMs - nowMs, this.roundTripMs * 0.8)
    if (this.#breaker.answered()) {
      this.#log.info('the limit store is back')
      // Others may still keep to their shares: this one does too until all are back.
      this.#lostAtMs = afterMs
      for (const use of this.#touched) this.#telling.add(use)
    }
    if (flags.beat) {
      this.#confirmed = true
      this.#memberUntilMs = nowMs + memberMs
      this.#nextBeatMs = nowMs + beatMs
    }
    this.#learn(answer, flags.beat, nowMs, afterMs)
    if (answer.standing === 'waiting') return answer
    windows.forEach(({ window, ask }, i) => {
      const grant = answer.windows[i]
      if (grant !== undefined) window.granted(ask, grant, nowMs, afterMs)
    })
    slots.forEach((item, i) => {
      item.slots.granted(item.ask, answer.slots[i] ?? item.ask.floor, item.waited, afterMs)
    })
    return answer
  }

  /**
   * A new membership: the store may have given what the old one held to others. Once for each that has ended: however
   * many questions stay without an answer, they come from one member, and count as one when they are read late.
   */
  #liveAgain(): void {
    this.#life += 1
    this.#confirmed = false
    this.#aloneUntilMs = Number.NEGATIVE_INFINITY
    for (const use of this.#touched) use.dropSlots()
  }

  /** Gateways that started since the store went away have shares too, and so have those that were there before this one. */
  async #countOthers(): Promise<void> {
    const counted = this.#kept?.others().then((members) => {
      if (!this.#breaker.open) return
      this.members = Math.max(this.members, members)
      this.#remembered = this.members
    })
    // Calls are not decided before it is known once; later nobody waits for it.
    if (this.#epoch === '') await counted
  }

  #learn(answer: StoreAnswer, beat: boolean, sentMs: number, nowMs: number): void {
    if (!this.#careful(rememberedMs, nowMs)) this.#remembered = this.members
    if (this.#epoch !== '' && this.#epoch !== answer.epoch) {
      this.#remembered = Math.max(this.#remembered, this.members)
      this.#log.warn('the limit store has lost its state: limits are shared out for one window')
      for (const use of this.#touched) use.drop()
    }
    this.#epoch = answer.epoch
    const lostAtMs = nowMs - (answer.lostMs ?? Number.POSITIVE_INFINITY)
    this.#lostAtMs = Math.max(this.#lostAtMs, lostAtMs)
    // The others may be on their way back to a store that has just been lost: until then their shares are theirs.
    // Fixed when it was lost: names that it counts twice, until the older ones are over, must not stay.
    const known = this.#careful(rememberedMs, nowMs) ? this.#remembered : 1
    this.members = Math.max(1, answer.members, known)
    this.#kept?.tell(this.members, nowMs)
    this.#waits = answer.standing === 'waiting'
    if (answer.standing === 'alone') {
      this.#aloneUntilMs = sentMs + ownMs
      this.#handingOver = false
      const othersMs = answer.othersMs ?? Number.POSITIVE_INFINITY
      // Before a loss there may have been others of whom nothing is known any more.
      this.#othersAtMs = nowMs - Math.min(othersMs, answer.lostMs ?? Number.POSITIVE_INFINITY)
      return
    }
    // Only a beat asks to be alone: another question finds out nothing about that.
    if (!beat && !this.#waits) return
    if (this.#aloneUntilMs !== Number.NEGATIVE_INFINITY) {
      this.#aloneUntilMs = Number.NEGATIVE_INFINITY
      this.#handingOver = true
      for (const use of this.#touched) this.#handover.add(use)
    }
  }

  #settle(answer: StoreAnswer | undefined, uses: readonly LimitUse[], release: boolean): void {
    const nowMs = this.#monotonicMs()
    if (answer === undefined) {
      const again = this.#handingOver ? this.#handover : this.#telling
      for (const use of uses) again.add(use)
      this.#notBeforeMs = nowMs + retryMs
    } else if (release) this.#handingOver = false
    if (this.#breaker.open) {
      for (const use of this.#eager) use.drain(nowMs)
      for (const set of [this.#eager, this.#telling, this.#handover]) set.clear()
      this.#handingOver = false
    }
    if (this.#breaker.open || (answer !== undefined && !this.#waits)) this.#joined.resolve()
    for (const use of uses) use.drain(nowMs)
    const more = this.#eager.size + this.#telling.size + this.#handover.size > 0
    if (more || this.#handingOver || this.#waits || nowMs >= this.#nextBeatMs) {
      if (this.#waits) this.#nextBeatMs = Number.NEGATIVE_INFINITY
      if (!this.#breaker.open) this.#pumpIn(0)
    }
  }

  #collect(nowMs: number): { items: Item[]; uses: LimitUse[] } {
    const items: Item[] = []
    const uses: LimitUse[] = []
    const telling = this.#handingOver ? 'all' : 'lasting'
    for (const set of [this.#eager, this.#handover, this.#telling]) {
      for (const use of set) {
        if (items.length >= mostAsked) break
        // One that still waits after the answer asks again by itself.
        for (const other of [this.#eager, this.#handover, this.#telling]) other.delete(use)
        uses.push(use)
        items.push(...use.items(nowMs, telling))
      }
    }
    return { items, uses }
  }

  async #leave(store: LimitStore, endMs: number): Promise<void> {
    await this.#asked
    this.#aloneUntilMs = Number.NEGATIVE_INFINITY
    const nowMs = this.#monotonicMs()
    const items = [...this.#touched].flatMap((use) => {
      use.surrender()
      return use.items(nowMs, 'all')
    })
    for (let from = 0; from <= items.length; from += mostAsked) {
      const part = items.slice(from, from + mostAsked)
      const leaving = from + mostAsked > items.length
      const flags = { beat: false, release: false, leaving }
      const answer = await this.#question(store, flags, part, this.#monotonicMs())
      if (answer === undefined || this.#monotonicMs() > endMs) return
    }
  }
}

const nothing = { items: [], uses: [] }

const byKey = (a: { ask: { key: string } }, b: { ask: { key: string } }): number =>
  a.ask.key < b.ask.key ? -1 : 1
