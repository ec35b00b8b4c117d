import { Button, Group, Select, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { ApiSummary, ApiVersion, ChangedApi } from '#catalog/schema'
import { Confirm } from '../../ui/app/confirm.tsx'
import { May } from '../../ui/app/may.tsx'
import { Notice, Refused } from '../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../ui/app/use-managed.ts'
import type { List } from '../../ui/management.ts'
import { errorsAt, unplaced } from '../view-models/field-errors.ts'
import {
  dayOf,
  endBody,
  movesOf,
  noticeDays,
  reasonableDay,
  successorsOf,
} from '../view-models/version-lifecycle.ts'

/** Publish, end, retire: each says what it does to partners before it does it. */
export function VersionLifecycle({ api, path }: { api: ApiVersion; path: string }): ReactNode {
  const moves = movesOf(api)
  const [warnings, setWarnings] = useState<string[]>([])
  return (
    <section className="card" aria-labelledby="lifecycle">
      <Stack>
        <Title order={2} id="lifecycle">
          Lifecycle
        </Title>
        <May to="api.change-lifecycle">
          {moves.deprecate && (
            <EndForm
              key={api.retirement?.sunsetAt ?? ''}
              api={api}
              path={path}
              warn={setWarnings}
            />
          )}
          <div role="status">
            {warnings.map((warning) => (
              <Notice key={warning} tone="warn">
                <Text>Done. {warning}</Text>
              </Notice>
            ))}
          </div>
          <Group>
            {moves.publish && <Publish api={api} path={path} takesBack={moves.takesBack} />}
            {moves.retire && <Retire api={api} path={path} />}
          </Group>
        </May>
      </Stack>
    </section>
  )
}

const places: readonly string[] = ['/sunsetAt', '/deprecatedAt', '/successor']

function EndForm(options: {
  api: ApiVersion
  path: string
  /** told outside of the form, which begins anew when the dates change */
  warn: (warnings: string[]) => void
}): ReactNode {
  const { api, path, warn } = options
  const all = useManaged<List<ApiSummary>>('/apis?perPage=100')
  const [form, setForm] = useState({
    sunset: dayOf(api.retirement?.sunsetAt),
    deprecated: '',
    successor: api.retirement?.successor ?? '',
  })
  const change = useChange<ChangedApi>({ done: (answer) => warn(answer.warnings) })
  const error = errorsAt(change.fault)
  const rest = unplaced(change.fault, (place) => places.includes(place))
  const announced = api.retirement?.sunsetAt !== undefined && api.lifecycle !== 'retired'
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        warn([])
        change.send({ method: 'POST', path: `${path}/lifecycle`, body: endBody(form) })
      }}
    >
      <Stack>
        <Text>
          {announced
            ? 'Move the announced end, or name another successor. Partners that called it in the last 90 days get a mail about the change.'
            : 'Announce its end: every answer then names the date and the successor, and partners that called it in the last 90 days get a mail.'}
        </Text>
        <SimpleGrid cols={{ base: 1, md: 3 }}>
          <TextInput
            type="date"
            label="Answers until"
            description={`00:00 UTC; fair: ${reasonableDay(new Date())} or later`}
            value={form.sunset}
            required
            error={error('/sunsetAt')}
            onChange={(event) => setForm({ ...form, sunset: event.currentTarget.value })}
          />
          <TextInput
            type="date"
            label="Deprecated from"
            description="Empty: now, or as announced"
            value={form.deprecated}
            error={error('/deprecatedAt')}
            onChange={(event) => setForm({ ...form, deprecated: event.currentTarget.value })}
          />
          <Select
            label="Successor"
            description="Where partners should go"
            data={successorsOf(api, all.data?.items ?? [])}
            value={form.successor === '' ? null : form.successor}
            clearable
            clearButtonProps={{ 'aria-label': 'No successor' }}
            placeholder="none"
            error={error('/successor')}
            onChange={(value) => setForm({ ...form, successor: value ?? '' })}
          />
        </SimpleGrid>
        {rest !== undefined && <Refused fault={rest} />}
        <Group>
          <Button type="submit" loading={change.sending}>
            {announced ? 'Change the end' : 'Deprecate'}
          </Button>
          <Text size="sm" c="dimmed">
            {noticeDays} days are fair notice; less is allowed and warned of.
          </Text>
        </Group>
      </Stack>
    </form>
  )
}

function Publish(options: { api: ApiVersion; path: string; takesBack: boolean }): ReactNode {
  const { api, path, takesBack } = options
  const change = useChange({})
  const label = takesBack ? 'Take the end back' : 'Publish'
  return (
    <Confirm
      size="sm"
      label={label}
      title={`${label}: ${api.id}?`}
      consequence={
        takesBack
          ? 'It goes on without an end. Partners that called it in the last 90 days get a mail.'
          : 'Partners can find it in the portal, subscribe to it and call it.'
      }
      action={label}
      sending={change.sending}
      fault={change.fault}
      confirm={() =>
        change.send({ method: 'POST', path: `${path}/lifecycle`, body: { state: 'published' } })
      }
    />
  )
}

function Retire({ api, path }: { api: ApiVersion; path: string }): ReactNode {
  const change = useChange({})
  return (
    <Confirm
      size="sm"
      label="Retire now"
      title={`Retire ${api.id} now?`}
      consequence="Within a second every call of it is answered with 410 GONE, whatever date was announced. Partners that called it in the last 90 days get a mail."
      action="Retire now"
      sending={change.sending}
      fault={change.fault}
      confirm={() =>
        change.send({ method: 'POST', path: `${path}/lifecycle`, body: { state: 'retired' } })
      }
    />
  )
}
