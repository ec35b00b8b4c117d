import { Anchor, Button, Checkbox, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'
import type { Agreement, Contract, Plan } from '#contracts/schema'
import type { Session } from '#identity/schema'
import type { Partner } from '#partners/schema'
import { DataTable } from '../../../ui/app/data-table.tsx'
import { May } from '../../../ui/app/may.tsx'
import { EnvironmentPill, PageTitle, Reading, Refused } from '../../../ui/app/parts.tsx'
import { QuotaNotice } from '../../../ui/app/quota-notices.tsx'
import { useChange, useManaged } from '../../../ui/app/use-managed.ts'
import { dateText } from '../../../ui/format.ts'
import type { List } from '../../../ui/management.ts'
import { Markdown } from '../../parts/markdown.tsx'
import { maskText } from '../../view-models/operation-rules.ts'
import { baseline, limitText } from '../../view-models/plans.ts'
import { useSession } from '../use-session.ts'
import { ConfirmEmail } from './account.tsx'

export function ProductionPage(): ReactNode {
  const { partnerId } = useSession()
  const partner = useManaged<Partner>(`/partners/${partnerId}`)
  const session = useManaged<Session>('/session')
  const agreements = useManaged<List<Agreement>>('/agreements?perPage=100')
  const contracts = useManaged<List<Contract>>('/contracts?perPage=100')
  const plans = useManaged<List<Plan>>('/plans?perPage=100')
  const current = agreements.data?.items.find((a) => a.current)
  const production = contracts.data?.items.find(
    (c) => c.environment === 'production' && c.state !== 'ended',
  )
  return (
    <>
      <PageTitle
        title="Production"
        lead="What stands between your sandbox and real subscribers. There is no meeting in it."
      />
      <Stack gap="lg">
        <section className="card" aria-labelledby="needs">
          <Title order={2} id="needs" mb="xs">
            What production needs
          </Title>
          <Reading of={partner}>{(found) => <Needs partner={found} />}</Reading>
        </section>
        {session.data?.emailVerified === false && <ConfirmEmail />}
        {current !== undefined && <AgreementCard agreement={current} />}
        <section className="card" aria-labelledby="contracts">
          <Title order={2} id="contracts" mb="sm">
            Contracts
          </Title>
          <Reading of={contracts}>
            {({ items }) => (
              <>
                {items
                  .filter((c) => c.state !== 'ended')
                  .map((c) => (
                    <QuotaNotice key={c.id} contract={c} />
                  ))}
                <Contracts contracts={items} plans={plans.data?.items ?? []} />
              </>
            )}
          </Reading>
        </section>
        {production === undefined && current?.acceptedAt !== undefined && (
          <Plans
            plans={(plans.data?.items ?? []).filter((p) => p.selfService)}
            agreement={current}
          />
        )}
        {production !== undefined && (
          <Text>
            Your contract is open.{' '}
            <Anchor component={Link} to="/app/applications">
              Create a production application
            </Anchor>{' '}
            and choose its APIs.
          </Text>
        )}
      </Stack>
    </>
  )
}

function Needs({ partner }: { partner: Partner }): ReactNode {
  return (
    <ul className="checks">
      {partner.production.requirements.map((requirement) => (
        <li key={requirement.id} className={`check check-${requirement.done ? 'done' : 'open'}`}>
          <span className="check-mark" aria-hidden="true">
            {requirement.done && <IconCheck size={15} stroke={3} />}
          </span>
          <Text>
            {requirement.title}
            <Text span c="dimmed">
              {requirement.done ? ' · done' : ' · open'}
            </Text>
          </Text>
        </li>
      ))}
    </ul>
  )
}

function AgreementCard({ agreement }: { agreement: Agreement }): ReactNode {
  const [bound, setBound] = useState(false)
  const change = useChange({})
  return (
    <section className="card" aria-labelledby="agreement">
      <Stack>
        <Title order={2} id="agreement">
          Agreement
        </Title>
        <Text size="sm" c="dimmed">
          {agreement.name}, version {agreement.version}, in force since{' '}
          {dateText(agreement.effectiveFrom)}
        </Text>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard */}
        <section className="agreement" tabIndex={0} aria-label="Text of the agreement">
          <Markdown source={agreement.text} shift={2} />
        </section>
        <Text size="xs" c="dimmed" className="mono">
          SHA-256 {agreement.sha256}
        </Text>
        {agreement.acceptedAt === undefined ? (
          <May to="agreement.accept">
            <form
              onSubmit={(event) => {
                event.preventDefault()
                change.send({
                  method: 'POST',
                  path: `/agreements/${agreement.id}/acceptances`,
                  body: { sha256: agreement.sha256 },
                })
              }}
            >
              <Stack>
                <Checkbox
                  label="I have read it, and I am authorised to bind my organisation to it."
                  checked={bound}
                  onChange={(event) => setBound(event.currentTarget.checked)}
                />
                {change.fault !== undefined && <Refused fault={change.fault} />}
                <Group>
                  <Button type="submit" disabled={!bound} loading={change.sending}>
                    Accept
                  </Button>
                </Group>
              </Stack>
            </form>
          </May>
        ) : (
          <Text c="var(--good)">Accepted on {dateText(agreement.acceptedAt)}.</Text>
        )}
      </Stack>
    </section>
  )
}

