import { Anchor, Button, Group, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link, useParams } from 'react-router'
import type { Contract, Plan } from '#contracts/schema'
import type { Usage } from '#metering/schema'
import type { Application, Partner } from '#partners/schema'
import { limitText } from '../../portal/view-models/plans.ts'
import { groupUsage, lastDays } from '../../portal/view-models/usage.ts'
import { ApplicationTable } from '../../ui/app/application-table.tsx'
import { DataTable } from '../../ui/app/data-table.tsx'
import { FormDialog } from '../../ui/app/form-dialog.tsx'
import { May } from '../../ui/app/may.tsx'
import { EnvironmentPill, Named, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../ui/app/use-managed.ts'
import { amountText, countText, dateText, isolated } from '../../ui/format.ts'
import { type List, query } from '../../ui/management.ts'
import { PartnerMembers } from './partner-members.tsx'

export function PartnerPage(): ReactNode {
  const { partnerId = '' } = useParams()
  const partner = useManaged<Partner>(`/partners/${encodeURIComponent(partnerId)}`)
  return (
    <Reading of={partner} title="Partner">
      {(found) => (
        <>
          <Text size="sm" mb={4}>
            <Anchor component={Link} to="/console/partners">
              Partners
            </Anchor>
          </Text>
          <PageTitle
            title={found.name}
            lead={
              <>
                {found.state}
                {found.suspendedReason !== undefined && `: ${isolated(found.suspendedReason)}`} ·
                partner since {dateText(found.createdAt)}
              </>
            }
            actions={
              <Group gap="xs">
                <Button
                  variant="default"
                  component={Link}
                  to={`/console/calls?partnerId=${found.id}`}
                >
                  Live calls
                </Button>
                <May to="partner.suspend" silent>
                  <Suspension partner={found} />
                </May>
              </Group>
            }
          />
          <Stack gap="lg">
            <UsageCard partnerId={found.id} />
            <Applications partnerId={found.id} />
            <Contracts partnerId={found.id} />
            <PartnerMembers partnerId={found.id} />
            <Requirements partner={found} />
          </Stack>
        </>
      )}
    </Reading>
  )
}

function UsageCard({ partnerId }: { partnerId: string }): ReactNode {
  const usage = useManaged<Usage>(`/usage${query({ ...lastDays(30, new Date()), partnerId })}`, {
    everyMs: 5_000,
  })
  const applications = useManaged<List<Application>>(
    `/applications${query({ partnerId, perPage: 100 })}`,
  )
  const names = new Map((applications.data?.items ?? []).map((a) => [a.id, a.name]))
  return (
    <section className="card" aria-labelledby="usage">
      <Title order={2} id="usage" mb="sm">
        Usage, last 30 days
      </Title>
      <Reading of={usage}>
        {({ total, rows }) => (
          <Stack>
            <SimpleGrid cols={3}>
              <Figure label="Calls" value={countText(total.calls)} />
              <Figure label="Revenue" value={amountText(total.amount, total.currency)} />
              <Figure label="At paid prices" value={amountText(total.listAmount, total.currency)} />
            </SimpleGrid>
            {rows.length > 0 && (
              <DataTable
                label="Usage by application"
                rows={groupUsage(rows, 'Application', (id) => names.get(id) ?? id)}
                rowKey={(g) => g.key}
                columns={[
                  { title: 'Application', cell: (g) => g.key },
                  { title: 'Calls', cell: (g) => countText(g.calls), number: true },
                  { title: 'Units', cell: (g) => countText(g.units), number: true },
                  {
                    title: 'Amount',
                    cell: (g) => amountText(g.amount, total.currency),
                    number: true,
                  },
                ]}
              />
            )}
          </Stack>
        )}
      </Reading>
    </section>
  )
}

function Figure({ label, value }: { label: string; value: string }): ReactNode {
  return (
    <div>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fz={22} fw={650}>
        {value}
      </Text>
    </div>
  )
}

function Applications({ partnerId }: { partnerId: string }): ReactNode {
  const applications = useManaged<List<Application>>(
    `/applications${query({ partnerId, perPage: 100 })}`,
  )
  return (
    <section className="card" aria-labelledby="applications">
      <Title order={2} id="applications" mb="sm">
        Applications
      </Title>
      <Reading of={applications}>
        {({ items }) => <ApplicationTable applications={items} under="/console/applications" />}
      </Reading>
    </section>
  )
}

function Contracts({ partnerId }: { partnerId: string }): ReactNode {
  const contracts = useManaged<List<Contract>>(`/contracts${query({ partnerId, perPage: 100 })}`)
  const plans = useManaged<List<Plan>>('/plans?perPage=100')
  const planName = (id: string): string => plans.data?.items.find((p) => p.id === id)?.name ?? id
  return (
    <section className="card" aria-labelledby="contracts">
      <Title order={2} id="contracts" mb="sm">
        Contracts
      </Title>
      <Reading of={contracts}>
        {({ items }) => (
          <DataTable
            label="Contracts"
            rows={items}
            rowKey={(c) => c.id}
            columns={[
              {
                title: 'Environment',
                cell: (c) => <EnvironmentPill environment={c.environment} />,
              },
              { title: 'Plan', cell: (c) => planName(c.planId) },
              {
                title: 'State',
                cell: (c) =>
                  c.suspension === undefined ? c.state : `${c.state}: ${c.suspension.reason}`,
              },
              { title: 'Since', cell: (c) => dateText(c.startsAt), nowrap: true },
              { title: 'Limits', cell: (c) => limitText(c.limits) },
              {
                title: 'Terms',
                cell: (c) => (
                  <Anchor component={Link} to={`/console/contracts/${c.id}`} className="mono">
                    {c.id}
                  </Anchor>
                ),
              },
            ]}
          />
        )}
      </Reading>
    </section>
  )
}

function Requirements({ partner }: { partner: Partner }): ReactNode {
  return (
    <section className="card" aria-labelledby="requirements">
      <Title order={2} id="requirements" mb="sm">
        For production
      </Title>
      <ul>
        {partner.production.requirements.map((requirement) => (
          <li key={requirement.id}>
            {requirement.title}: {requirement.done ? 'done' : 'open'}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Suspension({ partner }: { partner: Partner }): ReactNode {
  const [open, setOpen] = useState(false)
  const [reason, setReason] = useState('')
  const change = useChange({ done: () => setOpen(false) })
  const path = `/partners/${partner.id}/suspension`
  if (partner.state === 'suspended')
    return (
      <Button loading={change.sending} onClick={() => change.send({ method: 'DELETE', path })}>
        Resume
      </Button>
    )
  return (
    <FormDialog
      label="Suspend"
      title={
        <>
          Suspend <Named name={partner.name} />?
        </>
      }
      action="Suspend"
      danger
      open={open}
      setOpen={setOpen}
      change={change}
      send={() => change.send({ method: 'POST', path, body: { reason } })}
    >
      <Text>Every call and every token of this partner stops within a second.</Text>
      <TextInput
        label="Reason, for the record"
        description="The partner reads it."
        value={reason}
        maxLength={500}
        required
        data-autofocus
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </FormDialog>
  )
}
