import type { PastUse } from './rate-window.ts'

/** How long a member counts as living after it was last heard of. */
export const memberMs = 2_000
/**
 * How long the only member decides by itself after it asked to be the only one, and the longest window that it so decides
 * about. Others wait for `memberMs`: by then no window is left that it had a part in, even if it was killed or stood
 * still in the middle of its last decision.
 */
export const ownMs = 1_000
/** The longest time that a lease may be used. */
export const longestLeaseMs = 1_000
/** A window's use is kept in so many steps; a place is given back at most one step late. */
export const stepsOfWindow = 64
/** How long a member that wants more slots than it was given is remembered. */
export const hungerMs = 1_000
/** The same once there is one that it may have: if it does not come for it, others may. */
export const offerMs = 250
/** How long a slot stays with a member while there are more members that want one than slots. */
export const turnMs = 150

/** One window of one contract, as a gateway asks for it. */
export type WindowAsk = {
  key: string
  windowMs: number
  limit: number
  /** how long the lease may be used, counted from when the question left */
  leaseMs: number
  /** nothing is granted when there is less than this; 0 when nothing is wanted */
  least: number
  want: number
  /** what earlier leases left unused, by the mark that they came with */
  unused: readonly { mark: number; amount: number }[]
  /** what was admitted without a lease */
  used: readonly PastUse[]
}

/** What the store says of a window. */
export type WindowGrant = {
  granted: number
  /** names the lease when its unused part is given back */
  mark: number
  /** what is left below the limit, after this grant */
  left: number
  /** until `least` is there, when it was not; else 0 */
  waitMs: number
  /** until the oldest use leaves the window; 0 when there is none */
  nextMs: number
}

/** The calls of a contract that this member has under way (`floor`) and wants to be able to have (`want`). */
export type SlotAsk = {
  key: string
  limit: number
  floor: number
  want: number
  /** how many it may have until it reads the answer; absent: one that cannot be told to use fewer */
  held?: number
}

/** One question to the store: as many contracts as there are, at once. */
export type StoreQuestion = {
  /** a name that no other process, and no earlier life of this one, has */
  member: string
  /** renews the membership, and asks to be alone when there is nobody else */
  beat: boolean
  /** gives up being alone: everything that was decided meanwhile has been told */
  release: boolean
  /** ends the membership */
  leaving: boolean
  /** the state of the store that this member last saw; '' before the first answer */
  epoch: string
  windows: readonly WindowAsk[]
  slots: readonly SlotAsk[]
}

export type StoreAnswer = {
  epoch: string
  /** how long ago the store lost what it knew; undefined when it never did */
  lostMs: number | undefined
  /**
   * `alone`: nobody else decides, until `memberMs` after the question left. `waiting`: somebody else is alone, and has
   * not given that up yet. `shared`: leases.
   */
  standing: 'alone' | 'waiting' | 'shared'
  /** living members, this one included */
  members: number
  /** since when nobody else could decide anything; undefined when there never was anybody else */
  othersMs: number | undefined
  /** in the order of the question; nothing is granted while waiting */
  windows: readonly WindowGrant[]
  /**
   * How many calls this member may have under way. When that is less than it has, others are to have some of its slots:
   * it begins no more, and what is under way counts until it tells that it has ended.
   */
  slots: readonly number[]
}

/**
 * Where the rates and the concurrency of all gateways of an environment are carved into leases. It decides by its own
 * clock; times travel as durations only. A lease counts as used from its grant until a whole window after its end.
 * @public
 */
export interface LimitStore {
  /** @throws when there is no answer in time */
  ask(question: StoreQuestion): Promise<StoreAnswer>
  stop(): Promise<void>
}
