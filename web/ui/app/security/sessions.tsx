import { Badge, Button, Group, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { SignedInDevice } from '#identity/schema'
import { agoText, timeText } from '../../format.ts'
import { DataTable } from '../data-table.tsx'
import { Reading, Refused } from '../parts.tsx'
import { useChange, useManaged } from '../use-managed.ts'

const words: Record<string, string> = {
  password: 'password',
  passkey: 'passkey',
  totp: 'app',
  'recovery-code': 'recovery code',
  link: 'mailed link',
  sso: 'single sign-on',
  'provider-factor': 'its second factor',
}

/** Where somebody is signed in. */
export function Sessions(): ReactNode {
  const sessions = useManaged<{ items: SignedInDevice[] }>('/sessions')
  const change = useChange({})
  const end = (path: string): void => change.send({ method: 'DELETE', path })
  return (
    <section className="card" aria-labelledby="sessions">
      <Group justify="space-between" align="flex-start" mb="sm">
        <Title order={2} id="sessions">
          Where you are signed in
        </Title>
        {(sessions.data?.items.length ?? 0) > 1 && (
          <Button variant="default" loading={change.sending} onClick={() => end('/sessions')}>
            Sign out everywhere else
          </Button>
        )}
      </Group>
      {change.fault !== undefined && <Refused fault={change.fault} />}
      <Reading of={sessions}>
        {({ items }) => (
          <DataTable
            label="Sessions"
            rows={items}
            rowKey={(session) => session.id}
            columns={[
              {
                title: 'Device',
                cell: (session) => (
                  <>
                    <Group gap="xs">
                      <Text fw={600} size="sm">
                        {session.device === '' ? 'Not known' : session.device}
                      </Text>
                      {session.current && (
                        <Badge variant="light" color="gray" radius="sm" tt="none">
                          this one
                        </Badge>
                      )}
                    </Group>
                    <Text size="xs" c="dimmed">
                      {session.address}
                    </Text>
                  </>
                ),
              },
              {
                title: 'Signed in with',
                cell: (session) => session.methods.map((m) => words[m] ?? m).join(' and '),
              },
              { title: 'Since', cell: (session) => timeText(session.createdAt), nowrap: true },
              {
                title: 'Last used',
                cell: (session) => agoText(session.lastUsedAt, new Date()),
                nowrap: true,
              },
              {
                title: 'End',
                cell: (session) =>
                  session.current ? null : (
                    <Button
                      size="xs"
                      variant="default"
                      aria-label={`Sign out ${session.device}`}
                      onClick={() => end(`/sessions/${session.id}`)}
                    >
                      Sign out
                    </Button>
                  ),
              },
            ]}
          />
        )}
      </Reading>
    </section>
  )
}
