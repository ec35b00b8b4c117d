import { Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { errorsByField } from '../portal/view-models/forms.ts'
import { Refused } from '../ui/app/parts.tsx'
import { useChange } from '../ui/app/use-managed.ts'
import { Entrance } from './entrance.tsx'
import { tokenOfAddress } from './view-models/link-token.ts'

type Field = 'name' | 'email' | 'password'

/** Makes one of the staff with a one-time link; what is wrong stands at its field. */
export function NewStaffForm(options: {
  title: string
  lead: string
  /** where the token of the link is used */
  path: string
  fields: readonly Field[]
}): ReactNode {
  const fields = options.fields.map((name) => ({ name }))
  const [token] = useState(() => tokenOfAddress(location.href))
  const change = useChange({ done: () => location.assign('/console') })
  const faults = errorsByField(fields, change.fault?.violations ?? [])
  const at = (name: string): { error?: string } => {
    const error = faults.fields[name]
    return error === undefined ? {} : { error }
  }
  const placed = Object.keys(faults.fields).length > 0
  return (
    <Entrance title={options.title} lead={options.lead}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const data = new FormData(event.currentTarget)
          const body = Object.fromEntries(fields.map((f) => [f.name, String(data.get(f.name))]))
          change.send({ method: 'POST', path: options.path, body: { token, ...body } })
        }}
      >
        <Stack>
          <TextInput
            label="Your name"
            name="name"
            autoComplete="name"
            maxLength={120}
            size="md"
            required
            {...at('name')}
          />
          {options.fields.includes('email') && (
            <TextInput
              label="E-mail"
              name="email"
              type="email"
              autoComplete="username"
              maxLength={254}
              size="md"
              required
              {...at('email')}
            />
          )}
          <PasswordInput
            label="Password"
            description="At least 12 characters. A few words are better than symbols."
            name="password"
            autoComplete="new-password"
            minLength={12}
            maxLength={128}
            size="md"
            required
            visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the password' }}
            {...at('password')}
          />
          {change.fault !== undefined && !placed && <Refused fault={change.fault} />}
          <Button type="submit" size="md" loading={change.sending}>
            Open the console
          </Button>
        </Stack>
      </form>
    </Entrance>
  )
}
