import { Anchor, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Member } from '#identity/schema'
import { DataTable } from '../../../ui/app/data-table.tsx'
import { May, useMay } from '../../../ui/app/may.tsx'
import { memberColumns } from '../../../ui/app/member-columns.tsx'
import { PageTitle, Reading } from '../../../ui/app/parts.tsx'
import { ChangeRole, Invite, LostDevice, RemovePerson } from '../../../ui/app/people.tsx'
import { useManaged } from '../../../ui/app/use-managed.ts'
import type { List } from '../../../ui/management.ts'
import { useSession } from '../use-session.ts'

export function MembersPage(): ReactNode {
  const session = useSession()
  const may = useMay()
  const path = `/partners/${session.partnerId}/members`
  const members = useManaged<List<Member>>(`${path}?perPage=100`)
  return (
    <>
      <PageTitle
        title="Members"
        lead={
          <>
            The people of your organisation, and what they may do:{' '}
            <Anchor component={Link} to="/app/roles">
              roles
            </Anchor>
            .
          </>
        }
        actions={
          <May to="member.manage">
            <Invite path={path} firstRole="developer" />
          </May>
        }
      />
      <Reading of={members}>
        {({ items }) => (
          <DataTable
            label="Members"
            rows={items}
            rowKey={(m) => m.id}
            columns={[
              ...memberColumns(may('member-sign-in.read')),
              ...(may('member.manage')
                ? [
                    {
                      title: 'Change',
                      cell: (m: Member) => (
                        <Changes member={m} path={`${path}/${m.id}`} isSelf={m.id === session.id} />
                      ),
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

function Changes(options: { member: Member; path: string; isSelf: boolean }): ReactNode {
  const { member, path, isSelf } = options
  if (isSelf) return 'you'
  return (
    <Group gap="xs" wrap="nowrap">
      <ChangeRole key={member.role} person={member} path={path} />
      {member.state === 'active' && member.secondFactor !== false && (
        <LostDevice person={member} path={path} />
      )}
      <RemovePerson
        person={member}
        path={path}
        consequence="Their sessions and API tokens end at once. Applications and keys stay as they are: rotate the secrets that they knew."
      />
    </Group>
  )
}
