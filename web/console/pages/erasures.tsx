import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Erasure } from '#audit/schema'
import { Confirm } from '../../ui/app/confirm.tsx'
import { DataTable, Pager } from '../../ui/app/data-table.tsx'
import { May, useMay, useSignedIn } from '../../ui/app/may.tsx'
import { Empty, PageTitle, Reading, Refused } from '../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../ui/app/use-managed.ts'
import { timeText } from '../../ui/format.ts'
import type { List } from '../../ui/management.ts'
import { erasedRows, stateText } from '../view-models/erasures.ts'
import { errorsAt, unplaced } from '../view-models/field-errors.ts'

/** Subscribers who asked to be forgotten: one colleague asks, another one confirms. */
export function ErasuresPage(): ReactNode {
  const [page, setPage] = useState(1)
  const may = useMay()
  const erasures = useManaged<List<Erasure>>(`/erasures?page=${page}&perPage=50`, {
    everyMs: page === 1 ? 5_000 : false,
  })
  return (
    <>
      <PageTitle
        title="Erasures"
        lead="A subscriber who wants to be forgotten: one of you asks, another one confirms within a day. It cannot be taken back. What was signed stays provable, and leads to nobody."
      />
      <May to="erasure.manage">
        <AskForm />
      </May>
      <Reading of={erasures}>
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Empty title="No erasures">Nobody has asked to be forgotten.</Empty>
          ) : (
            <>
              <DataTable
                label="Erasures"
                rows={items}
                rowKey={({ id }) => id}
                columns={[
                  { title: 'Asked', cell: (one) => timeText(one.askedAt), nowrap: true },
                  { title: 'Why', cell: (one) => one.reason },
                  {
                    title: 'Asked by',
                    cell: (one) => <span className="mono clip">{one.askedBy}</span>,
                  },
                  {
                    title: 'State',
                    cell: (one) => (
                      <>
                        <strong>{stateText(one)}</strong>
                        <Text size="xs">{erasedRows(one)}</Text>
                      </>
                    ),
                  },
                  {
                    title: 'Decided by',
                    cell: (one) => <span className="mono clip">{one.decidedBy ?? ''}</span>,
                  },
                  ...(may('erasure.manage')
                    ? [{ title: 'Decide', cell: (one: Erasure) => <Decide erasure={one} /> }]
                    : []),
                ]}
              />
              <Pager pagination={pagination} onChange={setPage} />
            </>
          )
        }
      </Reading>
    </>
  )
}

const empty = { phoneNumber: '', reason: '' }
const places: readonly string[] = ['/phoneNumber', '/reason']

function AskForm(): ReactNode {
  const [form, setForm] = useState(empty)
  const change = useChange<Erasure>({ done: () => setForm(empty) })
  const error = errorsAt(change.fault)
  const rest = unplaced(change.fault, (place) => places.includes(place))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const body = { ...form, phoneNumber: form.phoneNumber.replaceAll(/[ ().-]/g, '') }
        change.send({ method: 'POST', path: '/erasures', body })
      }}
    >
      <Stack mb="lg">
        <Group align="flex-start" gap="sm">
          <TextInput
            label="Number"
            description="Kept sealed until it is decided"
            placeholder="+99010000001"
            type="tel"
            autoComplete="off"
            required
            maxLength={32}
            value={form.phoneNumber}
            error={error('/phoneNumber')}
            onChange={(event) => setForm({ ...form, phoneNumber: event.currentTarget.value })}
          />
          <TextInput
            label="Why"
            description="The number of the letter, not of a person"
            required
            minLength={3}
            maxLength={300}
            value={form.reason}
            error={error('/reason')}
            onChange={(event) => setForm({ ...form, reason: event.currentTarget.value })}
          />
        </Group>
        {rest !== undefined && <Refused fault={rest} />}
        <Group>
          <Button type="submit" loading={change.sending}>
            Ask for an erasure
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Decide({ erasure }: { erasure: Erasure }): ReactNode {
  const own = useSignedIn().id === erasure.askedBy
  const confirm = useChange<Erasure>({})
  const cancel = useChange<Erasure>({})
  if (erasure.state !== 'asked') return null
  const path = `/erasures/${erasure.id}`
  return (
    <Group gap="xs">
      {own ? (
        <Text size="sm">A colleague confirms.</Text>
      ) : (
        <Confirm
          label="Confirm"
          size="xs"
          title="Erase this subscriber?"
          consequence="The key of the subscriber is destroyed, their consents end, and they are taken out of every record. Nobody can bring it back."
          action="Erase"
          sending={confirm.sending}
          fault={confirm.fault}
          confirm={() => confirm.send({ method: 'POST', path: `${path}/confirm` })}
        />
      )}
      <Confirm
        label="Cancel"
        size="xs"
        title="Take this back?"
        consequence="Nothing is erased, and the number is forgotten."
        action="Take back"
        sending={cancel.sending}
        fault={cancel.fault}
        confirm={() => cancel.send({ method: 'POST', path: `${path}/cancel` })}
      />
    </Group>
  )
}
