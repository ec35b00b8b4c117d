import type { Actor } from '#audit'
import { AppError } from '#platform/app-error'

// Which role may do what is said by the permission of each route, and checked before its handler runs. What is here knows
// for whom an action is.

/** @throws AppError PERMISSION_DENIED unless a member does this for its organisation */
export function memberOf(actor: Actor): Extract<Actor, { kind: 'partner' }> {
  if (actor.kind === 'partner') return actor
  throw new AppError('PERMISSION_DENIED', 'Only a member of a partner may do this.')
}

/** @throws AppError PERMISSION_DENIED unless one of the staff does this */
export function staffOf(actor: Actor): Extract<Actor, { kind: 'operator' }> {
  if (actor.kind === 'operator') return actor
  throw new AppError('PERMISSION_DENIED', 'Only the staff of the operator may do this.')
}

/** Whether the caller may see what belongs to this partner; if not, it is as if it were absent. */
export const maySee = (actor: Actor, partnerId: string): boolean =>
  actor.kind === 'operator' || (actor.kind === 'partner' && actor.partnerId === partnerId)
