import type { Actor } from '#audit'
import { invalidArgument, type Violation } from '#platform/app-error'
import { grantOf, type Permission, permissionNames } from './permissions.ts'
import { holds } from './require-permission.ts'

const day = 24 * 3_600_000
/** What is forgotten somewhere ends by itself. */
const usualDays = 90

/** Every token may find out what it is. */
const always: Permission = 'session.read'

export type TokenLimits = { scopes?: readonly string[]; expiresInDays?: number }

/**
 * What a token is limited to; its maker's role is looked at again whenever it is used.
 * @throws AppError INVALID_ARGUMENT for a scope that the maker has not itself, or that no token can have
 */
export function limitsOf(
  { scopes, expiresInDays = usualDays }: TokenLimits,
  maker: Actor,
  now: Date,
): { scopes: Permission[] | null; expires_at: Date } {
  return {
    scopes: scopes === undefined ? null : checkScopes(scopes, maker),
    expires_at: daysFrom(now, expiresInDays),
  }
}

export const daysFrom = (now: Date, days: number): Date => new Date(now.getTime() + days * day)

/** @throws AppError INVALID_ARGUMENT */
export function checkScopes(scopes: readonly string[], maker: Actor): Permission[] {
  const faults: Violation[] = []
  const given = new Set<Permission>([always])
  for (const [i, scope] of scopes.entries()) {
    const permission = permissionNames.find((name) => name === scope)
    const path = `/scopes/${i}`
    if (permission === undefined) faults.push({ path, message: `${scope} is no permission` })
    else if (grantOf(permission).person === true)
      faults.push({ path, message: `${scope} is for people only` })
    else if (!holds(maker, permission)) faults.push({ path, message: `${scope} is not yours` })
    else given.add(permission)
  }
  if (faults.length > 0) throw invalidArgument(faults)
  return [...given]
}
