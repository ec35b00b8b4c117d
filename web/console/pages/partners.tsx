import { Anchor } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'
import type { Partner } from '#partners/schema'
import { DataTable, Pager } from '../../ui/app/data-table.tsx'
import { Empty, Named, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { timeText } from '../../ui/format.ts'
import type { List } from '../../ui/management.ts'

export function PartnersPage(): ReactNode {
  const [page, setPage] = useState(1)
  const partners = useManaged<List<Partner>>(`/partners?page=${page}&perPage=25`, {
    everyMs: 10_000,
  })
  return (
    <>
      <PageTitle
        title="Partners"
        lead="Organisations that signed up, newest first. The sandbox is theirs from the first minute."
      />
      <Reading of={partners}>
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Empty title="No partners yet">
              The portal is open: the first one to sign up appears here.
            </Empty>
          ) : (
            <>
              <DataTable
                label="Partners"
                rows={items}
                rowKey={(p) => p.id}
                columns={[
                  {
                    title: 'Organisation',
                    cell: (p) => (
                      <Anchor component={Link} to={`/console/partners/${p.id}`} fw={600}>
                        <Named name={p.name} />
                      </Anchor>
                    ),
                  },
                  { title: 'State', cell: (p) => p.state },
                  { title: 'Production', cell: productionText },
                  { title: 'Since', cell: (p) => timeText(p.createdAt), nowrap: true },
                  { title: 'Id', cell: (p) => <span className="mono">{p.id}</span>, nowrap: true },
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

const productionText = (partner: Partner): string => {
  if (partner.production.ready) return 'ready'
  const open = partner.production.requirements.filter((r) => !r.done).length
  return `${open} open`
}
