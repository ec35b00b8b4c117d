import { Button, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Application } from '#partners/schema'
import { useChange } from '../../ui/app/use-managed.ts'

/** A button that makes a credential which is shown once, and says when that is refused. */
export function MakeCredential<Made>(options: {
  application: Application
  type: 'client_secret' | 'api_key'
  label: string
  variant?: 'filled' | 'default'
  made: (credential: Made) => void
}): ReactNode {
  const { application, type } = options
  const change = useChange<Made>({ done: options.made })
  return (
    <>
      <Button
        size="xs"
        variant={options.variant ?? 'filled'}
        loading={change.sending}
        onClick={() =>
          change.send({
            method: 'POST',
            path: `/applications/${application.id}/credentials`,
            body: { type },
          })
        }
      >
        {options.label}
      </Button>
      {change.fault !== undefined && (
        <Text size="sm" c="var(--bad)" role="alert">
          {change.fault.message}
        </Text>
      )}
    </>
  )
}
