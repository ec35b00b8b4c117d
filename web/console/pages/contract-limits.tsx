import { Button, Group, NumberInput, Select, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Contract } from '#contracts/schema'
import { limitText } from '../../portal/view-models/plans.ts'
import { Confirm } from '../../ui/app/confirm.tsx'
import { Fields, May } from '../../ui/app/may.tsx'
import { Refused } from '../../ui/app/parts.tsx'
import { useChange } from '../../ui/app/use-managed.ts'
import {
  type LimitsForm,
  limitsBody,
  limitsForm,
  mostRates,
  nextKey,
  type Typed,
} from '../view-models/contract-terms.ts'
import { errorsAt, unplaced } from '../view-models/field-errors.ts'

/** What a contract may use: its plan's limits, or those that were agreed with this partner. */
export function ContractLimits(options: {
  contract: Contract
  path: string
  /** told outside of the form, which begins anew with what was saved */
  say: (text: string) => void
}): ReactNode {
  const { contract, path, say } = options
  const [form, setForm] = useState(limitsForm(contract.limits))
  const change = useChange({
    done: () => say('Limits are saved: gateways have them within a second.'),
  })
  const reset = useChange({ done: () => say('The limits of the plan hold again.') })
  const error = errorsAt(change.fault)
  const rest = unplaced(change.fault, (place) =>
    /^\/(rate\/\d|quota|spike|concurrency)/.test(place),
  )
  const put = (more: Partial<LimitsForm>): void => setForm({ ...form, ...more })
  return (
    <section className="card" aria-labelledby="limits">
      <Fields to="contract.change-terms">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            say('')
            change.send({ method: 'PUT', path, body: limitsBody(form) })
          }}
        >
          <Stack>
            <div>
              <Title order={2} id="limits">
                Limits
              </Title>
              <Text>{limitText(contract.limits)}</Text>
              <Text size="sm" c="dimmed">
                {contract.limits.source === 'plan'
                  ? 'These are the limits of the plan. What is saved here takes the place of all of them, for this contract.'
                  : 'Agreed for this contract, in the place of the limits of its plan, until they are reset or the plan changes.'}
              </Text>
            </div>
            <Rates rows={form.rate} set={(rate) => put({ rate })} error={error} />
            <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
              <Amount
                label="Quota"
                description="Calls in a period; empty: none"
                value={form.quota}
                set={(quota) => put({ quota })}
                error={error('/quota/limit')}
              />
              <Select
                label="Period of the quota"
                description={`Of the zone ${contract.timeZone}`}
                data={['day', 'month']}
                value={form.period}
                allowDeselect={false}
                onChange={(period) => put({ period: period === 'month' ? 'month' : 'day' })}
              />
              <Amount
                label="At the same moment"
                description="Calls that are under way; empty: as many as come"
                value={form.concurrency}
                set={(concurrency) => put({ concurrency })}
                error={error('/concurrency')}
              />
              <Amount
                label="Spike"
                description="Most calls in a short stretch; empty: as many as come"
                value={form.spike}
                set={(spike) => put({ spike })}
                error={error('/spike/limit')}
              />
              <Amount
                label="Length of the stretch, ms"
                description="100 to 10 000"
                value={form.spikeMs}
                set={(spikeMs) => put({ spikeMs })}
                error={error('/spike/windowMs')}
              />
            </SimpleGrid>
            {rest !== undefined && <Refused fault={rest} />}
            <May to="contract.change-terms">
              <Group>
                <Button type="submit" loading={change.sending}>
                  Save limits
                </Button>
                {contract.limits.source === 'contract' && (
                  <Confirm
                    size="sm"
                    label="Reset to the plan"
                    title="Reset to the limits of the plan?"
                    consequence="What was agreed for this contract is given up. It holds within a second."
                    action="Reset"
                    sending={reset.sending}
                    fault={reset.fault}
                    confirm={() => reset.send({ method: 'DELETE', path })}
                  />
                )}
              </Group>
            </May>
          </Stack>
        </form>
      </Fields>
    </section>
  )
}

type RateRows = LimitsForm['rate']

function Rates(options: {
  rows: RateRows
  set: (rows: RateRows) => void
  error: (place: string) => string | undefined
}): ReactNode {
  const { rows, set, error } = options
  const put = (key: number, more: Partial<RateRows[number]>): void =>
    set(rows.map((row) => (row.key === key ? { ...row, ...more } : row)))
  return (
    <Stack gap="xs" role="group" aria-label="Rates">
      {rows.map((row, index) => (
        <Group key={row.key} align="flex-start" gap="sm">
          <Amount
            label={`Rate ${index + 1}: calls`}
            value={row.limit}
            set={(limit) => put(row.key, { limit })}
            error={error(`/rate/${index}/limit`)}
          />
          <Amount
            label="in seconds"
            value={row.windowSeconds}
            set={(windowSeconds) => put(row.key, { windowSeconds })}
            error={error(`/rate/${index}/windowSeconds`)}
          />
          {rows.length > 1 && (
            <Button
              mt={25}
              variant="default"
              aria-label={`Remove rate ${index + 1}`}
              onClick={() => set(rows.filter((other) => other.key !== row.key))}
            >
              Remove
            </Button>
          )}
        </Group>
      ))}
      {rows.length < mostRates && (
        <div>
          <Button
            size="xs"
            variant="default"
            onClick={() => set([...rows, { key: nextKey(rows), limit: '', windowSeconds: '' }])}
          >
            Add a rate
          </Button>
        </div>
      )}
    </Stack>
  )
}

function Amount(options: {
  label: string
  description?: string
  value: Typed
  set: (value: Typed) => void
  error: string | undefined
}): ReactNode {
  const { label, description, value, set, error } = options
  return (
    <NumberInput
      label={label}
      description={description}
      value={value}
      error={error}
      allowDecimal={false}
      allowNegative={false}
      thousandSeparator=" "
      hideControls
      onChange={(next) => set(typeof next === 'number' ? next : next === '' ? '' : Number(next))}
    />
  )
}
