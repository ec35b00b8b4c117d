import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Fault } from '../management.ts'
import { Refused } from './parts.tsx'

/** A button that opens a form in a dialog. What is refused stands in it; whoever sends it closes it when it is done. */
export function FormDialog(options: {
  /** on the button that opens it */
  label: string
  button?: { size?: 'xs' | 'sm'; variant?: 'filled'; 'aria-label'?: string }
  title: ReactNode
  /** on the button that sends it */
  action: string
  danger?: boolean
  disabled?: boolean
  wide?: boolean
  open: boolean
  setOpen: (open: boolean) => void
  change: { fault: Fault | undefined; sending: boolean }
  send: (form: FormData) => void
  children: ReactNode
}): ReactNode {
  const { open, setOpen, change } = options
  return (
    <>
      <Button
        variant="default"
        {...options.button}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        {options.label}
      </Button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={<Text fw={650}>{options.title}</Text>}
        {...(options.wide === true && { size: 'lg' })}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault()
            options.send(new FormData(event.currentTarget))
          }}
        >
          <Stack>
            {options.children}
            {change.fault !== undefined && <Refused fault={change.fault} />}
            <Group justify="flex-end">
              <Button
                type="submit"
                loading={change.sending}
                disabled={options.disabled === true}
                {...(options.danger === true && { color: 'red.8' })}
              >
                {options.action}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  )
}
