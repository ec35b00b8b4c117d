import { hungerMs, offerMs, type SlotAsk, turnMs } from './limit-store.ts'

/** What the store remembers of a member while somebody wants more slots than it was given. */
export type SlotClaim = {
  /** since when it has been given some, or none */
  sinceMs: number
  untilMs: number
  want: number
  /** as it was told; more than that it has under way only until that is over */
  given: number
}

type Asking = {
  member: string
  ask: SlotAsk
  /** what was counted for it until now */
  before: number
  /** what it may have as far as the limit goes */
  usable: number
  /** the limit less what others hold */
  room: number
  /** what others hold */
  holders: ReadonlyMap<string, number>
}

/**
 * Slots among members of whom some want more than they were given: nobody is to hold more than a fair part while another
 * has less and wants it. Where there are fewer slots than members, they go from one to the next in turns.
 * @param claims of living members, the asking one's too; changed in place
 * @returns what the member is told, and what is counted for it until it tells that it uses no more than that
 */
export function shareSlots(
  claims: Map<string, SlotClaim>,
  asking: Asking,
  now: number,
): { given: number; counted: number } {
  const { member, ask, usable, room } = asking
  for (const [name, { untilMs }] of claims) if (untilMs <= now) claims.delete(name)
  const own = claims.get(member)
  claims.delete(member)
  const serving = (own?.given ?? asking.before) > 0
  const sinceMs = own?.sinceMs ?? (serving ? 0 : now)
  const hungry = [...claims].filter(([, { want, given }]) => want > given)
  const most = hungry.length === 0 ? usable : mostOf(asking, { serving, sinceMs, hungry }, now)
  const given = Math.min(usable, most)
  const counted = Math.max(given, ask.floor, Math.min(ask.held ?? 0, usable))
  // Who does not come for what is free does not keep it from others for long.
  if (room > counted)
    for (const [, claim] of hungry) claim.untilMs = Math.min(claim.untilMs, now + offerMs)
  const wants = ask.want > Math.max(given, ask.floor)
  if (wants || (hungry.length > 0 && given > 0))
    claims.set(member, {
      sinceMs: serving === given > 0 ? sinceMs : now,
      untilMs: now + hungerMs,
      want: wants ? ask.want : given,
      given,
    })
  return { given, counted }
}

/** The most that a member may have while others are hungry. */
function mostOf(
  { member, ask, room, holders }: Asking,
  own: { serving: boolean; sinceMs: number; hungry: readonly (readonly [string, SlotClaim])[] },
  now: number,
): number {
  const { serving, sinceMs, hungry } = own
  const sharing = new Set([member, ...holders.keys(), ...hungry.map(([name]) => name)])
  const fair = Math.floor(ask.limit / sharing.size)
  if (fair > 0) {
    let due = 0
    for (const [name, { want }] of hungry)
      due += Math.max(0, Math.min(want, fair) - (holders.get(name) ?? 0))
    return Math.max(fair, room - due)
  }
  if (serving && now - sinceMs < turnMs) return 1
  const ahead = hungry.filter(
    ([name, other]) =>
      other.given === 0 &&
      (serving || other.sinceMs < sinceMs || (other.sinceMs === sinceMs && name < member)),
  )
  return Math.max(0, Math.min(1, room - ahead.length))
}
