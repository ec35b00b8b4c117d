import { Anchor, Button, Group, SegmentedControl, Select, Text, TextInput } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import type { ApiSummary } from '#catalog/schema'
import type { Exchange } from '#metering/schema'
import type { Partner } from '#partners/schema'
import { ExchangeTable } from '../../ui/app/exchange-table.tsx'
import { Empty, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { type List, query } from '../../ui/management.ts'
import { arrivals, matches, type Outcome, outcomes } from '../view-models/live-calls.ts'

const fields = ['environment', 'partnerId', 'apiId', 'correlator'] as const

export function LiveCallsPage(): ReactNode {
  const [search, setSearch] = useSearchParams()
  const [paused, setPaused] = useState(false)
  const filter = Object.fromEntries(fields.map((f) => [f, search.get(f) ?? undefined]))
  const outcome = outcomes.find((o) => o === search.get('outcome')) ?? 'all'
  const exchanges = useManaged<List<Exchange>>(`/exchanges${query({ ...filter, perPage: 100 })}`, {
    everyMs: paused ? false : 2_000,
  })
  const partners = useManaged<List<Partner>>('/partners?perPage=100')
  const names = new Map((partners.data?.items ?? []).map((p) => [p.id, p.name]))
  const fresh = useArrivals(exchanges.data?.items)
  const set = (name: string, value: string | null): void => {
    const next = new URLSearchParams(search)
    if (value === null || value === '' || value === 'all') next.delete(name)
    else next.set(name, value)
    setSearch(next, { replace: true })
  }
  return (
    <>
      <PageTitle
        title="Live calls"
        lead="What the gateways answer, two seconds later. No phone number is in it."
        actions={
          <Button
            variant={paused ? 'filled' : 'default'}
            leftSection={paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
            onClick={() => setPaused(!paused)}
          >
            {paused ? 'Go on' : 'Pause'}
          </Button>
        }
      />
      <Filters search={search} set={set} partners={partners.data?.items ?? []} outcome={outcome} />
      <Reading of={exchanges}>
        {({ items }) => {
          const shown = items.filter((e) => matches(e, outcome))
          return shown.length === 0 ? (
            <Empty title="Nothing yet">Calls appear here as they happen.</Empty>
          ) : (
            <ExchangeTable
              rows={shown}
              who="Partner"
              nameOf={(e) => <PartnerName exchange={e} names={names} />}
              isNew={(e) => fresh.has(e.id)}
            />
          )
        }}
      </Reading>
    </>
  )
}

/** Which rows came with the last reading. */
function useArrivals(rows: readonly Exchange[] | undefined): ReadonlySet<string> {
  const seen = useRef<ReadonlySet<string>>(undefined)
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set())
  useEffect(() => {
    if (rows === undefined) return
    setFresh(arrivals(seen.current, rows))
    seen.current = new Set(rows.map((row) => row.id))
  }, [rows])
  return fresh
}

function PartnerName(options: {
  exchange: Exchange
  names: ReadonlyMap<string, string>
}): ReactNode {
  const { partnerId, applicationId } = options.exchange
  if (partnerId === undefined) return <Text c="dimmed">unknown</Text>
  const name = options.names.get(partnerId)
  return (
    <>
      {name === undefined ? (
        <span className="mono clip" title={partnerId}>
          {partnerId}
        </span>
      ) : (
        <Anchor component={Link} to={`/console/partners/${partnerId}`} size="sm">
          {name}
        </Anchor>
      )}
      <br />
      <Text span size="xs" c="dimmed" className="mono clip" title={applicationId}>
        {applicationId}
      </Text>
    </>
  )
}

function Filters(options: {
  search: URLSearchParams
  set: (name: string, value: string | null) => void
  partners: Partner[]
  outcome: Outcome
}): ReactNode {
  const { search, set, partners, outcome } = options
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
        <SegmentedControl
          aria-label="Environment"
          value={search.get('environment') ?? 'all'}
          onChange={(value) => set('environment', value)}
          data={[
            { value: 'all', label: 'Both' },
            { value: 'sandbox', label: 'Sandbox' },
            { value: 'production', label: 'Production' },
          ]}
        />
        <SegmentedControl
          aria-label="Outcome"
          value={outcome}
          onChange={(value) => set('outcome', value)}
          data={outcomes.map((o) => ({ value: o, label: o === 'all' ? 'Every outcome' : o }))}
        />
        <Select
          label="Partner"
          placeholder="All"
          clearable
          clearButtonProps={{ 'aria-label': 'All partners' }}
          searchable
          data={partners.map((p) => ({ value: p.id, label: p.name }))}
          value={search.get('partnerId')}
          onChange={(value) => set('partnerId', value)}
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
          w={200}
        />
        <TextInput
          label="x-correlator"
          value={correlator}
          maxLength={256}
          w={220}
          onChange={(event) => setCorrelator(event.currentTarget.value)}
        />
        <Button type="submit" variant="default">
          Find
        </Button>
      </Group>
    </form>
  )
}
