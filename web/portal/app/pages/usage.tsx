import { Button, Group, SegmentedControl, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import type { Contract } from '#contracts/schema'
import type { Usage } from '#metering/schema'
import type { Application } from '#partners/schema'
import { DataTable } from '../../../ui/app/data-table.tsx'
import { Empty, PageTitle, Reading, Waiting } from '../../../ui/app/parts.tsx'
import { QuotaNotice } from '../../../ui/app/quota-notices.tsx'
import { useManaged } from '../../../ui/app/use-managed.ts'
import { agoText, amountText, countText } from '../../../ui/format.ts'
import { type List, query } from '../../../ui/management.ts'
import {
  chartOf,
  type Grouping,
  groupings,
  groupUsage,
  lastDays,
  usageCsv,
} from '../../view-models/usage.ts'

const UsageChart = lazy(async () => ({
  default: (await import('../usage-chart.tsx')).UsageChart,
}))

type Environment = 'sandbox' | 'production'

export function UsagePage(): ReactNode {
  const [days, setDays] = useState('30')
  const [environment, setEnvironment] = useState<Environment>('sandbox')
  const [applicationId, setApplicationId] = useState<string | null>(null)
  const applications = useManaged<List<Application>>('/applications?perPage=100')
  const contracts = useManaged<List<Contract>>('/contracts?perPage=100', { everyMs: 30_000 })
  const names = new Map((applications.data?.items ?? []).map((a) => [a.id, a.name]))
  const period = lastDays(Number(days), new Date())
  const usage = useManaged<Usage>(
    `/usage${query({ ...period, environment, applicationId: applicationId ?? undefined })}`,
    { everyMs: 5_000 },
  )
  return (
    <>
      <PageTitle
        title="Usage"
        lead="Every call that the gateway answered, with what it cost. The figures are a few seconds old."
      />
      <Group mb="lg" align="flex-end">
        <SegmentedControl
          aria-label="Environment"
          value={environment}
          onChange={(value) => setEnvironment(value as Environment)}
          data={[
            { value: 'sandbox', label: 'Sandbox' },
            { value: 'production', label: 'Production' },
          ]}
        />
        <Select
          label="Period"
          data={[
            { value: '1', label: 'Today' },
            { value: '7', label: 'Last 7 days' },
            { value: '30', label: 'Last 30 days' },
            { value: '90', label: 'Last 90 days' },
          ]}
          value={days}
          allowDeselect={false}
          onChange={(value) => setDays(value ?? '30')}
          w={160}
        />
        <Select
          label="Application"
          placeholder="All"
          clearable
          clearButtonProps={{ 'aria-label': 'All applications' }}
          data={(applications.data?.items ?? [])
            .filter((a) => a.environment === environment)
            .map((a) => ({ value: a.id, label: a.name }))}
          value={applicationId}
          onChange={setApplicationId}
          w={240}
        />
      </Group>
      {(contracts.data?.items ?? [])
        .filter((c) => c.environment === environment && c.state !== 'ended')
        .map((c) => (
          <QuotaNotice key={c.id} contract={c} />
        ))}
      <Reading of={usage}>
        {(found) =>
          found.total.calls === 0 ? (
            <Empty title="No calls in this period">
              Run one from the quickstart: it is counted here within five seconds.
            </Empty>
          ) : (
            <Figures usage={found} nameOf={(id) => names.get(id) ?? id} />
          )
        }
      </Reading>
    </>
  )
}

function Figures({ usage, nameOf }: { usage: Usage; nameOf: (id: string) => string }): ReactNode {
  const [by, setBy] = useState<Grouping>('API')
  const [view, setView] = useState('chart')
  const { total } = usage
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Figure label="Calls" value={countText(total.calls)} />
        <Figure label="Billed units" value={countText(total.units)} />
        <Figure label="Cost" value={amountText(total.amount, total.currency)} />
        <Figure
          label="Would have cost on paid"
          value={amountText(total.listAmount, total.currency)}
        />
      </SimpleGrid>
      <Group justify="space-between">
        <Select
          aria-label="Group by"
          data={groupings.map((g) => ({
            value: g,
            label: `By ${g === 'API' ? g : g.toLowerCase()}`,
          }))}
          value={by}
          allowDeselect={false}
          onChange={(value) => setBy((value as Grouping | null) ?? 'API')}
          w={180}
        />
        <Group>
          <SegmentedControl
            aria-label="Show as"
            value={view}
            onChange={setView}
            data={[
              { value: 'chart', label: 'Chart' },
              { value: 'table', label: 'Table' },
            ]}
          />
          <Button
            variant="default"
            component="a"
            download={`usage-${usage.from}-${usage.to}.csv`}
            onClick={(event) => {
              event.currentTarget.href = URL.createObjectURL(
                new Blob([usageCsv(usage.rows)], { type: 'text/csv' }),
              )
            }}
            href="#csv"
          >
            CSV
          </Button>
        </Group>
      </Group>
      {view === 'chart' && (
        <Suspense fallback={<Waiting />}>
          <UsageChart data={chartOf(usage, by, nameOf)} />
        </Suspense>
      )}
      <DataTable
        label="Usage"
        rows={groupUsage(usage.rows, by, nameOf)}
        rowKey={(g) => g.key}
        columns={[
          { title: by, cell: (g) => g.key },
          { title: 'Calls', cell: (g) => countText(g.calls), number: true },
          { title: 'Units', cell: (g) => countText(g.units), number: true },
          {
            title: 'Cost',
            cell: (g) => amountText(g.amount, total.currency),
            number: true,
          },
          {
            title: 'On paid',
            cell: (g) => amountText(g.listAmount, total.currency),
            number: true,
          },
        ]}
      />
      <Text size="sm" c="dimmed">
        {usage.freshUntil !== undefined &&
          `Counted up to ${agoText(usage.freshUntil, new Date())}. `}
        Days are of {usage.timeZone}.
        {usage.unrated.calls > 0 && ` ${countText(usage.unrated.calls)} calls are not priced yet.`}
        {usage.truncated && ' There are more rows than are shown; the totals count them all.'}
      </Text>
    </Stack>
  )
}

function Figure({ label, value }: { label: string; value: string }): ReactNode {
  return (
    <div className="card">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fz={24} fw={650} className="nowrap">
        {value}
      </Text>
    </div>
  )
}
