import { Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { StepUpMethod, StepUpState } from '#identity/schema'
import { type Fault, manage } from '../management.ts'
import { passkeyFault, passkeysWork, proveWithPasskey } from '../passkeys.ts'
import { proveWithSso } from '../prove-with-sso.ts'
import { Reading, Refused } from './parts.tsx'

type Typed = Exclude<StepUpMethod, 'passkey' | 'sso'>

const fields: Record<Typed, { name: 'code' | 'password'; label: string; other: string }> = {
  totp: { name: 'code', label: 'Code of your authenticator app', other: 'Use the app' },
  'recovery-code': { name: 'code', label: 'Recovery code', other: 'Use a recovery code' },
  password: { name: 'password', label: 'Password', other: 'Use your password' },
}

type Ending = { proved: () => void; cancel: () => void }

export function StepUpForm(ending: Ending): ReactNode {
  const state = useQuery({
    queryKey: ['step-up'],
    queryFn: () => manage<StepUpState>('GET', '/session/step-up'),
    gcTime: 0,
  })
  return <Reading of={state}>{({ methods }) => <Ways methods={methods} {...ending} />}</Reading>
}

/** What is asked for first: a passkey where there is one, or what can be typed. */
export function Ways({ methods, proved, cancel }: Ending & { methods: StepUpMethod[] }): ReactNode {
  const hasPasskey = methods.includes('passkey') && passkeysWork()
  const typed = methods.filter((method): method is Typed => method in fields)
  const hasSso = methods.includes('sso')
  const [method, setMethod] = useState<Typed | undefined>(
    hasPasskey || hasSso ? undefined : typed[0],
  )
  const [sending, setSending] = useState(false)
  const [fault, setFault] = useState<Fault>()
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    setSending(true)
    setFault(undefined)
    try {
      await work()
      proved()
    } catch (error) {
      setFault(passkeyFault(error))
    } finally {
      setSending(false)
    }
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (method === undefined) return
        const { name } = fields[method]
        const value = String(new FormData(event.currentTarget).get(name))
        void attempt(() => manage('POST', '/session/step-up', { method, [name]: value }))
      }}
    >
      <Stack>
        <Text>
          This changes something that must not be changed by somebody who found your browser.
        </Text>
        {fault !== undefined && <Refused fault={sentenceOf(fault)} />}
        {hasPasskey && (
          <Button
            data-autofocus={method === undefined ? true : undefined}
            variant={method === undefined ? 'filled' : 'default'}
            loading={sending && method === undefined}
            onClick={() => {
              setMethod(undefined)
              void attempt(proveWithPasskey)
            }}
          >
            Use a passkey
          </Button>
        )}
        {hasSso && (
          <Button
            variant={hasPasskey || method !== undefined ? 'default' : 'filled'}
            loading={sending && method === undefined}
            onClick={() => {
              setMethod(undefined)
              // Opened before anything is awaited, or browsers take it for an advertisement.
              const there = window.open('', '_blank')
              void attempt(() => proveWithSso(there))
            }}
          >
            Confirm with single sign-on
          </Button>
        )}
        {method !== undefined && <TypedProof key={method} method={method} sending={sending} />}
        <Group justify="space-between">
          <Group gap="xs">
            {typed
              .filter((other) => other !== method)
              .map((other) => (
                <Button key={other} variant="subtle" size="xs" onClick={() => setMethod(other)}>
                  {fields[other].other}
                </Button>
              ))}
          </Group>
          <Button variant="default" onClick={cancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function TypedProof({ method, sending }: { method: Typed; sending: boolean }): ReactNode {
  const { name, label } = fields[method]
  return (
    <>
      {name === 'password' ? (
        <PasswordInput
          label={label}
          name="password"
          autoComplete="current-password"
          data-autofocus
          autoFocus
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the password' }}
        />
      ) : (
        <TextInput
          label={label}
          name="code"
          autoComplete={method === 'totp' ? 'one-time-code' : 'off'}
          inputMode={method === 'totp' ? 'numeric' : 'text'}
          maxLength={40}
          data-autofocus
          autoFocus
          required
        />
      )}
      <Button type="submit" loading={sending}>
        Confirm
      </Button>
    </>
  )
}

const subjects: Record<string, string> = { '/password': 'The password', '/code': 'The code' }

/** `/code: is not right` is for programs. */
function sentenceOf(fault: Fault): Fault {
  const [first] = fault.violations
  if (first === undefined) return fault
  const subject = subjects[first.path] ?? 'It'
  return { ...fault, message: `${subject} ${first.message}.` }
}
