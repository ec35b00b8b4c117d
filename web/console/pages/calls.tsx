import { Anchor, Button, Group, Text } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { type ReactNode, useMemo, useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import type { Exchange } from '#metering/schema'
import type { Partner } from '#partners/schema'
import { DataTable } from '../../ui/app/data-table.tsx'
import {
  Empty,
  EnvironmentPill,
  Named,
  Notice,
  PageTitle,
  StatusCode,
} from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { clockText } from '../../ui/format.ts'
import { type List, query } from '../../ui/management.ts'
import {
  filterOf,
  isWanted,
  merged,
  type Row,
  rowOfRecord,
  stateText,
} from '../view-models/live-calls.ts'
import { CallFilters } from './call-filters.tsx'
import { useLiveCalls } from './use-live-calls.ts'

export function LiveCallsPage(): ReactNode {
  const [search] = useSearchParams()
  const [paused, setPaused] = useState(false)
  const filter = filterOf(search)
  const live = useLiveCalls(filter, paused)
  const { environment, partnerId, applicationId, apiId } = filter
  const undocumented = filter.undocumented === 'true' ? 'true' : undefined
  const record = useManaged<List<Exchange>>(
    `/exchanges${query({ environment, partnerId, applicationId, apiId, undocumented, perPage: 100 })}`,
  )
  const partners = useManaged<List<Partner>>('/partners?perPage=100')
  const names = new Map((partners.data?.items ?? []).map((p) => [p.id, p.name]))
  const wanted = JSON.stringify(filter)
  const earlier = useMemo(() => {
    const asked = JSON.parse(wanted) as typeof filter
    return (record.data?.items ?? []).map(rowOfRecord).filter((row) => isWanted(asked, row))
  }, [record.data, wanted])
  const rows = merged(live.rows, earlier)
  return (
    <>
      <PageTitle
        title="Live calls"
        lead="What the gateways answer, as they write it down. No phone number is in it."
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
      <CallFilters partners={partners.data?.items ?? []} />
      <Group mb="sm" gap="sm">
        <span className={`live-mark ${live.open && !paused ? 'live-on' : ''}`} aria-hidden="true" />
        <Text size="sm" role="status">
          {stateText({ ...live, paused })}
        </Text>
      </Group>
      {live.lost > 0 && (
        <Notice tone="warn">
          <Text size="sm">
            {live.lost} calls came faster than this page can show them. They are recorded: narrow
            the filters, or find one by its correlator.
          </Text>
        </Notice>
      )}
      {rows.length === 0 ? (
        <Empty title="Nothing yet">Calls that match appear here as they happen.</Empty>
      ) : (
        <CallTable rows={rows} names={names} isNew={(row) => live.fresh.has(row.id)} />
      )}
    </>
  )
}

function CallTable(options: {
  rows: readonly Row[]
  names: ReadonlyMap<string, string>
  isNew: (row: Row) => boolean
}): ReactNode {
  const { rows, names, isNew } = options
  return (
    <DataTable
      label="Live calls"
      rows={rows}
      rowKey={(row) => row.id}
      isNew={isNew}
      columns={[
        {
          title: 'Time',
          nowrap: true,
          cell: (row) => (
            <Anchor component={Link} to={`/console/exchanges/${row.id}`} size="sm" className="mono">
              {clockText(row.atMs)}
            </Anchor>
          ),
        },
        {
          title: 'Operation',
          cell: (row) => (
            <>
              <Text size="sm" fw={550} className="name">
                {row.operationId ?? row.method}
              </Text>
              <Text size="xs" c="dimmed">
                {row.apiId ?? 'no API'}
              </Text>
            </>
          ),
        },
        { title: 'Status', cell: (row) => <Outcome row={row} /> },
        { title: 'Partner', cell: (row) => <Caller row={row} names={names} /> },
        {
          title: 'Environment',
          cell: (row) => <EnvironmentPill environment={row.environment} />,
        },
        {
          title: 'Took',
          cell: (row) => `${row.totalMs.toFixed(1)} ms`,
          number: true,
          nowrap: true,
        },
        {
          title: 'x-correlator',
          cell: (row) => (
            <span className="mono clip" title={row.correlator}>
              {row.correlator}
            </span>
          ),
        },
      ]}
    />
  )
}

function Outcome({ row }: { row: Row }): ReactNode {
  return (
    <>
      <StatusCode status={row.status} />
      {row.code !== undefined && (
        <Text size="xs" className="mono">
          {row.code}
        </Text>
      )}
      {row.refusedBy !== undefined && (
        <Text size="xs" c="dimmed">
          by {row.refusedBy}
        </Text>
      )}
      {row.undocumented && (
        <Text size="xs" c="dimmed">
          not as documented
        </Text>
      )}
    </>
  )
}

function Caller(options: { row: Row; names: ReadonlyMap<string, string> }): ReactNode {
  const { partnerId, applicationId } = options.row
  if (partnerId === undefined) return <Text c="dimmed">unknown</Text>
  return (
    <>
      <Anchor component={Link} to={`/console/partners/${partnerId}`} size="sm">
        <Named name={options.names.get(partnerId) ?? partnerId} />
      </Anchor>
      <br />
      <Text span size="xs" c="dimmed" className="mono clip" title={applicationId}>
        {applicationId}
      </Text>
    </>
  )
}
