import type { FastifyRequest } from 'fastify'
import type { Actor } from '#audit'
import { AppError } from '#platform/app-error'
import { grantOf, type Permission, permissionNames } from './permissions.ts'
import { isToken, refuseToken } from './person-of.ts'
import { requireStepUp } from './require-step-up.ts'
import { unauthenticated } from './unauthenticated.ts'

/** Whether the role of the caller has this permission, and an API token its scope; the rest is for `requirePermission`. */
export function holds(actor: Actor, permission: Permission): boolean {
  const { partner, operator } = grantOf(permission)
  if (!isInScope(actor, permission)) return false
  switch (actor.kind) {
    case 'partner':
      return partner.includes(actor.role)
    case 'operator':
      return operator.includes(actor.role)
    case 'system':
      return true
    case 'anonymous':
      return false
  }
}

/** An API token may do no more than it was made for. */
const isInScope = (actor: Actor, permission: Permission): boolean =>
  !('scopes' in actor) || actor.scopes === undefined || actor.scopes.includes(permission)

/** The permissions that a caller has. */
export const heldBy = (actor: Actor): Permission[] =>
  permissionNames.filter(
    (name) => holds(actor, name) && !(isToken(actor) && grantOf(name).person === true),
  )

/**
 * Lets on who has the permission and, where it asks for that, has just proved to be there. The guard does so with the
 * permission of the route; a handler does it where more is needed for some things than for others, as in production.
 * @throws AppError UNAUTHENTICATED; PERMISSION_DENIED with the roles that may; STEP_UP_REQUIRED
 * @public
 */
export function requirePermission(request: FastifyRequest, permission: Permission): void {
  const { person, stepUp } = grantOf(permission)
  requireRole(request.actor, permission)
  if (person === true) refuseToken(request.actor)
  if (stepUp === true) requireStepUp(request)
}

/** @throws AppError UNAUTHENTICATED; PERMISSION_DENIED with the roles that may */
export function requireRole(actor: Actor, permission: Permission): void {
  if (actor.kind === 'anonymous') throw unauthenticated()
  if (!holds(actor, permission)) throw refusal(actor, permission)
}

function refusal(actor: Actor, permission: Permission): AppError {
  const { title, partner, operator } = grantOf(permission)
  const roles = actor.kind === 'partner' ? partner : operator
  if (!isInScope(actor, permission))
    return new AppError(
      'PERMISSION_DENIED',
      `This API token was not made to ${title}: it has not the scope ${permission}.`,
    )
  if (roles.length > 0 && 'role' in actor) {
    return new AppError(
      'PERMISSION_DENIED',
      `The role ${actor.role} may not ${title}. Roles that may: ${roles.join(', ')}.`,
    )
  }
  return new AppError(
    'PERMISSION_DENIED',
    actor.kind === 'partner'
      ? `Only the staff of the operator may ${title}. Roles that may: ${operator.join(', ')}.`
      : `Only a member of a partner may ${title}. Roles that may: ${partner.join(', ')}.`,
  )
}
