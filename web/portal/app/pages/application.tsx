import { Anchor, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import type { Application } from '#partners/schema'
import { Confirm } from '../../../ui/app/confirm.tsx'
import { May } from '../../../ui/app/may.tsx'
import { readPageContext } from '../../../ui/app/page-context.ts'
import { EnvironmentPill, PageTitle, Reading, Value } from '../../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../../ui/app/use-managed.ts'
import { isolated } from '../../../ui/format.ts'
import { forgetSecret, keptSecret } from '../../../ui/secrets.ts'
import { Credentials } from '../credentials.tsx'
import { Rename } from '../rename.tsx'
import { SignInSettings } from '../sign-in-settings.tsx'
import { Subscriptions } from '../subscriptions.tsx'

export function ApplicationPage(): ReactNode {
  const { applicationId = '' } = useParams()
  const application = useManaged<Application>(`/applications/${encodeURIComponent(applicationId)}`)
  return (
    <Reading of={application} title="Application">
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
              <May to={changeOf(found)} silent>
                <Group gap="xs">
                  <Rename application={found} />
                  <Remove application={found} />
                </Group>
              </May>
            }
          />
          <Stack gap="lg">
            <Addresses application={found} />
            <May to="credential.read" silent>
              <Credentials application={found} />
            </May>
            <May to="sign-in-settings.read" silent>
              <SignInSettings application={found} />
            </May>
            <Subscriptions application={found} />
          </Stack>
        </>
      )}
    </Reading>
  )
}

/** Renaming and ending need the same of a role, in production more than in the sandbox. */
const changeOf = ({ environment }: Application) =>
  environment === 'production' ? 'production-application.change' : 'application.change'

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
        {addresses.issuerTls !== undefined && (
          <Value
            label="Token address for client certificates"
            value={`${addresses.issuerTls}/token`}
          />
        )}
        <Value label="Gateway" value={addresses.gateway} />
        <Value label="Gateway with TLS and client certificates" value={addresses.gatewayTls} />
      </Stack>
    </section>
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
      title={`Delete ${isolated(application.name)}?`}
      consequence="Its credentials and tokens stop working within a second, and its client id is never used again. Its past calls stay in your usage."
      action="Delete application"
      sending={change.sending}
      fault={change.fault}
      confirm={() => change.send({ method: 'DELETE', path: `/applications/${application.id}` })}
      size="sm"
    />
  )
}
