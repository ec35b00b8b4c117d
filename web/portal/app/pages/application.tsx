import { Anchor, Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import type { Application, Credential } from '#partners/schema'
import { Confirm } from '../../../ui/app/confirm.tsx'
import { DataTable } from '../../../ui/app/data-table.tsx'
import { readPageContext } from '../../../ui/app/page-context.ts'
import { EnvironmentPill, PageTitle, Reading, Value } from '../../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../../ui/app/use-managed.ts'
import { timeText } from '../../../ui/format.ts'
import type { List } from '../../../ui/management.ts'
import { forgetSecret, keptSecret } from '../../../ui/secrets.ts'
import { AddPublicKey } from '../add-public-key.tsx'
import { NewSecret } from '../new-secret.tsx'
import { Rename } from '../rename.tsx'
import { Subscriptions } from '../subscriptions.tsx'

export function ApplicationPage(): ReactNode {
  const { applicationId = '' } = useParams()
  const application = useManaged<Application>(`/applications/${encodeURIComponent(applicationId)}`)
  return (
    <Reading of={application}>
      {(found) => (
        <>
          <Text size="sm" mb={4}>
            <Anchor component={Link} to="/app/applications">
              Applications
            </Anchor>
          </Text>
          <PageTitle
            title={found.name}
            lead={<EnvironmentPill environment={found.environment} />}
            actions={
              <Group gap="xs">
                <Rename application={found} />
                <Remove application={found} />
              </Group>
            }
          />
          <Stack gap="lg">
            <Addresses application={found} />
            <Credentials application={found} />
            <Subscriptions application={found} />
          </Stack>
        </>
      )}
    </Reading>
  )
}

function Addresses({ application }: { application: Application }): ReactNode {
  const addresses = readPageContext().environments[application.environment]
  const secret = keptSecret(sessionStorage, application.clientId)
  return (
    <section className="card" aria-labelledby="values">
      <Stack>
        <Title order={2} id="values">
          What your code needs
        </Title>
        <Value label="Client id" value={application.clientId} />
        {secret !== undefined && (
          <Value label="Client secret, known to this tab only" value={secret} />
        )}
        <Value label="Token address" value={addresses.tokenUrl} />
        <Value label="Gateway" value={addresses.gateway} />
      </Stack>
    </section>
  )
}

function Credentials({ application }: { application: Application }): ReactNode {
  const [made, setMade] = useState<string>()
  const credentials = useManaged<List<Credential>>(
    `/applications/${application.id}/credentials?perPage=100`,
  )
  return (
    <section className="card" aria-labelledby="credentials">
      <Stack>
        <Title order={2} id="credentials">
          Credentials
        </Title>
        <Text c="dimmed">
          Two secrets may live at once. To rotate: make a new one, put it into your code, then
          delete the old one. Deleting ends its tokens within a second.
        </Text>
        {made !== undefined && <Value label="New client secret, shown this once" value={made} />}
        <Reading of={credentials}>
          {({ items }) => (
            <DataTable
              label="Credentials"
              rows={items}
              rowKey={(c) => c.id}
              columns={[
                {
                  title: 'Kind',
                  cell: (c) => (c.type === 'client_secret' ? 'Client secret' : 'Public key'),
                },
                { title: 'Begins with', cell: (c) => <span className="mono">{c.hint}</span> },
                { title: 'Created', cell: (c) => timeText(c.createdAt), nowrap: true },
                {
                  title: 'Delete',
                  cell: (c) => (
                    <Delete
                      application={application}
                      credential={c}
                      last={items.length === 1}
                      done={() => setMade(undefined)}
                    />
                  ),
                },
              ]}
            />
          )}
        </Reading>
        <Group>
          <NewSecret application={application} made={setMade} label="Make a new secret" />
          <AddPublicKey application={application} />
        </Group>
      </Stack>
    </section>
  )
}

function Delete(options: {
  application: Application
  credential: Credential
  last: boolean
  done: () => void
}): ReactNode {
  const { application, credential, last } = options
  const change = useChange({
    done: () => {
      // It may be the one that this tab knows: samples must not offer a secret that is dead.
      if (credential.type === 'client_secret') forgetSecret(sessionStorage, application.clientId)
      options.done()
    },
  })
  return (
    <Confirm
      label="Delete"
      title="Delete this credential?"
      consequence={`${credential.hint} and the tokens that were got with it stop working within a second.${last ? ' It is the only one: the application cannot call until you make another.' : ''}`}
      action="Delete credential"
      sending={change.sending}
      fault={change.fault}
      confirm={() =>
        change.send({
          method: 'DELETE',
          path: `/applications/${application.id}/credentials/${credential.id}`,
        })
      }
    />
  )
}

function Remove({ application }: { application: Application }): ReactNode {
  const navigate = useNavigate()
  const change = useChange({
    done: () => {
      forgetSecret(sessionStorage, application.clientId)
      void navigate('/app/applications', { replace: true })
    },
  })
  return (
    <Confirm
      label="Delete application"
      title={`Delete ${application.name}?`}
      consequence="Its credentials and tokens stop working within a second, and its client id is never used again. Its past calls stay in your usage."
      action="Delete application"
      sending={change.sending}
      fault={change.fault}
      confirm={() => change.send({ method: 'DELETE', path: `/applications/${application.id}` })}
      size="sm"
    />
  )
}
