import {
  type LimitStore,
  longestLeaseMs,
  memberMs,
  type SlotAsk,
  type StoreAnswer,
  type StoreQuestion,
  stepsOfWindow,
  type WindowAsk,
  type WindowGrant,
} from './limit-store.ts'
import { type SlotClaim, shareSlots } from './share-slots.ts'

/**
 * The rules of the store in their plainest form. What PostgreSQL and Redis do is held equal to this by tests, and what
 * gateways may make of it is proved against it.
 */
export function memoryLimitStore(nowMs: () => number): LimitStore & {
  answer(question: StoreQuestion): StoreAnswer
  /** forgets everything, as a server that was killed */
  lose(): void
} {
  let state = emptyState(0, nowMs())
  const answer = (question: StoreQuestion): StoreAnswer => {
    const now = Math.floor(nowMs())
    const standing = standingOf(state, question, now)
    const serves = standing !== 'waiting' && !question.leaving
    if (question.epoch !== '' && question.epoch !== state.epoch) state.lost = true
    const others = [...state.members].filter(([name]) => name !== question.member)
    const last = Math.max(...others.map(([, until]) => until))
    return {
      epoch: state.epoch,
      lostMs: state.lost ? now - state.bornMs : undefined,
      standing,
      members: [...state.members.values()].filter((until) => until > now).length,
      othersMs: others.length === 0 ? undefined : Math.max(0, now - last),
      windows: question.windows.map((ask) => leaseWindow(state, ask, now, serves)),
      slots: question.slots.map((ask) => leaseSlots(state, question.member, ask, now, serves)),
    }
  }
  return {
    answer,
    ask: async (question) => answer(question),
    stop: async () => undefined,
    lose() {
      state = emptyState(Number(state.epoch), nowMs())
    },
  }
}

type State = {
  epoch: string
  bornMs: number
  lost: boolean
  /** until when each is taken to live */
  members: Map<string, number>
  alone: { member: string; until: number } | undefined
  windows: Map<string, Map<number, number>>
  slots: Map<string, Map<string, number>>
  claims: Map<string, Map<string, SlotClaim>>
}

const emptyState = (before: number, bornMs: number): State => ({
  epoch: String(before + 1),
  bornMs: Math.floor(bornMs),
  lost: false,
  members: new Map(),
  alone: undefined,
  windows: new Map(),
  slots: new Map(),
  claims: new Map(),
})

function standingOf(state: State, question: StoreQuestion, now: number): StoreAnswer['standing'] {
  const { member } = question
  const { members } = state
  if (state.alone !== undefined && state.alone.until <= now) state.alone = undefined
  if (state.alone?.member === member && (question.release || question.leaving))
    state.alone = undefined
  if (question.leaving) {
    if ((members.get(member) ?? 0) > now) members.set(member, now)
    return 'shared'
  }
  // A lease must not outlive the membership of its holder.
  const until = members.get(member) ?? 0
  if (question.beat || until < now + longestLeaseMs) members.set(member, now + memberMs)
  if (state.alone !== undefined && state.alone.member !== member) return 'waiting'
  if (!question.beat || question.release) return 'shared'
  const single = ![...members].some(([name, other]) => name !== member && other > now)
  // One that was alone keeps others waiting until it has told what it admitted, and gives it up.
  if (single || state.alone !== undefined) state.alone = { member, until: now + memberMs }
  return single ? 'alone' : 'shared'
}

function leaseWindow(state: State, ask: WindowAsk, now: number, serves: boolean): WindowGrant {
  const uses = state.windows.get(ask.key) ?? new Map<number, number>()
  state.windows.set(ask.key, uses)
  const step = Math.max(1, Math.floor(ask.windowMs / stepsOfWindow))
  const add = (endMs: number, amount: number): number => {
    const mark = Math.ceil(endMs / step) * step
    uses.set(mark, (uses.get(mark) ?? 0) + amount)
    return mark
  }
  for (const mark of uses.keys()) if (mark <= now) uses.delete(mark)
  for (const { mark, amount } of ask.unused) {
    const before = uses.get(mark)
    if (before !== undefined) uses.set(mark, Math.max(0, before - amount))
  }
  for (const { ageMs, amount } of ask.used)
    if (ageMs < ask.windowMs) add(now - ageMs + ask.windowMs, amount)
  const sum = [...uses.values()].reduce((total, amount) => total + amount, 0)
  const free = Math.max(0, ask.limit - sum)
  const granted = serves && ask.least > 0 && free >= ask.least ? Math.min(ask.want, free) : 0
  const mark = granted > 0 ? add(now + ask.leaseMs + ask.windowMs, granted) : 0
  const ends = [...uses].filter(([, amount]) => amount > 0).sort(([a], [b]) => a - b)
  let waitMs = 0
  let missing = ask.least - free
  for (const [end, amount] of granted > 0 || missing <= 0 ? [] : ends) {
    missing -= amount
    waitMs = end - now
    if (missing <= 0) break
  }
  const first = ends[0]?.[0]
  return {
    granted,
    mark,
    left: free - granted,
    waitMs,
    nextMs: first === undefined ? 0 : first - now,
  }
}

function leaseSlots(
  state: State,
  member: string,
  ask: SlotAsk,
  now: number,
  serves: boolean,
): number {
  const holders = state.slots.get(ask.key) ?? new Map<string, number>()
  const claims = state.claims.get(ask.key) ?? new Map<string, SlotClaim>()
  state.slots.set(ask.key, holders)
  state.claims.set(ask.key, claims)
  const before = holders.get(member) ?? 0
  holders.delete(member)
  for (const names of [holders, claims])
    for (const name of names.keys())
      if (name !== member && (state.members.get(name) ?? 0) <= now) names.delete(name)
  const others = [...holders.values()].reduce((sum, held) => sum + held, 0)
  const room = Math.max(0, ask.limit - others)
  const usable = serves ? Math.max(ask.floor, Math.min(ask.want, room)) : ask.floor
  let [given, counted] = [usable, usable]
  if (serves && ask.held !== undefined) {
    const asking = { member, ask, before, usable, room, holders }
    const shared = shareSlots(claims, asking, now)
    given = shared.given
    counted = shared.counted
  }
  if (counted > 0) holders.set(member, counted)
  return given
}
