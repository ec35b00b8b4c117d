import { Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { OperatorSso } from '#identity/schema'
import { CodeBox, PageTitle, Reading, Value } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { roleText } from '../../ui/roles.ts'

/** Single sign-on of the staff: shown, and changed by the settings of the installation only. */
export function SignOnPage(): ReactNode {
  const sso = useManaged<OperatorSso>('/operators/sso')
  return (
    <>
      <PageTitle
        title="Single sign-on"
        lead="How the staff signs in with the operator's own identity provider. It is set by the settings WAYLEAVE_SSO_… of the installation."
      />
      <Reading of={sso}>
        {({ redirectUri, provider }) => (
          <Stack gap="lg">
            <section className="card" aria-labelledby="provider">
              <Title order={2} id="provider" mb="sm">
                Identity provider
              </Title>
              <Value label="Redirect address, for the provider" value={redirectUri} />
              {provider === undefined ? <NotSet /> : <Facts provider={provider} />}
            </section>
          </Stack>
        )}
      </Reading>
    </>
  )
}

/** The guides come with the installation; the portal does not serve them. */
function NotSet(): ReactNode {
  return (
    <Stack mt="md">
      <Text>
        None is set: staff signs in with passkeys and passwords. These settings begin it, at the
        start of the installation; <code>docs/guides/sign-in.md</code> in its folder tells the
        others.
      </Text>
      <CodeBox code={settings} label="Settings" />
    </Stack>
  )
}

const settings = `WAYLEAVE_SSO_ISSUER=https://login.operator.example
WAYLEAVE_SSO_CLIENT_ID=wayleave
WAYLEAVE_SSO_CLIENT_SECRET=…
WAYLEAVE_SSO_DOMAINS=operator.example`

function Facts({ provider }: { provider: NonNullable<OperatorSso['provider']> }): ReactNode {
  const groups = provider.roles.map(({ value, role }) => `${value}: ${roleText(role)}`)
  const rows = [
    ['Issuer', provider.issuer],
    ['Client id', provider.clientId],
    ['Domains', provider.domains.join(', ')],
    [
      'Without it',
      provider.mode === 'optional'
        ? 'everybody signs in as before, too'
        : 'only administrators with a second factor sign in',
    ],
    [
      'Second factor',
      provider.secondFactor === 'provider' ? 'the provider asks for it' : 'it is asked for here',
    ],
    [
      'Role of newcomers',
      provider.defaultRole === undefined ? 'none' : roleText(provider.defaultRole),
    ],
    ...(provider.roleClaim === undefined ? [] : [[`By ${provider.roleClaim}`, groups.join('; ')]]),
    ...(provider.acrValues.length === 0 ? [] : [['Accepted acr', provider.acrValues.join(', ')]]),
  ]
  return (
    <dl className="role-list">
      {rows.map(([label, text]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  )
}
