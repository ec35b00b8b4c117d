import { Button, Group, SegmentedControl, Select, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { ApiSummary } from '#catalog/schema'
import type { Partner } from '#partners/schema'
import { useManaged } from '../../ui/app/use-managed.ts'
import type { List } from '../../ui/management.ts'
import { type FilterName, refusingRules, statusClasses } from '../view-models/live-calls.ts'

const texts = [
  ['correlator', 'x-correlator contains'],
  ['applicationId', 'Application id'],
  ['operationId', 'Operation'],
] as const

/** Every filter is in the address, so that a view can be kept and shared. */
export function CallFilters({ partners }: { partners: readonly Partner[] }): ReactNode {
  const [search, setSearch] = useSearchParams()
  const apis = useManaged<List<ApiSummary>>('/apis?perPage=100')
  const change = (values: Partial<Record<FilterName, string | null>>): void => {
    const next = new URLSearchParams(search)
    for (const [name, value] of Object.entries(values)) {
      if (value === null || value === '' || value === 'all') next.delete(name)
      else next.set(name, value)
    }
    setSearch(next, { replace: true })
  }
  const choice = (
    name: FilterName,
    label: string,
    data: readonly (string | { value: string; label: string })[],
    width: number,
  ): ReactNode => (
    <Select
      label={label}
      placeholder="All"
      clearable
      clearButtonProps={{ 'aria-label': `All: ${label}` }}
      searchable
      data={data}
      value={search.get(name)}
      onChange={(value) => change({ [name]: value })}
      w={width}
    />
  )
  return (
    <div className="filters">
      <Group align="flex-end" mb="sm" gap="sm">
        <SegmentedControl
          aria-label="Environment"
          value={search.get('environment') ?? 'all'}
          onChange={(value) => change({ environment: value })}
          data={[
            { value: 'all', label: 'Both' },
            { value: 'sandbox', label: 'Sandbox' },
            { value: 'production', label: 'Production' },
          ]}
        />
        {choice('statusClass', 'Status', [...statusClasses], 110)}
        {choice(
          'refusedBy',
          'Refused by',
          [{ value: 'any', label: 'any rule' }, ...refusingRules],
          180,
        )}
        {choice('undocumented', 'Answer', [{ value: 'true', label: 'not as documented' }], 170)}
        {choice(
          'partnerId',
          'Partner',
          partners.map((p) => ({ value: p.id, label: p.name })),
          190,
        )}
        {choice(
          'apiId',
          'API',
          (apis.data?.items ?? []).map((api) => api.id),
          200,
        )}
      </Group>
      <TextFilters
        key={texts.map(([name]) => search.get(name) ?? '').join(' ')}
        search={search}
        change={change}
      />
    </div>
  )
}

function TextFilters(options: {
  search: URLSearchParams
  change: (values: Partial<Record<FilterName, string | null>>) => void
}): ReactNode {
  const [values, setValues] = useState<Partial<Record<FilterName, string>>>(() =>
    Object.fromEntries(texts.map(([name]) => [name, options.search.get(name) ?? ''])),
  )
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        options.change(
          Object.fromEntries(Object.entries(values).map(([name, text]) => [name, text.trim()])),
        )
      }}
    >
      <Group align="flex-end" mb="lg" gap="sm">
        {texts.map(([name, label]) => (
          <TextInput
            key={name}
            label={label}
            value={values[name] ?? ''}
            maxLength={256}
            w={210}
            onChange={(event) => setValues({ ...values, [name]: event.currentTarget.value })}
          />
        ))}
        <Button type="submit" variant="default">
          Apply
        </Button>
      </Group>
    </form>
  )
}
