import { Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Application, Credential } from '#partners/schema'
import { Confirm } from '../../ui/app/confirm.tsx'
import { DataTable } from '../../ui/app/data-table.tsx'
import { May, useMay } from '../../ui/app/may.tsx'
import { Reading, Value } from '../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../ui/app/use-managed.ts'
import { dateText, timeText } from '../../ui/format.ts'
import type { List } from '../../ui/management.ts'
import { forgetSecret } from '../../ui/secrets.ts'
import { consequenceOf, endOf, kindOf } from '../view-models/credential-row.ts'
import { AddCertificate } from './add-certificate.tsx'
import { AddPublicKey } from './add-public-key.tsx'
import { NewApiKey } from './new-api-key.tsx'
import { NewSecret } from './new-secret.tsx'

/** What an application shows to prove who it is: made, shown once, and deleted here. */
export function Credentials({ application }: { application: Application }): ReactNode {
  const permission =
    application.environment === 'production' ? 'production-credential.change' : 'credential.change'
  const may = useMay()
  const [made, setMade] = useState<{ label: string; value: string }>()
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
          Two secrets and two API keys may live at once. To rotate: make a new one, put it into your
          code, then delete the old one. What is deleted stops working within a second.
        </Text>
        {made !== undefined && <Value label={made.label} value={made.value} />}
        <Reading of={credentials}>
          {({ items }) => (
            <DataTable
              label="Credentials"
              rows={items}
              rowKey={(c) => c.id}
              columns={[
                { title: 'Kind', cell: kindOf, nowrap: true },
                { title: 'Recognised by', cell: (c) => <span className="mono">{c.hint}</span> },
                { title: 'Created', cell: (c) => timeText(c.createdAt), nowrap: true },
                { title: 'Ends', cell: (c) => <End credential={c} />, nowrap: true },
                ...(may(permission)
                  ? [
                      {
                        title: 'Delete',
                        cell: (c: Credential) => (
                          <Delete
                            application={application}
                            credential={c}
                            last={items.length === 1}
                            done={() => setMade(undefined)}
                          />
                        ),
                      },
                    ]
                  : []),
              ]}
            />
          )}
        </Reading>
        <May to={permission}>
          <Group>
            <NewSecret
              application={application}
              made={(value) => setMade({ label: 'New client secret, shown this once', value })}
              label="Make a new secret"
            />
            <NewApiKey
              application={application}
              made={(value) => setMade({ label: 'New API key, shown this once', value })}
            />
            <AddPublicKey application={application} />
            <AddCertificate application={application} />
          </Group>
        </May>
        <Text size="sm" c="dimmed">
          Secrets and public keys get access tokens. An API key goes to the gateway itself, in the
          header field X-API-Key, and only where an API says that it takes one. A client certificate
          is shown on the TLS address, where an API asks for it.
        </Text>
      </Stack>
    </section>
  )
}

function End({ credential }: { credential: Credential }): ReactNode {
  const end = endOf(credential, Date.now())
  const { expiresAt } = credential
  if (end.state === 'never' || expiresAt === undefined)
    return (
      <Text span inherit c="dimmed">
        when deleted
      </Text>
    )
  if (end.state === 'later') return dateText(expiresAt)
  return (
    <Text span inherit c="var(--bad)" fw={600}>
      {end.state === 'over'
        ? `ended ${dateText(expiresAt)}`
        : `${dateText(expiresAt)}, in ${end.days} ${end.days === 1 ? 'day' : 'days'}`}
    </Text>
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
      consequence={consequenceOf(credential, last)}
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
