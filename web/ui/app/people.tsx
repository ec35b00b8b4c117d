import { Select, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { RoleTable } from '#identity/schema'
import { isolated } from '../format.ts'
import { roleText } from '../roles.ts'
import { Confirm } from './confirm.tsx'
import { FormDialog } from './form-dialog.tsx'
import { useSignedIn } from './may.tsx'
import { Named } from './parts.tsx'
import { useChange, useManaged } from './use-managed.ts'

/** One of a team, or somebody who was invited to it. */
export type PersonRow = {
  id: string
  name: string
  /** not for everybody */
  email?: string
  role: string
  state: 'active' | 'invited'
}

const nameOf = ({ name, email }: PersonRow): string =>
  name === '' ? (email ?? 'somebody invited') : name

/** For a sentence whose words must keep their order. */
const named = (person: PersonRow): string => isolated(nameOf(person))

/** The roles of the side on which somebody works, each with what it is for. */
function RoleChoice(options: {
  value: string
  set: (role: string) => void
  note?: string
}): ReactNode {
  const { kind } = useSignedIn()
  const { data } = useManaged<RoleTable>('/roles')
  const choices = data?.[kind] ?? []
  const purposeOf = (role: string): string =>
    choices.find((one) => one.role === role)?.description ?? ''
  return (
    <Select
      label="Role"
      description={[`${purposeOf(options.value)}.`, options.note].join(' ')}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      data={choices.map(({ role }) => ({ value: role, label: roleText(role) }))}
      value={options.value}
      allowDeselect={false}
      maxDropdownHeight={360}
      renderOption={({ option }) => (
        <div>
          <Text size="sm">{option.label}</Text>
          <Text size="xs" c="dimmed">
            {purposeOf(option.value)}
          </Text>
        </div>
      )}
      onChange={(role) => {
        if (role !== null) options.set(role)
      }}
    />
  )
}

export function PersonName({ person }: { person: PersonRow }): ReactNode {
  return (
    <>
      <Text fw={600} size="sm">
        <Named name={nameOf(person)} />
      </Text>
      {person.name !== '' && person.email !== undefined && (
        <Text size="xs" c="dimmed">
          {person.email}
        </Text>
      )}
    </>
  )
}

/** @param options.path where invitations are sent to */
export function Invite(options: { path: string; firstRole: string }): ReactNode {
  const [open, setOpen] = useState(false)
  const [email, setEmail] = useState('')
  const [role, setRole] = useState(options.firstRole)
  const change = useChange({
    done: () => {
      setOpen(false)
      setEmail('')
    },
  })
  return (
    <FormDialog
      label="Invite a colleague"
      button={{ variant: 'filled' }}
      title="Invite a colleague"
      action="Send invitation"
      open={open}
      setOpen={setOpen}
      change={change}
      send={() =>
        change.send({ method: 'POST', path: options.path, body: { email: email.trim(), role } })
      }
    >
      <TextInput
        label="E-mail"
        description="Gets a link that works once. Inviting again sends another."
        type="email"
        value={email}
        maxLength={254}
        required
        data-autofocus
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <RoleChoice value={role} set={setRole} />
    </FormDialog>
  )
}

export function ChangeRole({ person, path }: { person: PersonRow; path: string }): ReactNode {
  const [open, setOpen] = useState(false)
  const [role, setRole] = useState(person.role)
  const change = useChange({ done: () => setOpen(false) })
  return (
    <FormDialog
      label="Role"
      button={{ size: 'xs' }}
      title={`Role of ${named(person)}`}
      action="Change role"
      disabled={role === person.role}
      open={open}
      setOpen={setOpen}
      change={change}
      send={() => change.send({ method: 'PATCH', path, body: { role } })}
    >
      <RoleChoice
        value={role}
        set={setRole}
        note="Another role holds from their next click on, also for their API tokens."
      />
    </FormDialog>
  )
}

/** For somebody who has lost device and recovery codes. */
export function LostDevice({ person, path }: { person: PersonRow; path: string }): ReactNode {
  const [round, setRound] = useState(0)
  const change = useChange({ done: () => setRound(round + 1) })
  return (
    <Confirm
      // Another round closes the dialog of the one before.
      key={round}
      label="Lost device"
      title={`Remove the second factors of ${named(person)}?`}
      consequence="For somebody who has lost device and recovery codes. Passkeys, authenticator app and codes go, and their sessions end; the password signs in again. They are told by mail. Be sure that it is them who asks."
      action="Remove second factors"
      sending={change.sending}
      fault={change.fault}
      confirm={() => change.send({ method: 'DELETE', path: `${path}/factors` })}
    />
  )
}

export function RemovePerson(options: {
  person: PersonRow
  path: string
  /** what stays behind */
  consequence: string
}): ReactNode {
  const { person, path } = options
  const change = useChange({})
  const invited = person.state === 'invited'
  return (
    <Confirm
      label={invited ? 'Withdraw' : 'Remove'}
      title={invited ? `Withdraw the invitation of ${named(person)}?` : `Remove ${named(person)}?`}
      consequence={invited ? 'The link that was mailed works no more.' : options.consequence}
      action={invited ? 'Withdraw invitation' : 'Remove'}
      sending={change.sending}
      fault={change.fault}
      confirm={() => change.send({ method: 'DELETE', path })}
    />
  )
}
