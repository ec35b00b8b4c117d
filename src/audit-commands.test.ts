import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError } from '#cli'
import { auditCommands } from './audit-commands.ts'

const begun = new Error('the command went to work')
const command = auditCommands(() => {
  throw begun
}).find(({ name }) => name === 'audit export-period')

const exportFrom = (from: string) => async () =>
  await command?.run({
    options: { partner: 'prt_1', out: 'none.jsonl', from, to: '2026-03-05' },
    ...{ positionals: [], json: false },
  })

test('a period begins with a day of the calendar, or a moment with its time zone', async () => {
  for (const from of ['2026-02-28', '2026-03-04T10:00Z', '2026-03-04T10:00:00.5+02:00'])
    await assert.rejects(exportFrom(from), begun, from)
})

test('a period is refused that begins on no day, at no moment, or at another one in each time zone', async () => {
  const wrong = ['2026-02-30', '2026-02-31T10:00:00Z', '2026-02-28T10:00:00', '2026-03-01T25:00Z']
  for (const from of [...wrong, '2026-03-01 x', 'yesterday', ''])
    await assert.rejects(exportFrom(from), CommandError, from)
})
