import type { ReactNode } from 'react'
import type { Application, Credential } from '#partners/schema'
import { MakeCredential } from './make-credential.tsx'

/** Makes an API key, which is shown once and kept nowhere. */
export function NewApiKey(options: {
  application: Application
  made: (apiKey: string) => void
}): ReactNode {
  return (
    <MakeCredential<Credential & { apiKey?: string }>
      application={options.application}
      type="api_key"
      label="Make an API key"
      variant="default"
      made={({ apiKey }) => {
        if (apiKey !== undefined) options.made(apiKey)
      }}
    />
  )
}
