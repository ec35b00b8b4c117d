import { Button, Group, Modal, Stack, Text, TextInput, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Factors, TotpConfirmed, TotpEnrolment } from '#identity/schema'
import { dateText } from '../../format.ts'
import { Confirm } from '../confirm.tsx'
import { Refused, Value } from '../parts.tsx'
import { useChange } from '../use-managed.ts'

/** A code of six digits after the password, from an app on the phone. */
export function AuthenticatorApp(options: {
  totp: Factors['totp']
  codesMade: (codes: readonly string[]) => void
}): ReactNode {
  const { totp, codesMade } = options
  const [card, setCard] = useState<TotpEnrolment>()
  const begin = useChange<TotpEnrolment>({ done: setCard })
  const remove = useChange({})
  return (
    <section className="card" aria-labelledby="app">
      <Group justify="space-between" align="flex-start" mb="sm">
        <Title order={2} id="app">
          Authenticator app
        </Title>
        <Group gap="xs">
          {totp !== undefined && (
            <Confirm
              label="Remove"
              title="Remove the authenticator app?"
              consequence="Its codes are not asked for any more. Without a passkey a password alone signs you in then."
              action="Remove the app"
              sending={remove.sending}
              fault={remove.fault}
              size="sm"
              confirm={() => remove.send({ method: 'DELETE', path: '/factors/totp' })}
            />
          )}
          <Button
            variant={totp === undefined ? 'filled' : 'default'}
            loading={begin.sending}
            onClick={() => begin.send({ method: 'POST', path: '/factors/totp' })}
          >
            {totp === undefined ? 'Set up an app' : 'Use another app'}
          </Button>
        </Group>
      </Group>
      <Text c="dimmed" maw={720}>
        {totp === undefined
          ? 'An app on your phone shows a code that is asked for after your password. It works where passkeys do not.'
          : `Set up on ${dateText(totp.createdAt)}. Its code is asked for after your password.`}
      </Text>
      {begin.fault !== undefined && <Refused fault={begin.fault} />}
      <Modal
        opened={card !== undefined}
        onClose={() => setCard(undefined)}
        title={<Text fw={650}>Set up an authenticator app</Text>}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {card !== undefined && (
          <ConfirmApp
            card={card}
            done={(codes) => {
              setCard(undefined)
              if (codes !== undefined) codesMade(codes)
            }}
          />
        )}
      </Modal>
    </section>
  )
}

function ConfirmApp(options: {
  card: TotpEnrolment
  done: (codes: readonly string[] | undefined) => void
}): ReactNode {
  const { card, done } = options
  const change = useChange<TotpConfirmed>({ done: ({ recoveryCodes }) => done(recoveryCodes) })
  const wrong = change.fault?.violations.find(({ path }) => path === '/code')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const code = String(new FormData(event.currentTarget).get('code'))
        change.send({ method: 'POST', path: '/factors/totp/confirm', body: { code } })
      }}
    >
      <Stack>
        <Text>1. Scan this with the app, or type the key into it.</Text>
        <svg
          className="qr"
          role="img"
          aria-label="QR code with the key below"
          viewBox={`0 0 ${card.qr.size} ${card.qr.size}`}
          shapeRendering="crispEdges"
        >
          <rect width={card.qr.size} height={card.qr.size} className="qr-light" />
          <path d={card.qr.path} className="qr-dark" />
        </svg>
        <Value label="Key" value={card.secret} />
        <TextInput
          label="2. Type the code that the app shows"
          name="code"
          autoComplete="one-time-code"
          inputMode="numeric"
          maxLength={12}
          required
          data-autofocus
          {...(wrong === undefined ? {} : { error: `It ${wrong.message}.` })}
        />
        {change.fault !== undefined && wrong === undefined && <Refused fault={change.fault} />}
        <Group justify="flex-end">
          <Button type="submit" loading={change.sending}>
            Confirm the app
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
