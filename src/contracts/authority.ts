import type { Actor } from '#audit'
import { AppError } from '#platform/app-error'

type Member = Extract<Actor, { kind: 'partner' }>
type Staff = Extract<Actor, { kind: 'operator' }>

/** @throws AppError PERMISSION_DENIED unless the caller may bind its organisation */
export function requireOwner(actor: Actor, what: string): Member {
  return requireRole(actor, ['owner'], what)
}

/** @throws AppError PERMISSION_DENIED unless the caller manages its organisation's applications */
export function requireIntegrator(actor: Actor, what: string): Member {
  return requireRole(actor, ['owner', 'developer'], what)
}

function requireRole(actor: Actor, roles: readonly Member['role'][], what: string): Member {
  if (actor.kind === 'partner' && roles.includes(actor.role)) return actor
  throw new AppError(
    'PERMISSION_DENIED',
    actor.kind === 'partner'
      ? `Only the ${roles.join(' or ')} of an organisation may ${what}.`
      : `Only a member of the partner may ${what}.`,
  )
}

const contractRoles: readonly Staff['role'][] = ['administrator', 'product', 'partner-success']

/** @throws AppError PERMISSION_DENIED for staff that only reads, or runs the machines */
export function requireContractStaff(actor: Actor, what: string): Staff {
  if (actor.kind === 'operator' && contractRoles.includes(actor.role)) return actor
  throw new AppError('PERMISSION_DENIED', `Your role may not ${what}.`)
}

/** Whether the caller may see what belongs to this partner; if not, it is as if it were absent. */
export const maySee = (actor: Actor, partnerId: string): boolean =>
  actor.kind === 'operator' || (actor.kind === 'partner' && actor.partnerId === partnerId)
