import {
  Button,
  Checkbox,
  Group,
  Modal,
  NumberInput,
  Radio,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { NewTokenResult, RoleTable } from '#identity/schema'
import { type ScopeRow, scopeRows } from '../../token-scopes.ts'
import { useSignedIn } from '../may.tsx'
import { Reading, Refused } from '../parts.tsx'
import { useChange, useManaged } from '../use-managed.ts'

type Extent = 'read' | 'chosen' | 'all'

export function MakeToken(options: { made: (token: NewTokenResult) => void }): ReactNode {
  const [open, setOpen] = useState(false)
  // Read with the page: a form that comes after its dialog has opened does not get the focus.
  const table = useManaged<RoleTable>('/roles')
  const session = useSignedIn()
  return (
    <>
      <Button onClick={() => setOpen(true)}>Make a token</Button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={<Text fw={650}>Make an API token</Text>}
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Reading of={table}>
          {(found) => (
            <TokenForm
              {...scopeRows(found, session)}
              made={(token) => {
                setOpen(false)
                options.made(token)
              }}
            />
          )}
        </Reading>
      </Modal>
    </>
  )
}

function TokenForm(options: {
  reads: ScopeRow[]
  changes: ScopeRow[]
  made: (token: NewTokenResult) => void
}): ReactNode {
  const { reads, changes } = options
  const [extent, setExtent] = useState<Extent>('read')
  const [chosen, setChosen] = useState<string[]>([])
  const [days, setDays] = useState<number | string>(90)
  const change = useChange<NewTokenResult>({ done: options.made })
  const scopes = { read: reads.map(({ name }) => name), chosen, all: undefined }[extent]
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const name = String(new FormData(event.currentTarget).get('name'))
        const body = { name, expiresInDays: Number(days), ...(scopes !== undefined && { scopes }) }
        change.send({ method: 'POST', path: '/tokens', body })
      }}
    >
      <Stack>
        <TextInput
          label="Name"
          description="The program that will use it."
          name="name"
          maxLength={120}
          required
          data-autofocus
        />
        <Radio.Group
          label="What it may do"
          value={extent}
          onChange={(value) => setExtent(value as Extent)}
        >
          <Stack gap="xs" mt="xs">
            <Radio value="read" label="See what I see, and change nothing" />
            <Radio value="chosen" label="Only what I choose" />
            <Radio value="all" label="Whatever I may do" />
          </Stack>
        </Radio.Group>
        {extent === 'chosen' && (
          <>
            <Choices label="May see" rows={reads} chosen={chosen} choose={setChosen} />
            <Choices label="May change" rows={changes} chosen={chosen} choose={setChosen} />
          </>
        )}
        <NumberInput
          label="Ends after"
          description="Days, 365 at most."
          min={1}
          max={365}
          allowDecimal={false}
          value={days}
          onChange={setDays}
          required
          maw={160}
        />
        {change.fault !== undefined && <Refused fault={change.fault} />}
        <Group justify="flex-end">
          <Button type="submit" loading={change.sending}>
            Make token
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Choices(options: {
  label: string
  rows: ScopeRow[]
  chosen: string[]
  choose: (names: string[]) => void
}): ReactNode {
  const { label, rows, chosen, choose } = options
  if (rows.length === 0) return null
  return (
    <Checkbox.Group label={label} value={chosen} onChange={choose}>
      <Stack gap={6} mt="xs">
        {rows.map(({ name, title }) => (
          <Checkbox key={name} size="md" value={name} label={title} description={name} />
        ))}
      </Stack>
    </Checkbox.Group>
  )
}
