import { Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { AuditEvent } from '#audit/schema'
import { DataTable, Pager } from '../../ui/app/data-table.tsx'
import { Empty, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { timeText } from '../../ui/format.ts'
import type { List } from '../../ui/management.ts'
import { detailText } from '../view-models/audit-detail.ts'

export function AuditPage(): ReactNode {
  const [page, setPage] = useState(1)
  const events = useManaged<List<AuditEvent>>(`/audit-events?page=${page}&perPage=50`, {
    everyMs: page === 1 ? 5_000 : false,
  })
  return (
    <>
      <PageTitle
        title="Audit"
        lead="Every change, who made it and when. Each entry is chained to the one before: an altered or missing one is found."
      />
      <Reading of={events}>
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Empty title="Nothing was done yet">Changes appear here as they are made.</Empty>
          ) : (
            <>
              <DataTable
                label="Audit events"
                rows={items}
                rowKey={(event) => event.id}
                columns={[
                  { title: 'Entry', cell: (event) => <Entry event={event} />, nowrap: true },
                  { title: 'Time', cell: (event) => timeText(event.occurredAt), nowrap: true },
                  { title: 'Action', cell: (event) => <Action event={event} /> },
                  { title: 'By', cell: (event) => <Actor event={event} /> },
                  { title: 'Detail', cell: (event) => <Detail detail={event.detail} /> },
                ]}
              />
              <Pager pagination={pagination} onChange={setPage} />
            </>
          )
        }
      </Reading>
    </>
  )
}

/** Its number, and the beginning of the hash that chains it to the one before. */
function Entry({ event }: { event: AuditEvent }): ReactNode {
  return (
    <>
      {event.sequence}
      <Text size="xs" c="dimmed" className="mono" title={`hash ${event.hash}`}>
        {event.hash.slice(0, 8)}…
      </Text>
    </>
  )
}

function Action({ event: { action, target } }: { event: AuditEvent }): ReactNode {
  return (
    <>
      <Text size="sm" fw={700}>
        {action}
      </Text>
      <Text span size="xs" c="dimmed" className="mono clip" title={target}>
        {target}
      </Text>
    </>
  )
}

function Actor({ event }: { event: AuditEvent }): ReactNode {
  return (
    <>
      <Text size="sm">{event.actor.kind}</Text>
      {event.actor.id !== undefined && (
        <Text span size="xs" c="dimmed" className="mono clip" title={event.actor.id}>
          {event.actor.id}
        </Text>
      )}
    </>
  )
}

function Detail({ detail }: { detail: AuditEvent['detail'] }): ReactNode {
  const entries = Object.entries(detail)
  if (entries.length === 0) return null
  return (
    <Text size="xs" className="mono detail">
      {entries.map(([name, value]) => `${name}: ${detailText(value)}`).join(', ')}
    </Text>
  )
}
