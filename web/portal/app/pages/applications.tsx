import { Anchor, SegmentedControl, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import type { Application, Partner } from '#partners/schema'
import { ApplicationTable } from '../../../ui/app/application-table.tsx'
import { FormDialog } from '../../../ui/app/form-dialog.tsx'
import { May } from '../../../ui/app/may.tsx'
import { Notice, PageTitle, Reading } from '../../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../../ui/app/use-managed.ts'
import type { List } from '../../../ui/management.ts'
import { keepSecret } from '../../../ui/secrets.ts'
import type { MadeCredential } from '../new-secret.tsx'
import { useSession } from '../use-session.ts'

export function ApplicationsPage(): ReactNode {
  const applications = useManaged<List<Application>>('/applications?perPage=100')
  return (
    <>
      <PageTitle
        title="Applications"
        lead="An application holds credentials. It belongs to one environment: sandbox keys cannot reach production."
        actions={
          <May to="application.change">
            <NewApplication />
          </May>
        }
      />
      <Reading of={applications}>
        {({ items }) => <ApplicationTable applications={items} under="/app/applications" />}
      </Reading>
    </>
  )
}

type Created = Application & { credentials?: MadeCredential }

function NewApplication(): ReactNode {
  const session = useSession()
  const navigate = useNavigate()
  const partner = useManaged<Partner>(`/partners/${session.partnerId}`)
  const [open, setOpen] = useState(false)
  const [name, setName] = useState('')
  const [environment, setEnvironment] = useState<'sandbox' | 'production'>('sandbox')
  const change = useChange<Created>({
    done: (made) => {
      const secret = made.credentials?.clientSecret
      if (secret !== undefined) keepSecret(sessionStorage, made.clientId, secret)
      setOpen(false)
      setName('')
      void navigate(`/app/applications/${made.id}`)
    },
  })
  const blocked = environment === 'production' && partner.data?.production.ready === false
  return (
    <FormDialog
      label="Create application"
      button={{ variant: 'filled' }}
      title="Create application"
      action="Create"
      disabled={name.trim() === ''}
      open={open}
      setOpen={setOpen}
      change={change}
      send={() =>
        change.send({ method: 'POST', path: '/applications', body: { name, environment } })
      }
    >
      <TextInput
        label="Name"
        description="What your team calls it, such as the product and the stage."
        value={name}
        maxLength={120}
        required
        data-autofocus
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <SegmentedControl
        aria-label="Environment"
        value={environment}
        onChange={(value) => setEnvironment(value as 'sandbox' | 'production')}
        data={[
          { value: 'sandbox', label: 'Sandbox' },
          { value: 'production', label: 'Production' },
        ]}
      />
      {blocked && (
        <Notice tone="warn">
          <Text>
            Production still needs something of you.{' '}
            <Anchor component={Link} to="/app/production">
              See what
            </Anchor>
          </Text>
        </Notice>
      )}
    </FormDialog>
  )
}
