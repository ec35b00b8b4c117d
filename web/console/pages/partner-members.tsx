import { Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Member } from '#identity/schema'
import { DataTable } from '../../ui/app/data-table.tsx'
import { May, useMay } from '../../ui/app/may.tsx'
import { memberColumns } from '../../ui/app/member-columns.tsx'
import { Reading } from '../../ui/app/parts.tsx'
import { LostDevice } from '../../ui/app/people.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { faultFrom, type List } from '../../ui/management.ts'

/** The people of a partner, for the operator whom one of them calls. */
export function PartnerMembers({ partnerId }: { partnerId: string }): ReactNode {
  return (
    <section className="card" aria-labelledby="members">
      <Title order={2} id="members" mb="sm">
        Members
      </Title>
      <May to="member.read">
        <Members path={`/partners/${partnerId}/members`} />
      </May>
    </section>
  )
}

function Members({ path }: { path: string }): ReactNode {
  const may = useMay()
  const members = useManaged<List<Member>>(`${path}?perPage=100`)
  // Members are all that people are known by: an organisation without one is none there.
  if (members.error !== null && faultFrom(members.error).status === 404)
    return <Text c="dimmed">Nobody is left.</Text>
  return (
    <Reading of={members}>
      {({ items, pagination }) => (
        <>
          <DataTable
            label="Members"
            rows={items}
            rowKey={(member) => member.id}
            columns={[
              ...memberColumns(may('member-sign-in.read')),
              ...(may('member.reset-factors')
                ? [{ title: 'Change', cell: (member: Member) => changeOf(member, path) }]
                : []),
            ]}
          />
          {pagination.totalCount > items.length && (
            <Text size="sm" c="dimmed" mt="sm">
              The first {items.length} of {pagination.totalCount}.
            </Text>
          )}
        </>
      )}
    </Reading>
  )
}

const changeOf = (member: Member, path: string): ReactNode =>
  member.secondFactor === true && <LostDevice person={member} path={`${path}/${member.id}`} />
