import type { SlotAsk, StoreAnswer, StoreQuestion, WindowAsk } from './limit-store.ts'

/** What a store answers: short names and bare lists, because hundreds of windows may be in it. */
export type WireAnswer = {
  e: string
  l?: number | null
  s: StoreAnswer['standing']
  m: number
  o?: number | null
  w: readonly (readonly number[])[] | Record<string, never>
  h: readonly number[] | Record<string, never>
}

/** A question as PostgreSQL and Redis read it; amounts and times are whole numbers. */
export function encodeQuestion(question: StoreQuestion): string {
  return JSON.stringify({
    m: question.member,
    b: question.beat || question.release,
    r: question.release,
    l: question.leaving,
    e: question.epoch,
    w: question.windows.map(encodeWindow),
    s: question.slots.map(encodeSlots),
  })
}

const encodeWindow = (ask: WindowAsk): unknown[] => [
  ask.key,
  ask.windowMs,
  ask.limit,
  Math.ceil(ask.leaseMs),
  ask.least,
  ask.want,
  ask.unused.flatMap(({ mark, amount }) => [mark, amount]),
  // Younger than it was, never older: an admission must not leave its window early.
  ask.used.flatMap(({ ageMs, amount }) => [Math.floor(ageMs), amount]),
]

const encodeSlots = ({ key, limit, floor, want, held }: SlotAsk): unknown[] =>
  held === undefined ? [key, limit, floor, want] : [key, limit, floor, want, held]

export function decodeAnswer(wire: WireAnswer): StoreAnswer {
  return {
    epoch: wire.e,
    lostMs: wire.l ?? undefined,
    standing: wire.s,
    members: wire.m,
    othersMs: wire.o ?? undefined,
    windows: list(wire.w).map(([granted = 0, mark = 0, left = 0, waitMs = 0, nextMs = 0]) => ({
      granted,
      mark,
      left,
      waitMs,
      nextMs,
    })),
    slots: list(wire.h),
  }
}

/** Lua has one kind of table: its empty list is written as an object. */
const list = <T>(value: readonly T[] | Record<string, never>): readonly T[] =>
  Array.isArray(value) ? value : []
