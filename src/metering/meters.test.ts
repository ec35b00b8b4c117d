import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JournalRecord } from '#journal'
import { createMeters } from './meters.ts'
import type { MeteringTables } from './tables.ts'
import { exchange, testMetering } from './testing.ts'

test('each record has its meter, however few are remembered and however many ask at once', async (t) => {
  const { platform } = await testMetering(t)
  const db = platform.database.as<MeteringTables>()
  const meters = createMeters(db, 3)
  const records = (from: number): JournalRecord[] =>
    Array.from({ length: 3 }, (_, i) => ({
      ...exchange(`${i}`, { apiId: `api-${from + i}/v1` }),
      index: i,
    }))
  const asked = [0, 1, 2, 0, 5, 1, 0]
  for (const from of asked) await meters.of(records(from))
  const answers = await Promise.all(asked.map((from) => meters.of(records(from))))
  const apis = await db.selectFrom('metering.meter').select(['id', 'api_id']).execute()
  const apiOf = new Map(apis.map(({ id, api_id }) => [id, api_id]))
  assert.deepEqual(
    answers.map((ids) => ids.map((id) => apiOf.get(id))),
    asked.map((from) => records(from).map(({ apiId }) => apiId)),
  )
})
