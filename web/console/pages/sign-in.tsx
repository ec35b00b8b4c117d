import { Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Session } from '#identity/schema'
import { Refused } from '../../ui/app/parts.tsx'
import { useChange } from '../../ui/app/use-managed.ts'
import { Entrance } from '../entrance.tsx'

export function SignInPage(): ReactNode {
  const change = useChange<Session>({
    done: ({ kind }) => location.assign(kind === 'operator' ? '/console' : '/app'),
  })
  return (
    <Entrance title="Sign in" lead="For the staff of the operator.">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const data = new FormData(event.currentTarget)
          change.send({
            method: 'POST',
            path: '/session',
            body: { email: String(data.get('email')), password: String(data.get('password')) },
          })
        }}
      >
        <Stack>
          <TextInput
            label="E-mail"
            name="email"
            type="email"
            autoComplete="username"
            size="md"
            required
          />
          <PasswordInput
            label="Password"
            name="password"
            autoComplete="current-password"
            size="md"
            required
            visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the password' }}
          />
          {change.fault !== undefined && <Refused fault={change.fault} />}
          <Button type="submit" size="md" loading={change.sending}>
            Sign in
          </Button>
          <Text size="sm">
            <Anchor href="/recovery">Forgot the password</Anchor> ·{' '}
            <Anchor href="/sign-in">Partners sign in here</Anchor>
          </Text>
        </Stack>
      </form>
    </Entrance>
  )
}
