import { Button, Group, Select, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { ApiSummary } from '#catalog/schema'
import type { Exchange } from '#metering/schema'
import type { Application } from '#partners/schema'
import { Pager } from '../../../ui/app/data-table.tsx'
import { ExchangeTable } from '../../../ui/app/exchange-table.tsx'
import { Empty, PageTitle, Reading } from '../../../ui/app/parts.tsx'
import { useManaged } from '../../../ui/app/use-managed.ts'
import { type List, query } from '../../../ui/management.ts'

const fields = ['correlator', 'applicationId', 'apiId', 'status', 'environment'] as const

export function CallsPage(): ReactNode {
  const [search, setSearch] = useSearchParams()
  const page = Number(search.get('page') ?? '1') || 1
  const filter = Object.fromEntries(fields.map((f) => [f, search.get(f) ?? undefined]))
  const exchanges = useManaged<List<Exchange>>(
    `/exchanges${query({ ...filter, page, perPage: 25 })}`,
    {
      everyMs: page === 1 ? 3_000 : false,
    },
  )
  const applications = useManaged<List<Application>>('/applications?perPage=100')
  const names = new Map((applications.data?.items ?? []).map((a) => [a.id, a.name]))
  const set = (name: string, value: string | null): void => {
    const next = new URLSearchParams(search)
    if (value === null || value === '') next.delete(name)
    else next.set(name, value)
    next.delete('page')
    setSearch(next, { replace: true })
  }
  return (
    <>
      <PageTitle
        title="Calls"
        lead="Each request that your applications sent through the gateway, refusals included. No phone number is kept."
      />
      <Filters search={search} set={set} applications={applications.data?.items ?? []} />
      <Reading of={exchanges}>
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Empty title={search.size === 0 ? 'No calls yet' : 'Nothing matches'}>
              {search.size === 0
                ? 'Run one from the quickstart: it is here a few seconds later.'
                : 'Calls are listed for seven days; by correlator, for ninety.'}
            </Empty>
          ) : (
            <>
              <ExchangeTable
                rows={items}
                nameOf={(e) => names.get(e.applicationId ?? '') ?? e.applicationId ?? ''}
                who="Application"
                linkOf={(e) => `/app/calls/${e.id}`}
              />
              <Pager
                pagination={pagination}
                onChange={(next) => {
                  const target = new URLSearchParams(search)
                  target.set('page', String(next))
                  setSearch(target)
                }}
              />
            </>
          )
        }
      </Reading>
    </>
  )
}

function Filters(options: {
  search: URLSearchParams
  set: (name: string, value: string | null) => void
  applications: Application[]
}): ReactNode {
  const { search, set, applications } = options
  const [correlator, setCorrelator] = useState(search.get('correlator') ?? '')
  const apis = useManaged<List<ApiSummary>>('/apis?perPage=100')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        set('correlator', correlator.trim())
      }}
    >
      <Group align="flex-end" mb="lg">
        <TextInput
          label="x-correlator"
          value={correlator}
          maxLength={256}
          w={300}
          onChange={(event) => setCorrelator(event.currentTarget.value)}
        />
        <Button type="submit" variant="default">
          Find
        </Button>
        <Select
          label="Application"
          placeholder="All"
          clearable
          clearButtonProps={{ 'aria-label': 'All applications' }}
          data={applications.map((a) => ({ value: a.id, label: a.name }))}
          value={search.get('applicationId')}
          onChange={(value) => set('applicationId', value)}
          w={200}
        />
        <Select
          label="API"
          placeholder="All"
          clearable
          clearButtonProps={{ 'aria-label': 'All APIs' }}
          data={(apis.data?.items ?? []).map((api) => api.id)}
          value={search.get('apiId')}
          onChange={(value) => set('apiId', value)}
          w={220}
        />
        <Select
          label="Status"
          placeholder="All"
          clearable
          clearButtonProps={{ 'aria-label': 'All statuses' }}
          data={[
            '200',
            '201',
            '204',
            '400',
            '401',
            '403',
            '404',
            '422',
            '429',
            '500',
            '503',
            '504',
          ]}
          value={search.get('status')}
          onChange={(value) => set('status', value)}
          w={120}
        />
      </Group>
    </form>
  )
}
