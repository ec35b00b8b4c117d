import { Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Factors } from '#identity/schema'
import { Notice, PageTitle, Reading } from '../parts.tsx'
import { useManaged } from '../use-managed.ts'
import { AuthenticatorApp } from './authenticator-app.tsx'
import { Passkeys } from './passkeys.tsx'
import { RecoveryCodes } from './recovery-codes.tsx'
import { Sessions } from './sessions.tsx'

/** How somebody signs in, and where it is signed in; the same page for members and for staff. */
export function SecurityPage(): ReactNode {
  const factors = useManaged<Factors>('/factors')
  const [codes, setCodes] = useState<readonly string[]>()
  return (
    <>
      <PageTitle
        title="Security"
        lead="How you sign in, and where you are signed in. Changes here ask you to confirm that it is you."
      />
      <Reading of={factors}>
        {(found) => (
          <Stack gap="lg">
            <Duty factors={found} />
            <Passkeys passkeys={found.passkeys} codesMade={setCodes} />
            <AuthenticatorApp totp={found.totp} codesMade={setCodes} />
            <RecoveryCodes factors={found} shown={codes} made={setCodes} />
            <Sessions />
          </Stack>
        )}
      </Reading>
    </>
  )
}

function Duty({ factors }: { factors: Factors }): ReactNode {
  if (factors.passkeys.length > 0 || factors.totp !== undefined) return null
  return (
    <Notice tone="warn">
      <Text>
        {factors.required
          ? 'The operator asks its staff for a second factor. Add a passkey or an authenticator app to go on.'
          : 'A password is all that protects your account. With a passkey nobody can get in who only knows or guesses it.'}
      </Text>
    </Notice>
  )
}
