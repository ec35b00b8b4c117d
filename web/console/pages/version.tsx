import { Anchor, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link, useParams } from 'react-router'
import type { ApiVersion } from '#catalog/schema'
import { rulesOf } from '../../portal/view-models/operation-rules.ts'
import { retirementOf } from '../../portal/view-models/retirement.ts'
import { DataTable } from '../../ui/app/data-table.tsx'
import { Notice, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { dateText } from '../../ui/format.ts'
import { VersionBases } from './version-bases.tsx'
import { VersionLifecycle } from './version-lifecycle.tsx'
import { VersionUsers } from './version-users.tsx'

export function VersionPage(): ReactNode {
  const { apiName = '', version = '' } = useParams()
  const path = `/apis/${encodeURIComponent(apiName)}/versions/${encodeURIComponent(version)}`
  const api = useManaged<ApiVersion>(path)
  return (
    <Reading of={api} title="API">
      {(found) => (
        <>
          <Text size="sm" mb={4}>
            <Anchor component={Link} to="/console/apis">
              APIs
            </Anchor>
          </Text>
          <PageTitle
            title={`${found.title} ${found.version}`}
            lead={`${found.lifecycle}, document ${found.fullVersion} of ${dateText(found.publishedAt)}`}
            actions={
              <Group gap="md">
                <Anchor href={`/apis/${found.id}`}>Page of the portal</Anchor>
                <Anchor
                  component={Link}
                  to={`/console/calls?apiId=${encodeURIComponent(found.id)}`}
                >
                  Live calls
                </Anchor>
              </Group>
            }
          />
          <Stack gap="lg">
            <End api={found} />
            <VersionUsers api={found} path={path} />
            <VersionLifecycle api={found} path={path} />
            <Places api={found} />
            <VersionBases api={found} />
            <Operations api={found} />
          </Stack>
        </>
      )}
    </Reading>
  )
}

function End({ api }: { api: ApiVersion }): ReactNode {
  const view = retirementOf(api)
  if (view === undefined) return null
  return (
    <Notice tone={view.tone}>
      <Text fw={650}>{view.title}</Text>
      <Text>
        {view.text}
        {view.successor !== undefined && ` Partners are told to move to ${view.successor.id}.`}
      </Text>
    </Notice>
  )
}

function Places({ api }: { api: ApiVersion }): ReactNode {
  const rows = Object.entries(api.upstreams).map(([environment, place]) => ({ environment, place }))
  return (
    <section className="card" aria-labelledby="places">
      <Title order={2} id="places" mb="sm">
        Served from
      </Title>
      <DataTable
        label="Where each environment is served from"
        rows={rows}
        rowKey={(row) => row.environment}
        columns={[
          { title: 'Environment', cell: (row) => row.environment },
          { title: 'Upstream', cell: (row) => <span className="mono wrap">{row.place}</span> },
        ]}
      />
      <Text size="sm" c="dimmed" mt="sm">
        Answered for by {api.owner.team}, {api.owner.contact}.
      </Text>
    </section>
  )
}

function Operations({ api }: { api: ApiVersion }): ReactNode {
  return (
    <section className="card" aria-labelledby="operations">
      <Title order={2} id="operations" mb="sm">
        Operations
      </Title>
      <DataTable
        label="Operations and what was decided about them"
        rows={api.operations}
        rowKey={(operation) => operation.operationId}
        columns={[
          {
            title: 'Operation',
            cell: (operation) => (
              <>
                <Text size="sm" fw={550}>
                  {operation.operationId}
                </Text>
                <Text size="xs" c="dimmed" className="mono">
                  {operation.method} {operation.path}
                </Text>
              </>
            ),
          },
          {
            title: 'Scopes',
            cell: (operation) =>
              operation.scopes.map((set) => set.join(' and ')).join(', or ') || 'any valid token',
          },
          {
            title: 'Decided in product.yaml',
            cell: (operation) => {
              const rules = rulesOf(operation.rules)
              if (rules.length === 0) return 'everything as usual'
              return (
                <ul>
                  {rules.map((rule) => (
                    <li key={rule}>{rule}</li>
                  ))}
                </ul>
              )
            },
          },
        ]}
      />
    </section>
  )
}
