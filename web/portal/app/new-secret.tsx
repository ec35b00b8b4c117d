import type { ReactNode } from 'react'
import type { Application, Credential } from '#partners/schema'
import { keepSecret } from '../../ui/secrets.ts'
import { MakeCredential } from './make-credential.tsx'

export type MadeCredential = Credential & { clientId: string; clientSecret?: string }

/** Makes a further secret beside those that live, and keeps it in this tab. */
export function NewSecret(options: {
  application: Application
  made: (secret: string) => void
  label?: string
}): ReactNode {
  return (
    <MakeCredential<MadeCredential>
      application={options.application}
      type="client_secret"
      label={options.label ?? 'Make a new secret'}
      made={({ clientId, clientSecret }) => {
        if (clientSecret === undefined) return
        keepSecret(sessionStorage, clientId, clientSecret)
        options.made(clientSecret)
      }}
    />
  )
}
