import { Button, Group, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Purpose } from '#catalog/schema'
import { useManaged } from '../../ui/app/use-managed.ts'
import type { List } from '../../ui/management.ts'
import {
  type GrantRow,
  grantTypes,
  type SignInForm,
  withRow,
} from '../view-models/sign-in-settings.ts'

/** For each purpose the way in which a subscriber is asked: one row, one grant. */
export function GrantRows(options: {
  form: SignInForm
  set: (part: Partial<SignInForm>) => void
  faults: Readonly<Record<string, string>>
}): ReactNode {
  const { form, set, faults } = options
  const purposes = useManaged<List<Purpose>>('/purposes?perPage=100')
  const known = (purposes.data?.items ?? []).map(({ id, title }) => ({ value: id, label: title }))
  const change = (index: number, part: Partial<GrantRow>): void =>
    set({ grants: form.grants.map((row, i) => (i === index ? { ...row, ...part } : row)) })
  return (
    <Stack gap="sm">
      <div>
        <Text fw={600}>Purposes</Text>
        <Text size="sm" c="dimmed">
          Each purpose has one way of asking. The page of an API tells for which purposes it may be
          used, and whether the subscriber is asked.
        </Text>
      </div>
      {faults.grants !== undefined && <Text c="red">{faults.grants}</Text>}
      {form.grants.map((row, index) => (
        <fieldset key={row.row} className="card" aria-label={`Purpose ${index + 1}`}>
          <Stack gap="xs">
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <Select
                label="What for"
                placeholder="No purpose named"
                data={known}
                value={row.purpose === '' ? null : row.purpose}
                searchable
                clearable
                error={faults[`grants.${index}.purpose`]}
                onChange={(value) => change(index, { purpose: value ?? '' })}
              />
              <Select
                label="How"
                data={grantTypes}
                value={row.grantType}
                allowDeselect={false}
                error={faults[`grants.${index}.grantType`]}
                onChange={(value) => {
                  const chosen = grantTypes.find((one) => one.value === value)
                  if (chosen !== undefined) change(index, { grantType: chosen.value })
                }}
              />
            </SimpleGrid>
            <Group align="flex-start">
              <TextInput
                flex={1}
                label="Scopes"
                placeholder="Every other scope of its APIs"
                value={row.scopes}
                spellCheck={false}
                error={faults[`grants.${index}.scopes`]}
                onChange={(event) => change(index, { scopes: event.currentTarget.value })}
              />
              {form.grants.length > 1 && (
                <Button
                  variant="default"
                  mt={25}
                  aria-label={`Remove purpose ${index + 1}`}
                  onClick={() => set({ grants: form.grants.filter((_, i) => i !== index) })}
                >
                  Remove
                </Button>
              )}
            </Group>
          </Stack>
        </fieldset>
      ))}
      <Group>
        <Button size="xs" variant="default" onClick={() => set({ grants: withRow(form.grants) })}>
          Add a purpose
        </Button>
      </Group>
    </Stack>
  )
}
