import { Button, Group, Select, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { EvidenceSearch } from '#audit/schema'
import {
  basisNames,
  type EnteredSearch,
  evidenceSearch,
  nothingEntered,
  sortNames,
} from '../view-models/evidence-search.ts'

export function EvidenceForm(options: { onSearch: (search: EvidenceSearch) => void }): ReactNode {
  const [entered, setEntered] = useState(nothingEntered)
  const set = (part: Partial<EnteredSearch>): void => setEntered({ ...entered, ...part })
  const text = (
    name: 'phoneNumber' | 'id' | 'apiId' | 'purpose' | 'from' | 'to',
    label: string,
    more: { placeholder?: string; type?: string; w: number },
  ): ReactNode => (
    <TextInput
      {...more}
      label={label}
      autoComplete="off"
      maxLength={160}
      value={entered[name]}
      onChange={(event) => set({ [name]: event.currentTarget.value })}
    />
  )
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        options.onSearch(evidenceSearch(entered))
      }}
    >
      <Group align="flex-end" mb="lg" gap="sm">
        {text('phoneNumber', 'Number', { placeholder: '+99010000001', type: 'tel', w: 180 })}
        <Select
          label="Environment"
          data={[
            { value: 'any', label: 'Any' },
            { value: 'production', label: 'Production' },
            { value: 'sandbox', label: 'Sandbox' },
          ]}
          value={entered.environment}
          allowDeselect={false}
          onChange={(value) => set({ environment: value ?? 'any' })}
          w={140}
        />
        {text('id', 'Partner or application', { placeholder: 'prt_… or app_…', w: 220 })}
        {text('apiId', 'API', { placeholder: 'device-location/v2', w: 190 })}
        {text('purpose', 'Purpose', { placeholder: 'dpv:…', w: 190 })}
        <Select
          label="Legal basis"
          placeholder="Any"
          clearable
          data={[...basisNames]}
          value={entered.basis}
          onChange={(basis) => set({ basis })}
          w={170}
        />
        <Select
          label="Kind"
          placeholder="All"
          clearable
          data={[...sortNames]}
          value={entered.of}
          onChange={(of) => set({ of })}
          w={190}
        />
        {text('from', 'From', { type: 'datetime-local', w: 210 })}
        {text('to', 'To', { type: 'datetime-local', w: 210 })}
        <Button type="submit">Search</Button>
      </Group>
    </form>
  )
}
