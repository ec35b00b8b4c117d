import { Button, Group, Select, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { ApiSummary } from '#catalog/schema'
import type { Subscription } from '#contracts/schema'
import type { Application } from '#partners/schema'
import { Confirm } from '../../ui/app/confirm.tsx'
import { DataTable } from '../../ui/app/data-table.tsx'
import { May } from '../../ui/app/may.tsx'
import { Reading, Refused } from '../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../ui/app/use-managed.ts'
import { type List, query } from '../../ui/management.ts'

/** Which APIs an application may call: in the sandbox every one, in production those that were chosen. */
export function Subscriptions({ application }: { application: Application }): ReactNode {
  const subscriptions = useManaged<List<Subscription>>(
    `/subscriptions${query({ applicationId: application.id, perPage: 100 })}`,
  )
  return (
    <section className="card" aria-labelledby="subscriptions">
      <Stack>
        <Title order={2} id="subscriptions">
          APIs
        </Title>
        {application.environment === 'sandbox' ? (
          <Text>Every published API, also those that come later. Nothing to choose.</Text>
        ) : (
          <>
            <Reading of={subscriptions}>
              {({ items }) =>
                items.length === 0 ? (
                  <Text>None yet. Choose the first one: calls work within a second.</Text>
                ) : (
                  <DataTable
                    label="Subscriptions"
                    rows={items}
                    rowKey={(s) => s.id}
                    columns={[
                      { title: 'API', cell: (s) => s.apiId },
                      {
                        title: 'Scopes',
                        cell: (s) => <span className="mono">{s.scopes.join(' ')}</span>,
                      },
                      { title: 'State', cell: (s) => s.state },
                      {
                        title: 'End',
                        cell: (s) => (
                          <May to="subscription.change" silent>
                            <End subscription={s} />
                          </May>
                        ),
                      },
                    ]}
                  />
                )
              }
            </Reading>
            <May to="subscription.change">
              <Subscribe
                application={application}
                taken={(subscriptions.data?.items ?? []).map((s) => s.apiId)}
              />
            </May>
          </>
        )}
      </Stack>
    </section>
  )
}

function Subscribe(options: { application: Application; taken: string[] }): ReactNode {
  const [apiId, setApiId] = useState<string | null>(null)
  const apis = useManaged<List<ApiSummary>>('/apis?perPage=100')
  const change = useChange({ done: () => setApiId(null) })
  const free = (apis.data?.items ?? []).filter(
    (api) => api.lifecycle === 'published' && !options.taken.includes(api.id),
  )
  if (free.length === 0) return null
  return (
    <>
      <Group align="flex-end">
        <Select
          label="Add an API"
          placeholder="Choose"
          data={free.map((api) => ({ value: api.id, label: `${api.title} ${api.version}` }))}
          value={apiId}
          onChange={setApiId}
          w={320}
        />
        <Button
          disabled={apiId === null}
          loading={change.sending}
          onClick={() =>
            change.send({
              method: 'POST',
              path: '/subscriptions',
              body: { applicationId: options.application.id, apiId },
            })
          }
        >
          Add
        </Button>
      </Group>
      {change.fault !== undefined && <Refused fault={change.fault} />}
    </>
  )
}

function End({ subscription }: { subscription: Subscription }): ReactNode {
  const change = useChange({})
  return (
    <Confirm
      label="End"
      title={`End ${subscription.apiId}?`}
      consequence="Calls of this application to this API are refused within a second. You may add it again."
      action="End subscription"
      sending={change.sending}
      fault={change.fault}
      confirm={() => change.send({ method: 'DELETE', path: `/subscriptions/${subscription.id}` })}
    />
  )
}