function Contracts({ contracts, plans }: { contracts: Contract[]; plans: Plan[] }): ReactNode {
  const planName = (id: string): string => plans.find((p) => p.id === id)?.name ?? id
  return (
    <DataTable
      label="Contracts"
      rows={contracts}
      rowKey={(c) => c.id}
      columns={[
        { title: 'Environment', cell: (c) => <EnvironmentPill environment={c.environment} /> },
        { title: 'Plan', cell: (c) => planName(c.planId) },
        { title: 'State', cell: (c) => c.state },
        {
          title: 'Limits',
          cell: (c) => (
            <>
              {limitText(c.limits)}
              {c.limits.source === 'contract' && (
                <Text size="xs" c="dimmed">
                  agreed for this contract
                </Text>
              )}
            </>
          ),
        },
        { title: 'Masked fields', cell: (c) => <Masks contract={c} /> },
        { title: 'Since', cell: (c) => dateText(c.startsAt), nowrap: true },
        { title: 'Id', cell: (c) => <span className="mono">{c.id}</span> },
      ]}
    />
  )
}

/** What of responses this organisation does not get as it is, beside what the page of each API says. */
function Masks({ contract }: { contract: Contract }): ReactNode {
  if (contract.masks.length === 0) return 'as each API says'
  return (
    <ul>
      {contract.masks.map((mask) => (
        <li key={`${mask.apiId} ${mask.field}`}>
          <code>{mask.field}</code> {mask.apiId === '*' ? '' : `of ${mask.apiId} `}
          {maskText(mask)}
        </li>
      ))}
    </ul>
  )
}

function Plans({ plans, agreement }: { plans: Plan[]; agreement: Agreement }): ReactNode {
  const change = useChange({})
  return (
    <section className="card" aria-labelledby="plans">
      <Stack>
        <Title order={2} id="plans">
          Choose a plan
        </Title>
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          {plans.map((plan) => (
            <div key={plan.id} className="card">
              <Stack gap="xs" align="flex-start">
                <Text fw={650} tt="capitalize">
                  {plan.name}
                </Text>
                <Text>{baseline(plan)}</Text>
                <Text size="sm" c="dimmed">
                  {limitText(plan)}
                </Text>
                <Text size="sm" c="dimmed">
                  {plan.sla.availability.replace(/%?$/, '%')} available · {plan.sla.support}
                </Text>
                <May to="contract.open">
                  <Button
                    size="sm"
                    loading={change.sending}
                    onClick={() =>
                      change.send({
                        method: 'POST',
                        path: '/contracts',
                        body: { planId: plan.id, agreementId: agreement.id },
                      })
                    }
                  >
                    Open a contract on {plan.name}
                  </Button>
                </May>
              </Stack>
            </div>
          ))}
        </SimpleGrid>
        {change.fault !== undefined && <Refused fault={change.fault} />}
      </Stack>
    </section>
  )
}
