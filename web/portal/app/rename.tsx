import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Application } from '#partners/schema'
import { Refused } from '../../ui/app/parts.tsx'
import { useChange } from '../../ui/app/use-managed.ts'

export function Rename({ application }: { application: Application }): ReactNode {
  const [open, setOpen] = useState(false)
  const [name, setName] = useState(application.name)
  const change = useChange({ done: () => setOpen(false) })
  return (
    <>
      <Button size="sm" variant="default" onClick={() => setOpen(true)}>
        Rename
      </Button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={<Text fw={650}>Rename application</Text>}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault()
            change.send({
              method: 'PATCH',
              path: `/applications/${application.id}`,
              body: { name },
            })
          }}
        >
          <Stack>
            <TextInput
              label="Name"
              value={name}
              maxLength={120}
              required
              data-autofocus
              onChange={(event) => setName(event.currentTarget.value)}
            />
            {change.fault !== undefined && <Refused fault={change.fault} />}
            <Group justify="flex-end">
              <Button type="submit" loading={change.sending} disabled={name.trim() === ''}>
                Rename
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  )
}
