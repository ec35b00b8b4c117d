import { Button, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Application, Credential } from '#partners/schema'
import { useChange } from '../../ui/app/use-managed.ts'

/** Makes an API key, which is shown once and kept nowhere. */
export function NewApiKey(options: {
  application: Application
  made: (apiKey: string) => void
}): ReactNode {
  const { application } = options
  const change = useChange<Credential & { apiKey?: string }>({
    done: ({ apiKey }) => {
      if (apiKey !== undefined) options.made(apiKey)
    },
  })
  return (
    <>
      <Button
        size="xs"
        variant="default"
        loading={change.sending}
        onClick={() =>
          change.send({
            method: 'POST',
            path: `/applications/${application.id}/credentials`,
            body: { type: 'api_key' },
          })
        }
      >
        Make an API key
      </Button>
      {change.fault !== undefined && (
        <Text size="sm" c="var(--bad)" role="alert">
          {change.fault.message}
        </Text>
      )}
    </>
  )
}
