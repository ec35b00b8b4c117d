import { Anchor, Button, Group, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'
import type { Consent, ConsentSearch } from '#consent/schema'
import { DataTable, Pager } from '../../ui/app/data-table.tsx'
import { Empty, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { timeText } from '../../ui/format.ts'
import { type List, manage } from '../../ui/management.ts'
import { consentSearch, stateNames } from '../view-models/consent-search.ts'

/** What subscribers said. A number that is entered is in no address and no cache of the browser's. */
export function ConsentsPage(): ReactNode {
  const [search, setSearch] = useState<ConsentSearch>({ environment: 'production' })
  const [page, setPage] = useState(1)
  const found = useQuery({
    queryKey: ['consents', search, page],
    queryFn: ({ signal }) =>
      manage<List<Consent>>('POST', `/consents/search?page=${page}&perPage=50`, search, signal),
    gcTime: 0,
  })
  return (
    <>
      <PageTitle
        title="Consents"
        lead="What subscribers allowed, refused or objected to, by the latest change. A number is hashed and forgotten; that you searched for one is kept."
        actions={
          <Button variant="default" component={Link} to="/console/consents/words">
            Words
          </Button>
        }
      />
      <SearchForm
        onSearch={(next) => {
          setSearch(next)
          setPage(1)
        }}
      />
      <Reading of={found}>
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Empty title="No consents">Nobody has said anything like this.</Empty>
          ) : (
            <>
              <ConsentTable consents={items} />
              <Pager pagination={pagination} onChange={setPage} />
            </>
          )
        }
      </Reading>
    </>
  )
}

function SearchForm({ onSearch }: { onSearch: (search: ConsentSearch) => void }): ReactNode {
  const [environment, setEnvironment] = useState<'production' | 'sandbox'>('production')
  const [phoneNumber, setPhoneNumber] = useState('')
  const [id, setId] = useState('')
  const [state, setState] = useState<string | null>(null)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSearch(consentSearch({ environment, phoneNumber, id, state }))
      }}
    >
      <Group align="flex-end" mb="lg" gap="sm">
        <Select
          label="Environment"
          data={[
            { value: 'production', label: 'Production' },
            { value: 'sandbox', label: 'Sandbox' },
          ]}
          value={environment}
          allowDeselect={false}
          onChange={(value) => setEnvironment(value === 'sandbox' ? 'sandbox' : 'production')}
          w={150}
        />
        <TextInput
          label="Number"
          placeholder="+99010000001"
          type="tel"
          autoComplete="off"
          value={phoneNumber}
          maxLength={32}
          w={180}
          onChange={(event) => setPhoneNumber(event.currentTarget.value)}
        />
        <TextInput
          label="Partner or application"
          placeholder="prt_… or app_…"
          value={id}
          maxLength={64}
          w={240}
          onChange={(event) => setId(event.currentTarget.value)}
        />
        <Select
          label="State"
          placeholder="Any"
          clearable
          data={[...stateNames]}
          value={state}
          onChange={setState}
          w={160}
        />
        <Button type="submit">Search</Button>
      </Group>
    </form>
  )
}

function ConsentTable({ consents }: { consents: readonly Consent[] }): ReactNode {
  return (
    <DataTable
      label="Consents"
      rows={consents}
      rowKey={(consent) => consent.id}
      columns={[
        {
          title: 'Changed',
          cell: (consent) => (
            <Anchor component={Link} to={`/console/consents/${consent.id}`}>
              {timeText(consent.changedAt)}
            </Anchor>
          ),
          nowrap: true,
        },
        { title: 'State', cell: (consent) => <strong>{consent.state}</strong> },
        { title: 'Application', cell: (consent) => consent.application.name },
        { title: 'Partner', cell: (consent) => consent.partner.name },
        { title: 'Purpose', cell: (consent) => <span className="mono">{consent.purpose}</span> },
        {
          title: 'Scopes',
          cell: (consent) => <span className="mono">{consent.scopes.join(' ')}</span>,
        },
        {
          title: 'Until',
          cell: (consent) => (consent.expiresAt === undefined ? '' : timeText(consent.expiresAt)),
          nowrap: true,
        },
      ]}
    />
  )
}
