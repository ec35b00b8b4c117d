import {
  Button,
  Group,
  PasswordInput,
  Radio,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { PartnerSso } from '#identity/schema'
import { Fields, May } from '../../ui/app/may.tsx'
import { Refused, Value } from '../../ui/app/parts.tsx'
import { useChange } from '../../ui/app/use-managed.ts'
import {
  faultsByField,
  type ProviderFields,
  providerBody,
  providerFields,
} from '../view-models/provider-form.ts'

const roles = [
  { value: '', label: 'Nobody: invite people, or name groups below' },
  { value: 'viewer', label: 'Viewer' },
  { value: 'developer', label: 'Developer' },
  { value: 'finance', label: 'Finance' },
]

export function ProviderForm(options: {
  path: string
  redirectUri: string
  provider: PartnerSso['provider']
  canEnforce: boolean
}): ReactNode {
  const { path, redirectUri, provider, canEnforce } = options
  const [fields, setFields] = useState<ProviderFields>(() => providerFields(provider))
  const change = useChange<PartnerSso>({})
  const errors = faultsByField(change.fault?.violations ?? [])
  const text = (name: keyof ProviderFields) => ({
    value: fields[name],
    onChange: (event: { currentTarget: { value: string } }) =>
      setFields({ ...fields, [name]: event.currentTarget.value }),
    ...(errors[name] === undefined ? {} : { error: errors[name] }),
  })
  return (
    <section className="card" aria-labelledby="provider">
      <Title order={2} id="provider" mb="sm">
        Identity provider
      </Title>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change.send({ method: 'PUT', path, body: providerBody(fields) })
        }}
      >
        <Fields to="sso.change">
          <Stack maw={640}>
            <Value label="Redirect address, for your provider" value={redirectUri} />
            <TextInput
              label="Issuer"
              description="As the provider writes it in its tokens; its discovery document is below it."
              placeholder="https://login.company.example"
              maxLength={500}
              required
              {...text('issuer')}
            />
            <TextInput label="Client id" maxLength={255} required {...text('clientId')} />
            <PasswordInput
              label="Client secret"
              description={
                provider === undefined
                  ? 'Kept encrypted, and never shown again.'
                  : 'Leave it empty to keep the one that is there.'
              }
              autoComplete="off"
              maxLength={1000}
              required={provider === undefined}
              visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the secret' }}
              {...text('clientSecret')}
            />
            <Radio.Group
              label="Sign-in of your people"
              value={fields.mode}
              onChange={(mode) => setFields({ ...fields, mode })}
            >
              <Stack gap="xs" mt="xs">
                <Radio value="optional" label="Single sign-on, or as before" />
                <Radio
                  value="enforced"
                  disabled={!canEnforce && fields.mode !== 'enforced'}
                  label="Single sign-on only"
                  description="But for owners with a second factor, who get in when the provider is out of order."
                />
              </Stack>
            </Radio.Group>
            <Select
              label="Role of newcomers"
              data={roles}
              allowDeselect={false}
              value={fields.defaultRole}
              onChange={(role) => setFields({ ...fields, defaultRole: role ?? '' })}
            />
            <TextInput
              label="Claim with groups"
              description="When it is named, it decides the role at each sign-in."
              placeholder="groups"
              maxLength={255}
              {...text('roleClaim')}
            />
            <Textarea
              label="Roles by group"
              description="One on each line, the first that fits wins: api-builders = developer"
              autosize
              minRows={2}
              {...text('roles')}
            />
            <TextInput
              label="Ways to sign in (acr)"
              description="Only these are accepted; separate them by spaces."
              {...text('acrValues')}
            />
            <Radio.Group
              label="Second factor"
              value={fields.secondFactor}
              onChange={(secondFactor) => setFields({ ...fields, secondFactor })}
            >
              <Stack gap="xs" mt="xs">
                <Radio value="provider" label="The provider asks for it" />
                <Radio value="local" label="Wayleave asks whoever has one here" />
              </Stack>
            </Radio.Group>
          </Stack>
        </Fields>
        {change.fault !== undefined && Object.keys(errors).length === 0 && (
          <Refused fault={change.fault} />
        )}
        <May to="sso.change">
          <Group mt="md">
            <Button type="submit" loading={change.sending}>
              {provider === undefined ? 'Set up single sign-on' : 'Save single sign-on'}
            </Button>
            {provider !== undefined && (
              <Text size="sm" c="dimmed">
                The provider is asked before anything is saved.
              </Text>
            )}
          </Group>
        </May>
      </form>
    </section>
  )
}
