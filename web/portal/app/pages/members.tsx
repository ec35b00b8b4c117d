import { Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Member, PartnerRole } from '#identity/schema'
import { Confirm } from '../../../ui/app/confirm.tsx'
import { DataTable } from '../../../ui/app/data-table.tsx'
import { PageTitle, Reading, Refused } from '../../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../../ui/app/use-managed.ts'
import { dateText } from '../../../ui/format.ts'
import type { List } from '../../../ui/management.ts'
import { useSession } from '../use-session.ts'

const roles: { value: PartnerRole; label: string }[] = [
  { value: 'owner', label: 'Owner: everything, members and contracts too' },
  { value: 'developer', label: 'Developer: applications and keys' },
  { value: 'finance', label: 'Finance: contracts, usage and prices' },
  { value: 'viewer', label: 'Viewer: may look' },
]

export function MembersPage(): ReactNode {
  const session = useSession()
  const members = useManaged<List<Member>>(`/partners/${session.partnerId}/members?perPage=100`)
  const owner = session.role === 'owner'
  return (
    <>
      <PageTitle
        title="Members"
        lead="The people of your organisation."
        actions={owner ? <Invite partnerId={session.partnerId} /> : undefined}
      />
      <Reading of={members}>
        {({ items }) => (
          <DataTable
            label="Members"
            rows={items}
            rowKey={(m) => m.id}
            columns={[
              {
                title: 'Name',
                cell: (m) => (
                  <>
                    <Text fw={600} size="sm">
                      {m.name === '' ? m.email : m.name}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {m.email}
                    </Text>
                  </>
                ),
              },
              { title: 'Role', cell: (m) => m.role },
              {
                title: 'State',
                cell: (m) =>
                  m.state === 'invited'
                    ? 'invited, not here yet'
                    : m.emailVerified
                      ? 'e-mail confirmed'
                      : 'e-mail not confirmed',
              },
              { title: 'Since', cell: (m) => dateText(m.createdAt), nowrap: true },
              {
                title: 'Change',
                cell: (m) =>
                  owner && m.id !== session.id ? (
                    <Group gap="xs" wrap="nowrap">
                      {m.state === 'active' && (
                        <ResetFactors partnerId={session.partnerId} member={m} />
                      )}
                      <Remove partnerId={session.partnerId} member={m} />
                    </Group>
                  ) : null,
              },
            ]}
          />
        )}
      </Reading>
    </>
  )
}

function Invite({ partnerId }: { partnerId: string }): ReactNode {
  const [open, setOpen] = useState(false)
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<string>('developer')
  const change = useChange({
    done: () => {
      setOpen(false)
      setEmail('')
    },
  })
  return (
    <>
      <Button onClick={() => setOpen(true)}>Invite a colleague</Button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={<Text fw={650}>Invite a colleague</Text>}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault()
            change.send({
              method: 'POST',
              path: `/partners/${partnerId}/members`,
              body: { email: email.trim(), role },
            })
          }}
        >
          <Stack>
            <TextInput
              label="E-mail"
              type="email"
              value={email}
              maxLength={254}
              required
              data-autofocus
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <Select
              label="Role"
              data={roles}
              value={role}
              allowDeselect={false}
              onChange={(value) => setRole(value ?? 'developer')}
            />
            {change.fault !== undefined && <Refused fault={change.fault} />}
            <Group justify="flex-end">
              <Button type="submit" loading={change.sending}>
                Send invitation
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  )
}

function ResetFactors({ partnerId, member }: { partnerId: string; member: Member }): ReactNode {
  const [round, setRound] = useState(0)
  const change = useChange({ done: () => setRound(round + 1) })
  return (
    <Confirm
      // Another round closes the dialog of the one before.
      key={round}
      label="Lost device"
      title={`Remove the second factors of ${member.name}?`}
      consequence="For somebody who has lost device and recovery codes. Passkeys, authenticator app and codes go, and their sessions end; the password signs in again. They are told by mail. Be sure that it is them who asks."
      action="Remove second factors"
      sending={change.sending}
      fault={change.fault}
      confirm={() =>
        change.send({
          method: 'DELETE',
          path: `/partners/${partnerId}/members/${member.id}/factors`,
        })
      }
    />
  )
}

function Remove({ partnerId, member }: { partnerId: string; member: Member }): ReactNode {
  const change = useChange({})
  return (
    <Confirm
      label="Remove"
      title={`Remove ${member.name === '' ? member.email : member.name}?`}
      consequence="Their sessions end at once. Applications and keys stay as they are: rotate the secrets that they knew."
      action="Remove member"
      sending={change.sending}
      fault={change.fault}
      confirm={() =>
        change.send({ method: 'DELETE', path: `/partners/${partnerId}/members/${member.id}` })
      }
    />
  )
}
