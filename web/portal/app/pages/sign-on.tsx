import { Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { PartnerSso } from '#identity/schema'
import { Confirm } from '../../../ui/app/confirm.tsx'
import { May } from '../../../ui/app/may.tsx'
import { Notice, PageTitle, Reading } from '../../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../../ui/app/use-managed.ts'
import { timeText } from '../../../ui/format.ts'
import { EmailDomains } from '../email-domains.tsx'
import { ProviderForm } from '../provider-form.tsx'
import { useSession } from '../use-session.ts'

/** Single sign-on of an organisation: which domains are its own, and who answers for them. */
export function SignOnPage(): ReactNode {
  const { partnerId } = useSession()
  const path = `/partners/${partnerId}/sso`
  const sso = useManaged<PartnerSso>(path)
  return (
    <>
      <PageTitle
        title="Single sign-on"
        lead="The people of your organisation sign in with its own identity provider (OpenID Connect). Whoever leaves there is out here within eight hours."
        actions={
          sso.data?.provider === undefined ? null : (
            <May to="sso.change" silent>
              <Remove path={path} />
            </May>
          )
        }
      />
      <Reading of={sso}>
        {(found) => (
          <Stack gap="lg">
            <Fault sso={found} />
            <EmailDomains path={path} domains={found.domains} />
            <ProviderForm
              key={found.provider?.changedAt ?? ''}
              path={path}
              redirectUri={found.redirectUri}
              provider={found.provider}
              canEnforce={found.domains.some(({ confirmed }) => confirmed)}
            />
          </Stack>
        )}
      </Reading>
    </>
  )
}

function Fault({ sso }: { sso: PartnerSso }): ReactNode {
  const fault = sso.provider?.fault
  if (fault === undefined) return null
  return (
    <Notice tone="warn">
      <Text>
        The last sign-in that failed, on {timeText(fault.at)}: {fault.reason}
      </Text>
    </Notice>
  )
}

function Remove({ path }: { path: string }): ReactNode {
  const change = useChange({})
  return (
    <Confirm
      label="End single sign-on"
      title="End single sign-on?"
      consequence="Everybody who came by it is signed out at once. Members without a password choose one by mail (Forgot the password)."
      action="End it"
      sending={change.sending}
      fault={change.fault}
      size="sm"
      confirm={() => change.send({ method: 'DELETE', path })}
    />
  )
}
