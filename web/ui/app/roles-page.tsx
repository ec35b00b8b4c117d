import { Stack, Text, Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import type { RoleTable } from '#identity/schema'
import { roleRows, roleText } from '../roles.ts'
import { DataTable } from './data-table.tsx'
import { useSignedIn } from './may.tsx'
import { PageTitle, Reading } from './parts.tsx'
import { useManaged } from './use-managed.ts'

/** Which role may do what, on the side of whoever looks. */
export function RolesPage(): ReactNode {
  const session = useSignedIn()
  const table = useManaged<RoleTable>('/roles')
  return (
    <>
      <PageTitle title="Roles" lead={`What each role may do. You are ${roleText(session.role)}.`} />
      <Reading of={table}>
        {(found) => (
          <Stack gap="lg">
            <section className="card" aria-labelledby="roles">
              <Title order={2} id="roles" mb="sm">
                What they are for
              </Title>
              <dl className="role-list">
                {found[session.kind].map(({ role, description }) => (
                  <div key={role}>
                    <dt>{roleText(role)}</dt>
                    <dd>{description}</dd>
                  </div>
                ))}
              </dl>
            </section>
            <DataTable
              label="What each role may do"
              matrix
              rows={roleRows(found, session.kind)}
              rowKey={({ name }) => name}
              columns={[
                {
                  title: 'May',
                  cell: ({ name, title, stepUp, token }) => (
                    <>
                      <Text size="sm">{title}</Text>
                      <Text size="xs" c="dimmed">
                        <code>{name}</code>
                        {stepUp && ' · asks you to confirm that it is you'}
                        {!token && ' · never with an API token'}
                      </Text>
                    </>
                  ),
                },
                ...found[session.kind].map(({ role }) => ({
                  title: roleText(role),
                  cell: ({ may }: ReturnType<typeof roleRows>[number]) => (
                    <Mark may={may[role] === true} />
                  ),
                })),
              ]}
            />
          </Stack>
        )}
      </Reading>
    </>
  )
}

function Mark({ may }: { may: boolean }): ReactNode {
  return may ? (
    <IconCheck size={18} color="var(--good)" role="img" aria-label="yes" />
  ) : (
    <Text span c="dimmed" aria-label="no" role="img">
      –
    </Text>
  )
}
