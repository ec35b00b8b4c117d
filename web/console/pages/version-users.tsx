import { Anchor, SegmentedControl, Text, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'
import type { ApiVersion } from '#catalog/schema'
import type { VersionUsage } from '#metering/schema'
import type { Partner } from '#partners/schema'
import { DataTable, Pager } from '../../ui/app/data-table.tsx'
import { EnvironmentPill, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { agoText, countText } from '../../ui/format.ts'
import { type List, query } from '../../ui/management.ts'

const environments = [
  { value: '', label: 'Both' },
  { value: 'production', label: 'Production' },
  { value: 'sandbox', label: 'Sandbox' },
]

/** Who would notice if this version ended. */
export function VersionUsers({ api, path }: { api: ApiVersion; path: string }): ReactNode {
  const [environment, setEnvironment] = useState('')
  const [page, setPage] = useState(1)
  const users = useManaged<List<VersionUsage>>(
    `${path}/usage${query({ environment, page, perPage: 25 })}`,
    { everyMs: 10_000 },
  )
  return (
    <section className="card" aria-labelledby="users">
      <Title order={2} id="users" mb="sm">
        Who uses this version
      </Title>
      <SegmentedControl
        aria-label="Environment"
        data={environments}
        value={environment}
        mb="sm"
        size="xs"
        onChange={(value) => {
          setEnvironment(value)
          setPage(1)
        }}
      />
      <Reading of={users}>
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Text c="dimmed">
              No partner has called {api.id} in the last 90 days. It can end without anybody
              noticing.
            </Text>
          ) : (
            <>
              <DataTable
                label="Partners by their last call"
                rows={items}
                rowKey={(row) => `${row.partnerId} ${row.environment}`}
                columns={[
                  { title: 'Partner', cell: (row) => <PartnerName id={row.partnerId} /> },
                  {
                    title: 'Environment',
                    cell: (row) => <EnvironmentPill environment={row.environment} />,
                  },
                  {
                    title: 'Last call',
                    cell: (row) => agoText(row.lastUsedAt, new Date()),
                    nowrap: true,
                  },
                  { title: 'Calls, 30 days', cell: (row) => countText(row.calls), number: true },
                  { title: 'Billed', cell: (row) => countText(row.units), number: true },
                  {
                    title: 'Applications',
                    cell: (row) => countText(row.applications),
                    number: true,
                  },
                ]}
              />
              <Pager pagination={pagination} onChange={setPage} />
            </>
          )
        }
      </Reading>
    </section>
  )
}

function PartnerName({ id }: { id: string }): ReactNode {
  const partner = useManaged<Partner>(`/partners/${encodeURIComponent(id)}`)
  return (
    <Anchor component={Link} to={`/console/partners/${id}`} size="sm" fw={600}>
      {partner.data?.name ?? id}
    </Anchor>
  )
}
