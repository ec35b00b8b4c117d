import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#platform/clock'
import { testDatabase } from '#platform/testing'
import { forgetThings } from './forget-things.ts'

test('who made a thing is forgotten 400 days after it was taken away, in batches, and not while it is there', async (t) => {
  const database = await testDatabase(t)
  await database.pool.query(`
    insert into gateway.resource_owner (environment, resource, id_hash, application_id, deleted_at)
    select 'sandbox', 'x/y', n::text, 'app', case when n <= 1200 then timestamptz '2026-01-01' end
    from generate_series(1, 1201) n`)
  const clock = manualClock('2027-02-04T00:00:00Z')
  assert.equal(await forgetThings({ database, clock }), 0)
  clock.advance(2 * 86_400_000)
  assert.equal(await forgetThings({ database, clock }), 1200)
  const { rows } = await database.pool.query('select id_hash from gateway.resource_owner')
  assert.deepEqual(rows, [{ id_hash: '1201' }])
})
