import type { PermissionName, RoleTable, Session } from '#identity/schema'

/** Roles as people read them: `partner-success` is "partner success". */
export const roleText = (role: string): string => role.replaceAll('-', ' ')

const listText = (roles: readonly string[]): string => {
  const words = roles.map(roleText)
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}

/** Why somebody does not see what a page would offer, and whom to ask. */
export function whyNot(
  table: RoleTable,
  session: Pick<Session, 'kind' | 'role'>,
  permission: PermissionName,
): string {
  const found = table.permissions.find(({ name }) => name === permission)
  if (found === undefined) return ''
  const roles = found[session.kind]
  if (roles.length === 0)
    return session.kind === 'partner'
      ? `Only the operator may ${found.title}.`
      : `Only members of a partner may ${found.title}.`
  return `As ${roleText(session.role)} you may not ${found.title}. Roles that may: ${listText(roles)}.`
}

export type RoleRow = {
  name: string
  title: string
  stepUp: boolean
  token: boolean
  /** by role */
  may: Readonly<Record<string, boolean>>
}

/** The table of one side: what nobody there may do is left out. */
export const roleRows = (table: RoleTable, kind: Session['kind']): RoleRow[] =>
  table.permissions.flatMap(({ name, title, stepUp, token, [kind]: roles }) =>
    roles.length === 0
      ? []
      : [
          {
            name,
            title,
            stepUp,
            token,
            may: Object.fromEntries(table[kind].map(({ role }) => [role, roles.includes(role)])),
          },
        ],
  )
