import { Anchor } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Application } from '#partners/schema'
import { dateText } from '../format.ts'
import { DataTable } from './data-table.tsx'
import { EnvironmentPill, Named } from './parts.tsx'

/** @param options.under the address of the pages that show one of them */
export function ApplicationTable(options: {
  applications: readonly Application[]
  under: string
}): ReactNode {
  return (
    <DataTable
      label="Applications"
      rows={options.applications}
      rowKey={(application) => application.id}
      columns={[
        {
          title: 'Name',
          cell: ({ id, name }) => (
            <Anchor component={Link} to={`${options.under}/${id}`} fw={600}>
              <Named name={name} />
            </Anchor>
          ),
        },
        {
          title: 'Environment',
          cell: ({ environment }) => <EnvironmentPill environment={environment} />,
        },
        { title: 'State', cell: ({ state }) => state },
        {
          title: 'Client id',
          cell: ({ clientId }) => <span className="mono">{clientId}</span>,
        },
        { title: 'Since', cell: ({ createdAt }) => dateText(createdAt), nowrap: true },
      ]}
    />
  )
}
