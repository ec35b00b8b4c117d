import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useRouteLoaderData } from 'react-router'
import type { PermissionName, RoleTable, Session } from '#identity/schema'
import { whyNot } from '../roles.ts'
import { useManaged } from './use-managed.ts'

/** The session that the frame of the portal or of the console has loaded. */
export function useSignedIn(): Session {
  const member = useRouteLoaderData<Session>('app')
  const staff = useRouteLoaderData<Session>('console')
  const session = member ?? staff
  if (session === undefined) throw new Error('there is no session')
  return session
}

/** Whether the person may do something, as the server said. */
export function useMay(): (permission: PermissionName) => boolean {
  const { permissions } = useSignedIn()
  return (permission) => permissions.includes(permission)
}

/** What the person may do is shown; in its place stands who may, or nothing where `silent`. */
export function May(options: {
  to: PermissionName
  silent?: boolean
  children: ReactNode
}): ReactNode {
  const may = useMay()
  if (may(options.to)) return options.children
  return options.silent === true ? null : <WhoMay to={options.to} />
}

/** A form that the person may look at; what sends it stands in a `May`. */
export function Fields(options: { to: PermissionName; children: ReactNode }): ReactNode {
  const may = useMay()
  return (
    <fieldset disabled={!may(options.to)} className="fields">
      {options.children}
    </fieldset>
  )
}

export function WhoMay({ to }: { to: PermissionName }): ReactNode {
  const session = useSignedIn()
  const { data } = useManaged<RoleTable>('/roles')
  if (data === undefined) return null
  return (
    <Text size="sm" c="dimmed">
      {whyNot(data, session, to)}
    </Text>
  )
}
