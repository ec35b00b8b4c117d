import { TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Application } from '#partners/schema'
import { FormDialog } from '../../ui/app/form-dialog.tsx'
import { useChange } from '../../ui/app/use-managed.ts'

export function Rename({ application }: { application: Application }): ReactNode {
  const [open, setOpen] = useState(false)
  const [name, setName] = useState(application.name)
  const change = useChange({ done: () => setOpen(false) })
  return (
    <FormDialog
      label="Rename"
      button={{ size: 'sm' }}
      title="Rename application"
      action="Rename"
      disabled={name.trim() === ''}
      open={open}
      setOpen={setOpen}
      change={change}
      send={() =>
        change.send({ method: 'PATCH', path: `/applications/${application.id}`, body: { name } })
      }
    >
      <TextInput
        label="Name"
        value={name}
        maxLength={120}
        required
        data-autofocus
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </FormDialog>
  )
}
