import { Button, Group, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Navigate, useNavigate, useSearchParams } from 'react-router'
import type { Exchange } from '#metering/schema'
import { ExchangeTable } from '../../ui/app/exchange-table.tsx'
import { Empty, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { soughtBy } from '../../ui/explain-exchange.ts'
import { type List, query } from '../../ui/management.ts'

/** From whatever id somebody has to the call that it is about. */
export function FindCallPage(): ReactNode {
  const [search] = useSearchParams()
  const id = search.get('id') ?? ''
  return (
    <>
      <PageTitle
        title="Find a call"
        lead="By its x-correlator, its x-exchange-id or the id of its trace, for 90 days."
      />
      <FindForm key={id} id={id} />
      {id !== '' && <Found id={id} />}
    </>
  )
}

function FindForm({ id }: { id: string }): ReactNode {
  const [text, setText] = useState(id)
  const navigate = useNavigate()
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void navigate(`/console/exchanges${query({ id: text.trim() })}`)
      }}
    >
      <Group align="flex-end" mb="lg" gap="sm">
        <TextInput
          label="Correlator, exchange or trace"
          value={text}
          maxLength={256}
          w={460}
          maw="100%"
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit">Find</Button>
      </Group>
    </form>
  )
}

function Found({ id }: { id: string }): ReactNode {
  const by = soughtBy(id)
  const found = useManaged<List<Exchange>>(
    `/exchanges${query(by === 'trace' ? { traceId: id, perPage: 100 } : { correlator: id, perPage: 100 })}`,
    { enabled: by !== 'exchange', everyMs: 2_000 },
  )
  if (by === 'exchange') return <Navigate to={`/console/exchanges/${id}`} replace />
  return (
    <Reading of={found}>
      {({ items }) => {
        const [only] = items
        if (items.length === 1 && only !== undefined)
          return <Navigate to={`/console/exchanges/${only.id}`} replace />
        if (items.length === 0)
          return (
            <Empty title="No call with this id">
              <Text size="sm">
                A call is here a second or two after its answer; this page looks again by itself.
                Calls without a known caller are recorded up to 50 a second.
              </Text>
            </Empty>
          )
        return (
          <ExchangeTable
            rows={items}
            who="Partner"
            nameOf={(e) => <span className="mono">{e.partnerId ?? 'unknown'}</span>}
            linkOf={(e) => `/console/exchanges/${e.id}`}
          />
        )
      }}
    </Reading>
  )
}
