import { Anchor, Button, Group, Select, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'
import type { Member } from '#identity/schema'
import type { Exchange } from '#metering/schema'
import type { Application, Partner } from '#partners/schema'
import { May } from '../../../ui/app/may.tsx'
import { readPageContext } from '../../../ui/app/page-context.ts'
import { CodeBox, Empty, Named, PageTitle, Reading, Value } from '../../../ui/app/parts.tsx'
import { useManaged } from '../../../ui/app/use-managed.ts'
import { type List, query } from '../../../ui/management.ts'
import { keptSecret } from '../../../ui/secrets.ts'
import { type Check, checklist, keptRegistration, withKeys } from '../../view-models/quickstart.ts'
import { NewSecret } from '../new-secret.tsx'
import { RunHere } from '../run-here.tsx'
import { useSession } from '../use-session.ts'

export function HomePage(): ReactNode {
  const applications = useManaged<List<Application>>('/applications?perPage=100')
  return (
    <>
      <PageTitle
        title="Quickstart"
        lead="Your keys, a first call, and what is next. Nothing here needs anybody’s approval."
      />
      <Reading of={applications}>
        {({ items }) => {
          const own = items.filter((a) => a.environment === 'sandbox')
          return own.length === 0 ? (
            <Empty title="No sandbox application">
              <Button component={Link} to="/app/applications" size="sm">
                Create one
              </Button>
            </Empty>
          ) : (
            <Quickstart applications={own} />
          )
        }}
      </Reading>
    </>
  )
}

function Quickstart({ applications }: { applications: Application[] }): ReactNode {
  const [chosen, setChosen] = useState<string>()
  const fallback =
    applications.find((a) => keptSecret(sessionStorage, a.clientId) !== undefined) ??
    applications[0]
  const application = applications.find((a) => a.id === chosen) ?? fallback
  if (application === undefined) return null
  return (
    <Stack gap="lg">
      {applications.length > 1 && (
        <Select
          label="Application"
          data={applications.map((a) => ({ value: a.id, label: a.name }))}
          value={application.id}
          allowDeselect={false}
          onChange={(id) => setChosen(id ?? undefined)}
          maw={420}
        />
      )}
      <Keys key={application.id} application={application} />
      <Checklist application={application} />
    </Stack>
  )
}

function Keys({ application }: { application: Application }): ReactNode {
  const [secret, setSecret] = useState(() => keptSecret(sessionStorage, application.clientId))
  const context = readPageContext()
  const registration = keptRegistration(sessionStorage)
  const registered =
    registration?.credentials.clientId === application.clientId &&
    registration.credentials.clientSecret === secret
  const curl = registered
    ? registration.firstCall.curl
    : context.firstCall === undefined
      ? undefined
      : withKeys(context.firstCall.curl, {
          clientId: application.clientId,
          clientSecret: secret,
        })
  return (
    <>
      <section className="card" aria-labelledby="keys">
        <Stack>
          <Title order={2} id="keys">
            1. Keys of <Named name={application.name} />
          </Title>
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            <Value label="Client id" value={application.clientId} />
            {secret === undefined ? (
              <div>
                <Text size="sm" c="dimmed" mb={4}>
                  Client secret
                </Text>
                <Group gap="sm">
                  <Text size="sm">Shown once, when it was made.</Text>
                  <May to="credential.change">
                    <NewSecret application={application} made={setSecret} />
                  </May>
                </Group>
              </div>
            ) : (
              <Value label="Client secret" value={secret} />
            )}
          </SimpleGrid>
          {secret !== undefined && (
            <Text size="sm" c="dimmed">
              Put the secret where you keep secrets now. This tab forgets it when you close it, and
              we hold only a hash of it.
            </Text>
          )}
        </Stack>
      </section>
      {curl !== undefined && (
        <section className="card" aria-labelledby="first-call">
          <Stack>
            <Title order={2} id="first-call">
              2. First call
            </Title>
            <Text>
              Paste it into a shell: it gets a token and makes the call. Other languages are on{' '}
              {context.firstCall === undefined ? (
                'each operation’s page.'
              ) : (
                <>
                  <Anchor
                    href={`/apis/${context.firstCall.apiId}/${context.firstCall.operationId}`}
                  >
                    the page of {context.firstCall.title}
                  </Anchor>
                  .
                </>
              )}
            </Text>
            <CodeBox code={curl} label="First call" />
            {context.firstCall !== undefined && (
              <RunHere application={application} call={context.firstCall} />
            )}
          </Stack>
        </section>
      )}
    </>
  )
}

function Checklist({ application }: { application: Application }): ReactNode {
  const session = useSession()
  const exchanges = useManaged<List<Exchange>>(
    `/exchanges${query({ applicationId: application.id, perPage: 100 })}`,
    { everyMs: 2_000 },
  )
  const partner = useManaged<Partner>(`/partners/${session.partnerId}`)
  const members = useManaged<List<Member>>(`/partners/${session.partnerId}/members`)
  const checks = checklist({
    exchanges: exchanges.data?.items ?? [],
    requirements: partner.data?.production.requirements ?? [],
    memberCount: members.data?.pagination.totalCount ?? 1,
    now: new Date(),
  })
  const first = checks.find((check) => check.id === 'first-call')
  return (
    <section className="card" aria-labelledby="progress">
      <Title order={2} id="progress" mb="xs">
        3. Where you are
      </Title>
      <div role="status" className="live-region">
        <ul className="checks">
          {checks.map((check) => (
            <CheckRow key={check.id} check={check} />
          ))}
        </ul>
      </div>
      {first?.state === 'done' && (
        <Text c="dimmed" size="sm" mt="xs">
          The sandbox is working for you. <Anchor href="/apis">Choose the next operation</Anchor>.
        </Text>
      )}
    </section>
  )
}

function CheckRow({ check }: { check: Check }): ReactNode {
  return (
    <li className={`check check-${check.state}`} data-check={check.id} data-state={check.state}>
      <span className="check-mark" aria-hidden="true">
        {check.state === 'done' && <IconCheck size={15} stroke={3} />}
      </span>
      <div>
        <Text fw={600}>{check.title}</Text>
        <Text size="sm" c="dimmed">
          {check.detail}{' '}
          {check.link !== undefined && (
            <Anchor component={Link} to={check.link.to} size="sm">
              {check.link.label}
            </Anchor>
          )}
        </Text>
      </div>
    </li>
  )
}
