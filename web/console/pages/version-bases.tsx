import { Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ApiVersion } from '#catalog/schema'
import { DataTable } from '../../ui/app/data-table.tsx'

/** For which purposes each scope may be asked for, and on which legal basis: as the manifest says. */
export function VersionBases({ api }: { api: ApiVersion }): ReactNode {
  const rows = api.legalBases.flatMap(({ scope, bases }) =>
    bases.map((basis, index) => ({ ...basis, scope, id: `${scope} ${index}` })),
  )
  return (
    <section className="card" aria-labelledby="bases">
      <Title order={2} id="bases" mb="sm">
        Legal basis
      </Title>
      <DataTable
        label="Legal basis of each scope"
        rows={rows}
        rowKey={(row) => row.id}
        columns={[
          { title: 'Scope', cell: (row) => <span className="mono">{row.scope}</span> },
          { title: 'Basis', cell: (row) => row.basis, nowrap: true },
          {
            title: 'Purposes',
            cell: (row) => (
              <span className="mono wrap">{row.purposes?.join(' ') ?? 'every other purpose'}</span>
            ),
          },
          { title: 'Consent lasts', cell: (row) => daysText(row.expiresAfterDays), nowrap: true },
        ]}
      />
      <Text size="sm" c="dimmed" mt="sm">
        A purpose that is not here is refused. The manifest decides, under consent.
      </Text>
    </section>
  )
}

const daysText = (days: number | undefined): string =>
  days === undefined ? '' : `${days} ${days === 1 ? 'day' : 'days'}`
