import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { testDispatcher, testPlatform } from '#platform/testing'
import { createRevocations, sweepRevocations } from './revocations.ts'
import type { SnapshotTables } from './tables.ts'

const start = '2026-03-01T10:00:00.000Z'

async function setup(t: Parameters<typeof testPlatform>[0]) {
  const clock = manualClock(start)
  const platform = await testPlatform(t, { clock })
  testDispatcher(t, platform, [createRevocations(platform)])
  return { clock, platform }
}

async function emit(
  { database, outbox }: Platform,
  event: { type: string; key: string; payload: unknown },
): Promise<void> {
  const root = await database
    .as()
    .transaction()
    .execute((trx) => outbox.emit(trx, event))
  assert.ok(await outbox.settled([root], 10_000), `${event.type} was handled`)
}

async function entries({ database }: Platform, environment: Environment): Promise<unknown[]> {
  const rows = await database
    .as<SnapshotTables>()
    .selectFrom('snapshot.entry')
    .select('body')
    .where('environment', '=', environment)
    .where('kind', '=', 'revocation')
    .where('body', 'is not', null)
    .orderBy('id')
    .execute()
  return rows.map(({ body }) => body)
}

test('what ends is told to the gateways of its environment until no token can name it', async (t) => {
  const { clock, platform } = await setup(t)
  await emit(platform, { type: 'grant.ended', key: 'gnt_1', payload: { environment: 'sandbox' } })
  await emit(platform, { type: 'token.revoked', key: 'abc', payload: { environment: 'sandbox' } })
  const until = '2026-03-01T10:15:00.000Z'
  assert.deepEqual(await entries(platform, 'sandbox'), [
    { kind: 'revocation', id: 'gnt_1', until },
    { kind: 'revocation', id: 'jti:abc', until },
  ])
  assert.deepEqual(await entries(platform, 'production'), [])

  clock.advance(15 * 60_000)
  await sweepRevocations(platform)
  assert.equal((await entries(platform, 'sandbox')).length, 2, 'its last millisecond counts')
  clock.advance(1)
  await sweepRevocations(platform)
  assert.deepEqual(await entries(platform, 'sandbox'), [])
})

test('more revocations than are swept at once are swept', async (t) => {
  const { clock, platform } = await setup(t)
  await platform.database
    .as<SnapshotTables>()
    .insertInto('snapshot.entry')
    .values(
      Array.from({ length: 1_100 }, (_, i) => ({
        environment: 'production' as const,
        kind: 'revocation' as const,
        id: `gnt_${i}`,
        revision: 1_000 + i,
        body: JSON.stringify({ kind: 'revocation', id: `gnt_${i}`, until: start }),
        changed_at: new Date(start),
      })),
    )
    .execute()
  clock.advance(1_000)
  await sweepRevocations(platform)
  assert.deepEqual(await entries(platform, 'production'), [])
})
