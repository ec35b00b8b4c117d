import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Fault } from '../management.ts'
import { Refused } from './parts.tsx'

/** A change that cannot be taken back says what it does before it does it. */
export function Confirm(options: {
  label: string
  title: string
  consequence: ReactNode
  action: string
  sending: boolean
  fault: Fault | undefined
  confirm: () => void
  size?: 'xs' | 'sm'
}): ReactNode {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button
        size={options.size ?? 'xs'}
        variant="default"
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        {options.label}
      </Button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={<Text fw={650}>{options.title}</Text>}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Stack>
          <Text>{options.consequence}</Text>
          {options.fault !== undefined && <Refused fault={options.fault} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setOpen(false)}>
              Cancel
            </Button>
            <Button color="red.8" loading={options.sending} onClick={options.confirm}>
              {options.action}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
