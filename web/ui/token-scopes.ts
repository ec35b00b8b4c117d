import type { RoleTable, Session } from '#identity/schema'

export type ScopeRow = { name: string; title: string }

/** What the person may give to a token: what it may do itself, but for what is for people only. */
export function scopeRows(
  { permissions }: RoleTable,
  session: Pick<Session, 'permissions'>,
): { reads: ScopeRow[]; changes: ScopeRow[] } {
  const held: readonly string[] = session.permissions
  const given = permissions.filter(
    ({ name, token }) => token && held.includes(name) && name !== 'session.read',
  )
  const row = ({ name, title }: ScopeRow): ScopeRow => ({ name, title })
  return {
    reads: given.filter(({ name }) => name.endsWith('.read')).map(row),
    changes: given.filter(({ name }) => !name.endsWith('.read')).map(row),
  }
}

/** In a list: how much a token may do. */
export function scopeText(scopes: readonly string[] | undefined): string {
  if (scopes === undefined) return 'all that its maker may do'
  const own = scopes.filter((scope) => scope !== 'session.read')
  if (own.length === 0) return 'nothing'
  if (own.length > 3) return `${own.slice(0, 2).join(', ')} and ${own.length - 2} more`
  return own.join(', ')
}

export function endText(expiresAt: string | undefined, now: Date): string {
  if (expiresAt === undefined) return 'does not end by itself'
  const days = Math.ceil((Date.parse(expiresAt) - now.getTime()) / 86_400_000)
  if (days <= 0) return 'has ended'
  return days === 1 ? 'within a day' : `in ${days} days`
}
