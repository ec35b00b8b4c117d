import { Button, Group, NumberInput, Select, Stack, Text, TextInput, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { ApiSummary } from '#catalog/schema'
import type { Contract } from '#contracts/schema'
import { DataTable } from '../../ui/app/data-table.tsx'
import { Fields, May } from '../../ui/app/may.tsx'
import { Refused } from '../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../ui/app/use-managed.ts'
import type { List } from '../../ui/management.ts'
import {
  actionText,
  type MaskRow,
  masksBody,
  masksForm,
  nextKey,
} from '../view-models/contract-terms.ts'
import { errorsAt, unplaced } from '../view-models/field-errors.ts'

/** What of responses this partner gets otherwise than the products say. */
export function ContractMasks(options: {
  contract: Contract
  path: string
  /** told outside of the form, which begins anew with what was saved */
  say: (text: string) => void
}): ReactNode {
  const { contract, path, say } = options
  const [rows, setRows] = useState(masksForm(contract.masks))
  const apis = useManaged<List<ApiSummary>>('/apis?perPage=100')
  const change = useChange({
    done: () => say('Masks are saved: gateways have them within a second.'),
  })
  const error = errorsAt(change.fault)
  const rest = unplaced(change.fault, (place) => /^\/masks\/\d+\//.test(place))
  const choices = [
    { value: '*', label: 'every API that has it' },
    ...(apis.data?.items ?? [])
      .filter(({ lifecycle }) => lifecycle === 'published' || lifecycle === 'deprecated')
      .map(({ id }) => ({ value: id, label: id })),
  ]
  const put = (key: number, more: Partial<MaskRow>): void =>
    setRows(rows.map((row) => (row.key === key ? { ...row, ...more } : row)))
  const first = choices[1]?.value ?? '*'
  const dirty = JSON.stringify(masksBody(rows).masks) !== JSON.stringify(contract.masks)
  return (
    <section className="card" aria-labelledby="masks">
      <Fields to="contract.change-terms">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            say('')
            change.send({ method: 'PUT', path, body: masksBody(rows) })
          }}
        >
          <Stack>
            <div>
              <Title order={2} id="masks">
                Masked fields
              </Title>
              <Text size="sm" c="dimmed">
                They go before what the products say of the same fields, and hold within a second.
                Paths are as in product.yaml: device.phoneNumber, items[].owner.name, * for any
                member.
              </Text>
            </div>
            {rows.length === 0 ? (
              <Text>Responses are as each API says.</Text>
            ) : (
              <DataTable
                label="Masked fields"
                rows={rows.map((row, index) => ({ ...row, index }))}
                rowKey={(row) => String(row.key)}
                columns={[
                  {
                    title: 'API',
                    cell: (row) => (
                      <Select
                        aria-label={`API of mask ${row.index + 1}`}
                        data={withChoice(choices, row.apiId)}
                        value={row.apiId}
                        allowDeselect={false}
                        w={210}
                        error={error(`/masks/${row.index}/apiId`)}
                        onChange={(apiId) => put(row.key, { apiId: apiId ?? '*' })}
                      />
                    ),
                  },
                  {
                    title: 'Field',
                    cell: (row) => (
                      <TextInput
                        aria-label={`Field of mask ${row.index + 1}`}
                        className="mono"
                        value={row.field}
                        required
                        miw={200}
                        maxLength={200}
                        error={error(`/masks/${row.index}/field`)}
                        onChange={(event) => put(row.key, { field: event.currentTarget.value })}
                      />
                    ),
                  },
                  {
                    title: 'What is done',
                    cell: (row) => (
                      <Group gap="xs" wrap="nowrap" align="flex-start">
                        <Select
                          aria-label={`Action of mask ${row.index + 1}`}
                          data={Object.entries(actionText).map(([value, label]) => ({
                            value,
                            label,
                          }))}
                          value={row.action}
                          allowDeselect={false}
                          w={190}
                          error={error(`/masks/${row.index}/action`)}
                          onChange={(action) =>
                            put(row.key, { action: (action ?? 'mask') as MaskRow['action'] })
                          }
                        />
                        {row.action === 'coarsen' && (
                          <NumberInput
                            aria-label={`Grid of mask ${row.index + 1}, metres`}
                            placeholder="1000 m"
                            value={row.gridMetres}
                            allowDecimal={false}
                            allowNegative={false}
                            hideControls
                            suffix=" m"
                            w={110}
                            error={error(`/masks/${row.index}/gridMetres`)}
                            onChange={(next) =>
                              put(row.key, { gridMetres: typeof next === 'number' ? next : '' })
                            }
                          />
                        )}
                      </Group>
                    ),
                  },
                  {
                    title: 'Change',
                    cell: (row) => (
                      <Button
                        variant="default"
                        aria-label={`Remove mask ${row.index + 1}`}
                        onClick={() => setRows(rows.filter((other) => other.key !== row.key))}
                      >
                        Remove
                      </Button>
                    ),
                  },
                ]}
              />
            )}
            {rest !== undefined && <Refused fault={rest} />}
            <May to="contract.change-terms">
              <Group>
                <Button
                  variant="default"
                  onClick={() =>
                    setRows([
                      ...rows,
                      {
                        key: nextKey(rows),
                        apiId: first,
                        field: '',
                        action: 'mask',
                        gridMetres: '',
                      },
                    ])
                  }
                >
                  Add a field
                </Button>
                <Button type="submit" loading={change.sending} disabled={!dirty}>
                  Save masks
                </Button>
              </Group>
            </May>
          </Stack>
        </form>
      </Fields>
    </section>
  )
}

/** An API that was retired since stays shown, so that nothing changes by looking. */
const withChoice = (choices: { value: string; label: string }[], value: string) =>
  choices.some((choice) => choice.value === value) ? choices : [...choices, { value, label: value }]
