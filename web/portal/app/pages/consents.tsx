import { type ReactNode, useState } from 'react'
import type { ConsentCount } from '#consent/schema'
import { DataTable, Pager } from '../../../ui/app/data-table.tsx'
import { Empty, EnvironmentPill, PageTitle, Reading } from '../../../ui/app/parts.tsx'
import { useManaged } from '../../../ui/app/use-managed.ts'
import { countText } from '../../../ui/format.ts'
import type { List } from '../../../ui/management.ts'

/** How many subscribers said what: which ones is between them and the operator. */
export function ConsentsPage(): ReactNode {
  const [page, setPage] = useState(1)
  const counts = useManaged<List<ConsentCount>>(`/consent-counts?page=${page}&perPage=50`, {
    everyMs: 10_000,
  })
  return (
    <>
      <PageTitle
        title="Consents"
        lead="How many subscribers allowed, refused or withdrew what your applications asked for. Ask for one subscriber over the Consent Info API."
      />
      <Reading of={counts}>
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Empty title="Nobody was asked yet">
              A subscriber is asked on the operator’s page, when a token needs a consent that is not
              there.
            </Empty>
          ) : (
            <>
              <DataTable
                label="Consents"
                rows={items}
                rowKey={(one) =>
                  `${one.environment} ${one.application.id} ${one.purpose} ${one.state}`
                }
                columns={[
                  { title: 'Application', cell: (one) => one.application.name },
                  {
                    title: 'Environment',
                    cell: (one) => <EnvironmentPill environment={one.environment} />,
                  },
                  { title: 'Purpose', cell: (one) => <span className="mono">{one.purpose}</span> },
                  { title: 'State', cell: (one) => <strong>{one.state}</strong> },
                  { title: 'Subscribers', cell: (one) => countText(one.count), number: true },
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
