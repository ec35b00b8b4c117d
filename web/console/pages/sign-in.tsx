import {
  Anchor,
  Button,
  Divider,
  Group,
  PasswordInput,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'
import { codeFields } from '../../portal/view-models/forms.ts'
import { Refused } from '../../ui/app/parts.tsx'
import { codeLinkText, otherCodes, type SignInFlow, useSignIn } from '../../ui/use-sign-in.ts'
import { Entrance } from '../entrance.tsx'

export function SignInPage(): ReactNode {
  const flow = useSignIn(({ kind }) => location.assign(kind === 'operator' ? '/console' : '/app'))
  return (
    <Entrance title="Sign in" lead="For the staff of the operator.">
      {flow.needed === undefined ? <First flow={flow} /> : <Second flow={flow} />}
    </Entrance>
  )
}

function First({ flow }: { flow: SignInFlow }): ReactNode {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const data = new FormData(event.currentTarget)
        flow.sendPassword(String(data.get('email')), String(data.get('password')))
      }}
    >
      <Stack>
        {flow.passkeys && (
          <>
            <PasskeyButton flow={flow} />
            <Divider label="or with your password" />
          </>
        )}
        <TextInput
          label="E-mail"
          name="email"
          type="email"
          autoComplete="username webauthn"
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
        {flow.fault !== undefined && <Refused fault={flow.fault} />}
        <Button type="submit" size="md" loading={flow.sending}>
          Sign in
        </Button>
        <Button
          variant="default"
          size="md"
          disabled={flow.sending}
          onClick={(event) => {
            const email = event.currentTarget.form?.querySelector<HTMLInputElement>('[name=email]')
            if (email?.reportValidity() === true) flow.sendSso(email.value.trim())
          }}
        >
          Use single sign-on
        </Button>
        <Text size="sm">
          <Anchor href="/recovery">Forgot the password</Anchor> ·{' '}
          <Anchor href="/sign-in">Partners sign in here</Anchor>
        </Text>
      </Stack>
    </form>
  )
}

function Second({ flow }: { flow: SignInFlow }): ReactNode {
  const methods = flow.needed?.methods ?? []
  const code = useRef<HTMLInputElement>(null)
  const start = useRef<HTMLParagraphElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each kind of code begins in its field
  useEffect(() => (code.current ?? start.current)?.focus(), [flow.method])
  const field = flow.method === undefined ? undefined : codeFields[flow.method]
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        flow.sendCode(String(new FormData(event.currentTarget).get('code')).trim())
      }}
    >
      <Stack>
        <Text ref={start} tabIndex={-1} className="step-text">
          One step more: show that it is you.
        </Text>
        {flow.fault !== undefined && <Refused fault={flow.fault} />}
        {methods.includes('passkey') && flow.passkeys && <PasskeyButton flow={flow} />}
        {field !== undefined && (
          <>
            <TextInput
              ref={code}
              key={flow.method}
              label={field.label}
              description={field.hint}
              name="code"
              autoComplete={field.autocomplete}
              inputMode={field.inputMode ?? 'text'}
              maxLength={field.maxLength}
              size="md"
              required
            />
            <Button type="submit" size="md" loading={flow.sending}>
              Sign in
            </Button>
          </>
        )}
        <Group>
          {otherCodes(flow.needed, flow.method).map((other) => (
            <Anchor key={other} component="button" type="button" onClick={() => flow.choose(other)}>
              {codeLinkText[other]}
            </Anchor>
          ))}
          <Anchor component="button" type="button" onClick={flow.startOver}>
            Start over
          </Anchor>
        </Group>
      </Stack>
    </form>
  )
}

function PasskeyButton({ flow }: { flow: SignInFlow }): ReactNode {
  return (
    <Button
      // After the password it is the way on, unless a code is asked for.
      variant={flow.needed !== undefined && flow.method === undefined ? 'filled' : 'default'}
      size="md"
      disabled={flow.sending || flow.asking}
      onClick={flow.askPasskey}
    >
      Sign in with a passkey
    </Button>
  )
}
