import { Group, Text, TextInput, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useState } from 'react'
import type { Passkey } from '#identity/schema'
import { agoText, dateText } from '../../format.ts'
import type { Fault } from '../../management.ts'
import { makePasskey, passkeyFault, passkeysWork } from '../../passkeys.ts'
import { Confirm } from '../confirm.tsx'
import { DataTable } from '../data-table.tsx'
import { FormDialog } from '../form-dialog.tsx'
import { manageProved } from '../prove.ts'
import { useChange } from '../use-managed.ts'

type CodesMade = (codes: readonly string[]) => void

export function Passkeys(options: {
  passkeys: readonly Passkey[]
  codesMade: CodesMade
}): ReactNode {
  const { passkeys } = options
  return (
    <section className="card" aria-labelledby="passkeys">
      <Group justify="space-between" align="flex-start" mb="sm">
        <Title order={2} id="passkeys">
          Passkeys
        </Title>
        <AddPasskey {...options} />
      </Group>
      <Text c="dimmed" mb={passkeys.length > 0 ? 'md' : 0} maw={720}>
        A passkey is kept by your device or password manager and opened with your fingerprint, face
        or PIN. It signs you in without an e-mail address or a password, and only here.
      </Text>
      {passkeys.length > 0 && (
        <DataTable
          label="Passkeys"
          rows={passkeys}
          rowKey={(passkey) => passkey.id}
          columns={[
            { title: 'Name', cell: (passkey) => passkey.name },
            {
              title: 'Kept',
              cell: (passkey) => (passkey.synced ? 'on your devices' : 'on one device'),
            },
            { title: 'Added', cell: (passkey) => dateText(passkey.createdAt), nowrap: true },
            {
              title: 'Last used',
              cell: (passkey) =>
                passkey.lastUsedAt === undefined
                  ? 'not yet'
                  : agoText(passkey.lastUsedAt, new Date()),
              nowrap: true,
            },
            {
              title: 'Change',
              cell: (passkey) => (
                <Group gap="xs" wrap="nowrap">
                  <RenamePasskey passkey={passkey} />
                  <RemovePasskey passkey={passkey} />
                </Group>
              ),
            },
          ]}
        />
      )}
    </section>
  )
}

function AddPasskey({ passkeys, codesMade }: Parameters<typeof Passkeys>[0]): ReactNode {
  const client = useQueryClient()
  const [open, setOpen] = useState(false)
  const [sending, setSending] = useState(false)
  const [fault, setFault] = useState<Fault>()
  const [works, setWorks] = useState(true)
  useEffect(() => setWorks(passkeysWork()), [])
  const add = async (name: string): Promise<void> => {
    setSending(true)
    setFault(undefined)
    try {
      const { recoveryCodes } = await makePasskey(name, manageProved)
      setOpen(false)
      if (recoveryCodes !== undefined) codesMade(recoveryCodes)
      await client.invalidateQueries()
    } catch (error) {
      setFault(passkeyFault(error))
    } finally {
      setSending(false)
    }
  }
  if (!works) return <Text c="dimmed">This browser cannot make passkeys here.</Text>
  return (
    <FormDialog
      label="Add a passkey"
      button={{ variant: 'filled' }}
      title="Add a passkey"
      action="Go on"
      open={open}
      setOpen={setOpen}
      change={{ fault, sending }}
      send={(form) => void add(String(form.get('name')))}
    >
      <TextInput
        label="Name"
        description="By which you will know it again, such as the name of the device."
        name="name"
        defaultValue={passkeys.length === 0 ? 'My passkey' : `Passkey ${passkeys.length + 1}`}
        maxLength={60}
        required
        data-autofocus
      />
      {passkeys.length === 0 && (
        <Text size="sm">
          From then on a password alone does not sign you in. You get recovery codes for the day
          that the device is lost.
        </Text>
      )}
    </FormDialog>
  )
}

function RenamePasskey({ passkey }: { passkey: Passkey }): ReactNode {
  const [open, setOpen] = useState(false)
  const change = useChange({ done: () => setOpen(false) })
  return (
    <FormDialog
      label="Rename"
      button={{ size: 'xs', 'aria-label': `Rename ${passkey.name}` }}
      title="Rename the passkey"
      action="Save"
      open={open}
      setOpen={setOpen}
      change={change}
      send={(form) =>
        change.send({
          method: 'PATCH',
          path: `/factors/passkeys/${passkey.id}`,
          body: { name: String(form.get('name')) },
        })
      }
    >
      <TextInput
        label="Name"
        name="name"
        defaultValue={passkey.name}
        maxLength={60}
        required
        data-autofocus
      />
    </FormDialog>
  )
}

function RemovePasskey({ passkey }: { passkey: Passkey }): ReactNode {
  const change = useChange({})
  return (
    <Confirm
      label="Remove"
      title={`Remove ${passkey.name}?`}
      consequence="It signs you in no more. Delete it on the device as well, which would still offer it."
      action="Remove passkey"
      sending={change.sending}
      fault={change.fault}
      confirm={() => change.send({ method: 'DELETE', path: `/factors/passkeys/${passkey.id}` })}
    />
  )
}
