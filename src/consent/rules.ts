import type { Environment } from '#platform/config'
import type { CaptureChannel, RefusalReason } from './face.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** What is a day in production is a minute in the sandbox, so that a developer sees these rules work, and end. */
const unitMs = (environment: Environment): number => (environment === 'sandbox' ? minuteMs : dayMs)

/** For how many days a no stands: the first, the second in a row, and so on; the last for all that follow. */
const deniedDays = [1, 7, 30] as const
const withdrawnDays = 1

/** Until when a partner may not ask again. An objection stands until the subscriber lifts it. */
export function standsUntil(
  environment: Environment,
  refusal: { reason: Exclude<RefusalReason, 'objected'>; at: Date; inARow: number },
): Date {
  const days =
    refusal.reason === 'withdrawn'
      ? withdrawnDays
      : (deniedDays[Math.min(refusal.inARow, deniedDays.length) - 1] ?? deniedDays[0])
  return new Date(refusal.at.getTime() + days * unitMs(environment))
}

/**
 * How often a subscriber may be asked in a day. `ciba` and `capture-url` reach people who did not ask for anything, so
 * they are few; a page in the middle of a sign-in that the subscriber began is shown again when it is loaded again.
 */
export const captureLimits = {
  /** by one application for one purpose */
  ofApplication: { authorization: 30, ciba: 5, 'capture-url': 5 },
  /** by all of them */
  ofSubscriber: { authorization: 100, ciba: 10, 'capture-url': 10 },
} as const satisfies Record<string, Record<CaptureChannel, number>>

export const captureWindowStart = (environment: Environment, now: Date): Date =>
  new Date(now.getTime() - unitMs(environment))

export const expiryOf = (grantedAt: Date, days: number | undefined): Date | undefined =>
  days === undefined ? undefined : new Date(grantedAt.getTime() + days * dayMs)
