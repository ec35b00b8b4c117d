import { Anchor, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { GatewayReport, GatewayStatus, ViolationState } from '#monitoring/schema'
import { DataTable } from '../../ui/app/data-table.tsx'
import { Empty, EnvironmentPill, Notice, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { countText, timeText } from '../../ui/format.ts'
import {
  type ApiUpstreams,
  gatewayState,
  upstreamsByApi,
  violationsOf,
} from '../view-models/gateway-reports.ts'

const everyMs = 3_000

export function GatewaysPage(): ReactNode {
  const gateways = useManaged<{ items: GatewayStatus[] }>('/gateways', { everyMs })
  const reports = useManaged<{ items: GatewayReport[] }>('/gateways/reports', { everyMs })
  return (
    <>
      <PageTitle
        title="Gateways"
        lead="The processes that serve partners, which snapshot each has, and how the services behind the APIs do."
      />
      <Stack gap="xl">
        <Reading of={gateways}>{({ items }) => <Members items={items} />}</Reading>
        <Reading of={reports}>{({ items }) => <Reports items={items} />}</Reading>
      </Stack>
    </>
  )
}

const Tone = (options: { tone: 'good' | 'warn' | 'bad'; text: string }): ReactNode => (
  <span className={`status status-${options.tone}`}>{options.text}</span>
)

function Members({ items }: { items: readonly GatewayStatus[] }): ReactNode {
  if (items.length === 0)
    return (
      <Empty title="No gateway has announced itself">
        Start one with <code>wayleave gateway --environment production</code>.
      </Empty>
    )
  return (
    <DataTable
      label="Gateway processes"
      rows={items}
      rowKey={(gateway) => `${gateway.environment} ${gateway.gatewayId}`}
      columns={[
        {
          title: 'Gateway',
          cell: (gateway) => <span className="mono wrap">{gateway.gatewayId}</span>,
        },
        {
          title: 'Environment',
          cell: (gateway) => <EnvironmentPill environment={gateway.environment} />,
        },
        { title: 'State', cell: (gateway) => <Tone {...gatewayState(gateway)} /> },
        {
          title: 'Snapshot',
          cell: (gateway) => countText(gateway.revision),
          number: true,
          nowrap: true,
        },
        { title: 'Started', cell: (gateway) => timeText(gateway.startedAt), nowrap: true },
        { title: 'Seen', cell: (gateway) => timeText(gateway.seenAt), nowrap: true },
      ]}
    />
  )
}

function Reports({ items }: { items: readonly GatewayReport[] }): ReactNode {
  const apis = upstreamsByApi(items)
  const faults = items.filter((report) => report.fault !== undefined)
  return (
    <Stack gap="xl">
      {faults.map((report) => (
        <Notice key={`${report.environment} ${report.gatewayId}`} tone="bad">
          <Text size="sm">
            {report.gatewayId} could not be asked: {report.fault}
          </Text>
        </Notice>
      ))}
      <section aria-labelledby="upstreams">
        <Title order={2} id="upstreams" size="h3" mb="md">
          Services behind the APIs
        </Title>
        {apis.length === 0 ? (
          <Empty title="Nothing yet">A gateway tells of an API when it serves it.</Empty>
        ) : (
          <Stack gap="md">
            {apis.map((api) => (
              <Upstream key={`${api.environment} ${api.api}`} api={api} />
            ))}
          </Stack>
        )}
      </section>
      <Violations rows={violationsOf(items)} />
    </Stack>
  )
}

const kinds: Record<ApiUpstreams['kind'], string> = {
  http: 'HTTP',
  function: 'function',
  simulated: 'simulated operator',
  platform: 'this platform',
  none: 'no upstream',
}

function Upstream({ api }: { api: ApiUpstreams }): ReactNode {
  return (
    <div className="card">
      <Group justify="space-between" mb="sm">
        <Group gap="sm">
          <Title order={3} size="h5">
            {api.api}
          </Title>
          <EnvironmentPill environment={api.environment} />
          {!api.well && <Tone tone="bad" text="trouble" />}
        </Group>
        <Text size="sm" c="dimmed">
          {kinds[api.kind]} · {api.team} · {api.contact} ·{' '}
          <Anchor
            component={Link}
            size="sm"
            to={`/console/calls?apiId=${encodeURIComponent(api.api)}&environment=${api.environment}`}
            aria-label={`Live calls of ${api.api} in ${api.environment}`}
          >
            calls
          </Anchor>
        </Text>
      </Group>
      {api.targets.length > 0 && (
        <DataTable
          label={`Targets of ${api.api} in ${api.environment}`}
          rows={api.targets}
          rowKey={(target) => target.key}
          columns={[
            {
              title: 'Target',
              cell: (target) => (
                <>
                  <span className="mono wrap">{target.name}</span>
                  {target.side !== 'primary' && (
                    <Text span size="xs" c="dimmed">
                      {' '}
                      {target.side}
                    </Text>
                  )}
                </>
              ),
            },
            {
              title: 'State',
              cell: (target) => (
                <Tone tone={target.state === 'serving' ? 'good' : 'bad'} text={target.state} />
              ),
            },
            {
              title: 'Back in',
              cell: (target) => (target.backInSeconds === 0 ? '' : `${target.backInSeconds} s`),
              number: true,
              nowrap: true,
            },
            { title: 'In flight', cell: (target) => target.inFlight, number: true },
            {
              title: 'Failed, last 10 s',
              cell: (target) => `${target.failures} of ${target.calls}`,
              number: true,
              nowrap: true,
            },
            {
              title: 'Gateway',
              cell: (target) => <span className="mono">{target.gatewayId}</span>,
            },
          ]}
        />
      )}
      {api.canary.map((line) => (
        <Text key={line} size="sm" mt="sm">
          Canary, {line}
        </Text>
      ))}
      {api.shadow !== '' && (
        <Text size="sm" mt="sm">
          Shadow, {api.shadow}
        </Text>
      )}
      {api.differences.length > 0 && (
        <DataTable
          label={`Differences of the shadow of ${api.api} in ${api.environment}`}
          rows={api.differences}
          rowKey={(one) => `${one.operation} ${one.path} ${one.kind}`}
          columns={[
            { title: 'Operation', cell: (one) => one.operation },
            {
              title: 'Field',
              cell: (one) => (
                <span className="mono">{one.path === '' ? 'the answer' : one.path}</span>
              ),
            },
            { title: 'Difference', cell: (one) => one.kind },
            { title: 'Seen', cell: (one) => countText(one.count), number: true },
            { title: 'Last', cell: (one) => timeText(one.lastAt), nowrap: true },
          ]}
        />
      )}
    </div>
  )
}

const actions: Record<ViolationState['action'], string> = {
  passed: 'let through',
  stripped: 'taken out',
  refused: 'answered 502',
}

function Violations({ rows }: { rows: readonly ViolationState[] }): ReactNode {
  return (
    <section aria-labelledby="violations">
      <Title order={2} id="violations" size="h3" mb="md">
        Answers that break their documents
      </Title>
      {rows.length === 0 ? (
        <Empty title="None">Every answer since the gateways started was as documented.</Empty>
      ) : (
        <DataTable
          label="Answers that break their documents"
          rows={rows}
          rowKey={(v) =>
            [v.api, v.operation, v.status, v.message, v.schemaPath, v.action, v.firstSeenAt].join(
              ' ',
            )
          }
          columns={[
            {
              title: 'Operation',
              cell: (v) => (
                <>
                  <Text size="sm" fw={550}>
                    {v.operation}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {v.api}, {v.status}
                  </Text>
                </>
              ),
            },
            {
              title: 'Owner',
              cell: (v) => (
                <>
                  <Text size="sm">{v.owner.team}</Text>
                  <Text size="xs" c="dimmed">
                    {v.owner.contact}
                  </Text>
                </>
              ),
            },
            {
              title: 'What is wrong',
              cell: (v) => (
                <>
                  <Text size="sm">{v.message ?? v.keyword}</Text>
                  <span className="mono wrap">{v.schemaPath}</span>
                </>
              ),
            },
            { title: 'What was done', cell: (v) => actions[v.action] },
            { title: 'Seen', cell: (v) => countText(v.count), number: true, nowrap: true },
            { title: 'Last', cell: (v) => timeText(v.lastSeenAt), nowrap: true },
          ]}
        />
      )}
    </section>
  )
}
