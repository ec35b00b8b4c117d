import { Anchor, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Operator } from '#identity/schema'
import { DataTable } from '../../ui/app/data-table.tsx'
import { May, useMay, useSignedIn } from '../../ui/app/may.tsx'
import { PageTitle, Reading } from '../../ui/app/parts.tsx'
import { ChangeRole, Invite, LostDevice, PersonName, RemovePerson } from '../../ui/app/people.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { dateText } from '../../ui/format.ts'
import type { List } from '../../ui/management.ts'
import { roleText } from '../../ui/roles.ts'

export function StaffPage(): ReactNode {
  const { id } = useSignedIn()
  const may = useMay()
  const staff = useManaged<List<Operator>>('/operators?perPage=100')
  return (
    <>
      <PageTitle
        title="Staff"
        lead={
          <>
            Who works in this console, and what they may do:{' '}
            <Anchor component={Link} to="/console/roles">
              roles
            </Anchor>
            . One administrator always remains.
          </>
        }
        actions={
          <May to="staff.manage">
            <Invite path="/operators" firstRole="engineer" />
          </May>
        }
      />
      <Reading of={staff}>
        {({ items }) => (
          <DataTable
            label="Staff"
            rows={items}
            rowKey={(one) => one.id}
            columns={[
              { title: 'Name', cell: (one) => <PersonName person={one} /> },
              { title: 'Role', cell: (one) => roleText(one.role) },
              {
                title: 'State',
                cell: (one) => (one.state === 'invited' ? 'invited, not here yet' : 'active'),
              },
              { title: 'Since', cell: (one) => dateText(one.createdAt), nowrap: true },
              ...(may('staff.manage')
                ? [
                    {
                      title: 'Change',
                      cell: (one: Operator) => <Changes operator={one} isSelf={one.id === id} />,
                    },
                  ]
                : []),
            ]}
          />
        )}
      </Reading>
    </>
  )
}

function Changes({ operator, isSelf }: { operator: Operator; isSelf: boolean }): ReactNode {
  if (isSelf) return 'you'
  const path = `/operators/${operator.id}`
  return (
    <Group gap="xs" wrap="nowrap">
      <ChangeRole key={operator.role} person={operator} path={path} />
      {operator.state === 'active' && <LostDevice person={operator} path={path} />}
      <RemovePerson
        person={operator}
        path={path}
        consequence="Their sessions and API tokens end at once. What they did stays in the record."
      />
    </Group>
  )
}
