import {
  Button,
  Checkbox,
  Group,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Application, AuthorizationSettings } from '#partners/schema'
import { Fields, May } from '../../ui/app/may.tsx'
import { readPageContext } from '../../ui/app/page-context.ts'
import { Notice, Reading, Refused } from '../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../ui/app/use-managed.ts'
import { timeText } from '../../ui/format.ts'
import {
  bodyOf,
  certificateHelp,
  constraintsFor,
  faultsByField,
  formOf,
  methodsFor,
  type SignInForm,
  senderConstraints,
  withFapi,
} from '../view-models/sign-in-settings.ts'
import { GrantRows } from './grant-rows.tsx'

/** How an application signs in, and on whose behalf: what the authorization server holds its requests against. */
export function SignInSettings({ application }: { application: Application }): ReactNode {
  const settings = useManaged<AuthorizationSettings>(
    `/applications/${application.id}/authorization`,
  )
  // Of the editor that saved: what was saved is shown by a new one.
  const [saved, setSaved] = useState<number>()
  return (
    <section className="card" aria-labelledby="sign-in-settings">
      <Stack>
        <Title order={2} id="sign-in-settings">
          Sign-in and consent
        </Title>
        <Text c="dimmed">
          For what, and in which way, this application asks for access to a subscriber’s data. An
          application that only calls APIs as itself needs no change here.
        </Text>
        <Reading of={settings}>
          {(found) => (
            <Editor
              key={found.revision}
              application={application}
              settings={found}
              isSaved={found.revision === saved}
              saved={setSaved}
            />
          )}
        </Reading>
      </Stack>
    </section>
  )
}

function Editor(options: {
  application: Application
  settings: AuthorizationSettings
  isSaved: boolean
  saved: (revision: number) => void
}): ReactNode {
  const { application, settings } = options
  const permission =
    application.environment === 'production'
      ? 'production-sign-in-settings.change'
      : 'sign-in-settings.change'
  const [form, setForm] = useState(() => formOf(settings))
  const [touched, setTouched] = useState(false)
  const change = useChange<AuthorizationSettings>({
    done: ({ revision }) => options.saved(revision),
  })
  const faults = faultsByField(change.fault?.violations ?? [], form)
  const set = (part: Partial<SignInForm>): void => {
    setTouched(true)
    setForm((before) => ({ ...before, ...part }))
  }
  const unplaced = change.fault !== undefined && (faults[''] ?? Object.keys(faults).length === 0)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        change.send({
          method: 'PUT',
          path: `/applications/${application.id}/authorization`,
          body: bodyOf(form, settings.revision),
        })
      }}
    >
      <Stack>
        {settings.lock !== undefined && (
          <Notice tone="warn">
            <Text>
              The operator has locked these settings since {timeText(settings.lock.lockedAt)}:{' '}
              {settings.lock.reason}
            </Text>
          </Notice>
        )}
        <Fields to={permission}>
          <Stack>
            <GrantRows form={form} set={set} faults={faults} />
            <Textarea
              label="Redirect addresses"
              description={redirectHelp[application.environment]}
              placeholder="https://app.example/callback"
              value={form.redirectUris}
              rows={3}
              autosize={false}
              spellCheck={false}
              error={faults.redirectUris}
              onChange={(event) => set({ redirectUris: event.currentTarget.value })}
            />
            <TextInput
              label="Address of your public keys"
              description="A JWK Set that you publish, so that you can change keys without us. Keys may be registered above instead."
              placeholder="https://app.example/.well-known/jwks.json"
              value={form.jwksUri}
              spellCheck={false}
              error={faults.jwksUri}
              onChange={(event) => set({ jwksUri: event.currentTarget.value })}
            />
            <Protection
              form={form}
              set={set}
              setForm={setForm}
              faults={faults}
              offered={settings.offeredMethods}
              issuerTls={readPageContext().environments[application.environment].issuerTls}
            />
          </Stack>
        </Fields>
        {unplaced !== false && change.fault !== undefined && <Refused fault={change.fault} />}
        <May to={permission}>
          <Group justify="flex-end">
            {options.isSaved && !touched && (
              <Text role="status" c="dimmed">
                Saved. It holds from now on.
              </Text>
            )}
            <Button type="submit" loading={change.sending} disabled={settings.lock !== undefined}>
              Save sign-in settings
            </Button>
          </Group>
        </May>
      </Stack>
    </form>
  )
}

const redirectHelp = {
  sandbox:
    'Where subscribers come back to, one a line, exactly as your code sends it. https, or http://localhost while you build.',
  production:
    'Where subscribers come back to, one a line, exactly as your code sends it. https; an app on a device may use http://127.0.0.1.',
}

function Protection(options: {
  form: SignInForm
  set: (part: Partial<SignInForm>) => void
  setForm: (change: (before: SignInForm) => SignInForm) => void
  faults: Readonly<Record<string, string>>
  offered: readonly string[]
  issuerTls: string | undefined
}): ReactNode {
  const { form, set, setForm, faults, offered, issuerTls } = options
  return (
    <>
      <Checkbox
        label="FAPI 2.0"
        description="The security profile of banks: keys instead of secrets, bound tokens, requests pushed beforehand."
        checked={form.fapi}
        onChange={(event) => {
          const { checked } = event.currentTarget
          setForm((before) => withFapi(before, checked))
        }}
      />
      <Select
        label="Bind tokens"
        description="A bound token is of no use to a thief."
        data={[...constraintsFor(form, offered)]}
        value={form.senderConstraint}
        allowDeselect={false}
        error={faults.senderConstraint}
        onChange={(value) => {
          const chosen = senderConstraints.find((one) => one.value === value)
          if (chosen !== undefined) set({ senderConstraint: chosen.value })
        }}
      />
      <Checkbox.Group
        label="How the application proves who it is"
        description={certificateHelp(issuerTls)}
        value={form.authenticationMethods}
        error={faults.authenticationMethods}
        onChange={(value) => set({ authenticationMethods: value })}
      >
        <Stack gap="xs" mt="xs">
          {methodsFor(form, offered).map(({ value, label }) => (
            <Checkbox key={value} value={value} label={label} />
          ))}
        </Stack>
      </Checkbox.Group>
      <Checkbox
        label="Refresh tokens"
        description="Access goes on while the subscriber is away, until the consent ends."
        checked={form.refreshTokens}
        error={faults.refreshTokens}
        onChange={(event) => set({ refreshTokens: event.currentTarget.checked })}
      />
      <Checkbox
        label="Only requests that were pushed beforehand (PAR)"
        checked={form.requirePar}
        disabled={form.fapi}
        error={faults.requirePar}
        onChange={(event) => set({ requirePar: event.currentTarget.checked })}
      />
      <Checkbox
        label="Only signed requests (JAR)"
        checked={form.requireSignedRequest}
        error={faults.requireSignedRequest}
        onChange={(event) => set({ requireSignedRequest: event.currentTarget.checked })}
      />
    </>
  )
}
