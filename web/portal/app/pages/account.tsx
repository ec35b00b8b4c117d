import { Anchor, Button, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'
import type { Session } from '#identity/schema'
import type { Partner } from '#partners/schema'
import { Notice, PageTitle, Reading, Refused, Value } from '../../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../../ui/app/use-managed.ts'
import { useSession } from '../use-session.ts'

export function AccountPage(): ReactNode {
  const { partnerId } = useSession()
  const session = useManaged<Session>('/session')
  const partner = useManaged<Partner>(`/partners/${partnerId}`)
  return (
    <>
      <PageTitle title="Account" />
      <Stack gap="lg">
        <section className="card" aria-labelledby="you">
          <Title order={2} id="you" mb="sm">
            You
          </Title>
          <Reading of={session}>{(found) => <You session={found} />}</Reading>
        </section>
        <section className="card" aria-labelledby="organisation">
          <Title order={2} id="organisation" mb="sm">
            Organisation
          </Title>
          <Reading of={partner}>
            {(found) => (
              <Stack>
                <Text className="wrap">{found.name}</Text>
                <Value label="Partner id, for support" value={found.id} />
              </Stack>
            )}
          </Reading>
        </section>
      </Stack>
    </>
  )
}

function You({ session }: { session: Session }): ReactNode {
  return (
    <Stack align="flex-start">
      <div>
        <Text fw={600} className="wrap">
          {session.name}
        </Text>
        <Text c="dimmed">
          {session.email} ·{' '}
          <Anchor component={Link} to="/app/roles">
            {session.role}
          </Anchor>
        </Text>
      </div>
      {session.emailVerified ? (
        <Text c="var(--good)">Your e-mail address is confirmed.</Text>
      ) : (
        <ConfirmEmail />
      )}
      <Text size="sm">
        To change your password, <Anchor href="/recovery">have a link sent to you</Anchor>. Passkeys
        and sessions are under{' '}
        <Anchor component={Link} to="/app/security">
          Security
        </Anchor>
        .
      </Text>
    </Stack>
  )
}

export function ConfirmEmail(): ReactNode {
  const [sent, setSent] = useState(false)
  const change = useChange({ done: () => setSent(true) })
  return (
    <>
      <Notice tone="warn">
        <Text>
          Your e-mail address is not confirmed. The sandbox does not mind; production needs it. The
          link is in the mail that came when you signed up. An account that is neither confirmed nor
          used for 90 days is removed.
        </Text>
        <Button
          size="xs"
          variant="default"
          disabled={sent}
          loading={change.sending}
          onClick={() => change.send({ method: 'POST', path: '/email-verification' })}
        >
          {sent ? 'Sent' : 'Send it again'}
        </Button>
      </Notice>
      {change.fault !== undefined && <Refused fault={change.fault} />}
    </>
  )
}
