import { Button, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Application, Credential } from '#partners/schema'
import { useChange } from '../../ui/app/use-managed.ts'
import { keepSecret } from '../../ui/secrets.ts'

export type MadeCredential = Credential & { clientId: string; clientSecret?: string }

/** Makes a further secret beside those that live, and keeps it in this tab. */
export function NewSecret(options: {
  application: Application
  made: (secret: string) => void
  label?: string
}): ReactNode {
  const { application } = options
  const change = useChange<MadeCredential>({
    done: ({ clientId, clientSecret }) => {
      if (clientSecret === undefined) return
      keepSecret(sessionStorage, clientId, clientSecret)
      options.made(clientSecret)
    },
  })
  return (
    <>
      <Button
        size="xs"
        loading={change.sending}
        onClick={() =>
          change.send({
            method: 'POST',
            path: `/applications/${application.id}/credentials`,
            body: { type: 'client_secret' },
          })
        }
      >
        {options.label ?? 'Make a new secret'}
      </Button>
      {change.fault !== undefined && (
        <Text size="sm" c="var(--bad)" role="alert">
          {change.fault.message}
        </Text>
      )}
    </>
  )
}
