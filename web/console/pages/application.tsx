import { Anchor, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link, useParams } from 'react-router'
import type { ConsentCount } from '#consent/schema'
import type { Application, AuthorizationSettings } from '#partners/schema'
import { Confirm } from '../../ui/app/confirm.tsx'
import { DataTable } from '../../ui/app/data-table.tsx'
import { Facts } from '../../ui/app/facts.tsx'
import { FormDialog } from '../../ui/app/form-dialog.tsx'
import { May, useMay, WhoMay } from '../../ui/app/may.tsx'
import { EnvironmentPill, Named, Notice, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../ui/app/use-managed.ts'
import { countText, isolated, timeText } from '../../ui/format.ts'
import type { List } from '../../ui/management.ts'
import { grantRows, settingFacts } from '../view-models/application-settings.ts'

/** What a partner's application has ordered and how it signs in, for the operator who may hold it to that. */
export function ApplicationPage(): ReactNode {
  const { applicationId = '' } = useParams()
  const application = useManaged<Application>(`/applications/${encodeURIComponent(applicationId)}`)
  return (
    <Reading of={application} title="Application">
      {(found) => (
        <>
          <Text size="sm" mb={4}>
            <Anchor component={Link} to={`/console/partners/${found.partnerId}`}>
              Partner
            </Anchor>
          </Text>
          <PageTitle
            title={found.name}
            lead={`${found.state}, ${found.clientId}`}
            actions={<EnvironmentPill environment={found.environment} />}
          />
          <Stack gap="lg">
            <Settings application={found} />
            <Consents applicationId={found.id} />
          </Stack>
        </>
      )}
    </Reading>
  )
}

function Settings({ application }: { application: Application }): ReactNode {
  const settings = useManaged<AuthorizationSettings>(
    `/applications/${application.id}/authorization`,
  )
  return (
    <section className="card" aria-labelledby="sign-in-settings">
      <Group justify="space-between" mb="sm">
        <Title order={2} id="sign-in-settings">
          Sign-in and consent
        </Title>
        {settings.data !== undefined && (
          <May to="sign-in-settings.lock">
            <Lock application={application} settings={settings.data} />
          </May>
        )}
      </Group>
      <Reading of={settings}>
        {(found) => (
          <Stack>
            {found.lock !== undefined && (
              <Notice tone="warn">
                Locked since {timeText(found.lock.lockedAt)}: its partner cannot change these
                settings. Reason: {found.lock.reason}
              </Notice>
            )}
            <Facts facts={settingFacts(found)} />
            <DataTable
              label="Grants"
              rows={grantRows(found)}
              rowKey={(row) => row.id}
              columns={[
                { title: 'Purpose', cell: (row) => <span className="mono">{row.purpose}</span> },
                { title: 'Grant', cell: (row) => row.grant },
                { title: 'Scopes', cell: (row) => <span className="mono wrap">{row.scopes}</span> },
              ]}
            />
          </Stack>
        )}
      </Reading>
    </section>
  )
}

function Lock(options: { application: Application; settings: AuthorizationSettings }): ReactNode {
  const { application, settings } = options
  const [open, setOpen] = useState(false)
  const [reason, setReason] = useState('')
  const change = useChange({ done: () => setOpen(false) })
  const path = `/applications/${application.id}/authorization/lock`
  if (settings.lock !== undefined)
    return (
      <Confirm
        label="Unlock"
        size="sm"
        title={`Unlock the settings of ${isolated(application.name)}?`}
        consequence="The partner may change again for which purposes and in which way this application asks."
        action="Unlock"
        sending={change.sending}
        fault={change.fault}
        confirm={() => change.send({ method: 'DELETE', path })}
      />
    )
  return (
    <FormDialog
      label="Lock"
      title={
        <>
          Lock the settings of <Named name={application.name} />?
        </>
      }
      action="Lock"
      open={open}
      setOpen={setOpen}
      change={change}
      send={() => change.send({ method: 'PUT', path, body: { reason } })}
    >
      <Text>
        The application goes on as it is; its partner cannot change for what and in which way it
        asks, and reads the reason.
      </Text>
      <TextInput
        label="Reason, for the partner and the record"
        value={reason}
        maxLength={500}
        required
        data-autofocus
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </FormDialog>
  )
}

function Consents({ applicationId }: { applicationId: string }): ReactNode {
  const may = useMay()
  return (
    <section className="card" aria-labelledby="consents">
      <Title order={2} id="consents" mb="sm">
        What subscribers said
      </Title>
      {may('consent.read') ? (
        <ConsentCounts applicationId={applicationId} />
      ) : (
        <WhoMay to="consent.read" />
      )}
    </section>
  )
}

function ConsentCounts({ applicationId }: { applicationId: string }): ReactNode {
  const counts = useManaged<List<ConsentCount>>(`/consent-counts/${applicationId}?perPage=100`)
  return (
    <Reading of={counts}>
      {({ items }) =>
        items.length === 0 ? (
          <Text c="dimmed">Nobody was asked yet.</Text>
        ) : (
          <DataTable
            label="Subscribers by purpose and state"
            rows={items}
            rowKey={(one) => `${one.purpose} ${one.state}`}
            columns={[
              { title: 'Purpose', cell: (one) => <span className="mono">{one.purpose}</span> },
              { title: 'State', cell: (one) => <strong>{one.state}</strong> },
              { title: 'Subscribers', cell: (one) => countText(one.count), number: true },
            ]}
          />
        )
      }
    </Reading>
  )
}
