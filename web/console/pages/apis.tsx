import { Anchor, Button, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { ApiSummary } from '#catalog/schema'
import { DataTable } from '../../ui/app/data-table.tsx'
import { May } from '../../ui/app/may.tsx'
import { Empty, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { dateText } from '../../ui/format.ts'
import type { List } from '../../ui/management.ts'

export function ApisPage(): ReactNode {
  const apis = useManaged<List<ApiSummary>>('/apis?perPage=100')
  return (
    <>
      <PageTitle
        title="APIs"
        lead="What the gateways serve, and who answers for it."
        actions={
          <May to="api.publish">
            <Button component={Link} to="/console/apis/publish">
              Publish an API
            </Button>
          </May>
        }
      />
      <Reading of={apis}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="The catalog is empty">Publish an OpenAPI document to begin.</Empty>
          ) : (
            <DataTable
              label="APIs"
              rows={items}
              rowKey={(api) => api.id}
              columns={[
                {
                  title: 'API',
                  cell: (api) => (
                    <>
                      <Anchor component={Link} to={`/console/apis/${api.id}`} fw={600}>
                        {api.title} {api.version}
                      </Anchor>
                      <Text size="xs" c="dimmed" className="mono">
                        {api.id} · {api.fullVersion}
                      </Text>
                    </>
                  ),
                },
                { title: 'Domain', cell: (api) => api.domain },
                { title: 'State', cell: (api) => <State api={api} /> },
                {
                  title: 'Owner',
                  cell: (api) => (
                    <>
                      <Text size="sm">{api.owner.team}</Text>
                      <Text size="xs" c="dimmed">
                        {api.owner.contact}
                      </Text>
                    </>
                  ),
                },
                {
                  title: 'Plans',
                  cell: (api) => (api.plans.length === 0 ? 'every plan' : api.plans.join(', ')),
                },
                { title: 'Published', cell: (api) => dateText(api.publishedAt), nowrap: true },
                {
                  title: 'Calls',
                  cell: (api) => (
                    <Anchor
                      component={Link}
                      to={`/console/calls?apiId=${encodeURIComponent(api.id)}`}
                      size="sm"
                      aria-label={`Show live calls of ${api.title} ${api.version}`}
                    >
                      Show
                    </Anchor>
                  ),
                },
              ]}
            />
          )
        }
      </Reading>
    </>
  )
}

/** Where it is in its life, and until when. */
function State({ api }: { api: ApiSummary }): ReactNode {
  const sunsetAt = api.retirement?.sunsetAt
  return (
    <>
      <span className={`status status-${toneOf[api.lifecycle]}`}>{api.lifecycle}</span>
      {sunsetAt !== undefined && (
        <Text size="xs" c="dimmed">
          {api.lifecycle === 'retired' ? 'since' : 'until'} {dateText(sunsetAt)}
        </Text>
      )}
    </>
  )
}

const toneOf = { draft: 'warn', published: 'good', deprecated: 'warn', retired: 'bad' } as const
