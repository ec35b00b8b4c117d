import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { testPlatform, testRoles } from '#platform/testing'
import { keepsWithin, machineClock } from '#platform/testing-clock'
import { followSnapshot, type SnapshotFollower } from './follow-snapshot.ts'
import type { ApplicationEntry, SnapshotChange } from './schema.ts'
import { putEntry, sweepTombstones } from './store.ts'
import type { SnapshotTables } from './tables.ts'

type TestContext = Parameters<typeof testPlatform>[0]

const application = (id: string, state: 'active' | 'suspended' = 'active'): ApplicationEntry => ({
  kind: 'application',
  id,
  clientId: `wl_${id}`,
  partnerId: 'prt_1',
  state,
  credentialIds: [],
})

const put = (
  platform: Platform,
  environment: Environment,
  id: string,
  entry: ApplicationEntry | undefined,
  at = new Date(),
) =>
  platform.database
    .as<SnapshotTables>()
    .transaction()
    .execute((trx) => putEntry(trx, environment, 'application', id, entry, at))

/** A follower with what it has told so far. */
async function follow(
  t: TestContext,
  platform: Platform,
  options: { url?: string; cacheFile?: string; environment?: Environment } = {},
) {
  const follower = followSnapshot({
    databaseUrl: options.url ?? platform.database.url,
    environment: options.environment ?? 'sandbox',
    log: platform.log,
    ...(options.cacheFile === undefined ? {} : { cacheFile: options.cacheFile }),
  })
  const known = new Map<string, SnapshotChange['entry']>()
  const revisions: number[] = []
  t.after(() => follower.stop())
  await follower.start((changes, complete) => {
    if (complete) known.clear()
    for (const change of changes) {
      revisions.push(change.revision)
      if (change.entry === undefined) known.delete(change.id)
      else known.set(change.id, change.entry)
    }
  })
  return { follower, known, revisions }
}

async function until(holds: () => boolean, timeoutMs = 30_000): Promise<void> {
  for (let waited = 0; !holds(); waited += 10) {
    assert.ok(waited < timeoutMs, 'it did not hold in time')
    await delay(10)
  }
}

const folder = (t: TestContext): string => {
  const made = mkdtempSync(path.join(tmpdir(), 'wayleave-snapshot-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('a follower has everything at its start and each change within a second, in the order of revisions', async (t) => {
  const platform = await testPlatform(t)
  await put(platform, 'sandbox', 'app_1', application('app_1'))
  const { known, revisions } = await follow(t, platform)
  assert.deepEqual([...known.keys()], ['app_1'])
  const now = await machineClock()
  let round = 0
  const tookMs = await keepsWithin(1_500, async () => {
    round += 1
    const startedAt = now()
    const ids = Array.from({ length: 20 }, (_, i) => `app_x${round}_${i}`)
    await Promise.all(ids.map((id) => put(platform, 'sandbox', id, application(id))))
    const state = round % 2 === 1 ? 'suspended' : 'active'
    await put(platform, 'sandbox', 'app_1', application('app_1', state))
    await put(platform, 'sandbox', ids[0] ?? '', undefined)
    await until(() => {
      const own = known.get('app_1')
      return (
        known.size === 1 + 19 * round &&
        ids.slice(1).every((id) => known.has(id)) &&
        own?.kind === 'application' &&
        own.state === state
      )
    })
    return now() - startedAt
  })
  assert.ok(tookMs < 1_500, `${tookMs} ms`)
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  )
})

test('an entry that is written again as it is keeps its revision', async (t) => {
  const platform = await testPlatform(t)
  assert.equal(await put(platform, 'sandbox', 'app_1', application('app_1')), true)
  assert.equal(await put(platform, 'sandbox', 'app_1', application('app_1')), false)
  assert.equal(await put(platform, 'sandbox', 'app_2', undefined), false)
})

test('the role of a gateway reads the snapshot of its own environment and nothing else', async (t) => {
  const platform = await testPlatform(t)
  await put(platform, 'sandbox', 'app_1', application('app_1'))
  await put(platform, 'production', 'app_2', application('app_2'))
  const roles = await testRoles(platform.database)
  const sandbox = await follow(t, platform, { url: roles.gateway_sandbox })
  assert.deepEqual([...sandbox.known.keys()], ['app_1'])
  await assert.rejects(
    follow(t, platform, { url: roles.gateway_sandbox, environment: 'production' }),
    /permission denied/,
  )
  await assert.rejects(
    follow(t, platform, { url: roles.simulator, environment: 'production' }),
    /permission denied/,
  )
  const client = new Client({ connectionString: roles.gateway_sandbox })
  await client.connect()
  for (const table of [
    'snapshot.entry',
    'partners.application',
    'platform.outbox',
    'snapshot.production_entry',
  ]) {
    await assert.rejects(client.query(`select * from ${table}`), /permission denied/, table)
  }
  await assert.rejects(client.query('create table public.mine (id int)'), /permission denied/)
  await client.end()
})

test('with PostgreSQL down it serves the last good snapshot of its own disk', async (t) => {
  const platform = await testPlatform(t)
  const cacheFile = path.join(folder(t), 'snapshot.jsonl')
  await put(platform, 'sandbox', 'app_1', application('app_1'))
  const first = await follow(t, platform, { cacheFile })
  await first.follower.stop()
  const down = 'postgresql://wayleave@127.0.0.1:1/none'
  const second = await follow(t, platform, { url: down, cacheFile })
  assert.deepEqual([...second.known.keys()], ['app_1'])
  await assert.rejects(follow(t, platform, { url: down }), /ECONNREFUSED/)
})

test('a damaged file falls back to the one before, and one of the other environment is never used', async (t) => {
  const platform = await testPlatform(t)
  const cacheFile = path.join(folder(t), 'snapshot.jsonl')
  await put(platform, 'sandbox', 'app_1', application('app_1'))
  await (await follow(t, platform, { cacheFile })).follower.stop()
  await put(platform, 'sandbox', 'app_2', application('app_2'))
  await (await follow(t, platform, { cacheFile })).follower.stop()
  const down = 'postgresql://wayleave@127.0.0.1:1/none'
  const whole = readFileSync(cacheFile)
  truncateSync(cacheFile, whole.length - 5)
  assert.deepEqual(
    [...(await follow(t, platform, { url: down, cacheFile })).known.keys()],
    ['app_1'],
  )
  writeFileSync(cacheFile, whole.toString().replace('"active"', '"Active"'))
  assert.deepEqual(
    [...(await follow(t, platform, { url: down, cacheFile })).known.keys()],
    ['app_1'],
  )
  await assert.rejects(
    follow(t, platform, { url: down, cacheFile, environment: 'production' }),
    /ECONNREFUSED/,
  )
})

test('a follower that was away while tombstones were swept loads everything anew', async (t) => {
  const platform = await testPlatform(t)
  const longAgo = new Date(Date.now() - 3 * 86_400_000)
  await put(platform, 'sandbox', 'app_1', application('app_1'))
  await put(platform, 'sandbox', 'app_2', application('app_2'))
  const cacheFile = path.join(folder(t), 'snapshot.jsonl')
  await (await follow(t, platform, { cacheFile })).follower.stop()
  const { known, follower }: { known: Map<string, unknown>; follower: SnapshotFollower } =
    await follow(t, platform)
  await put(platform, 'sandbox', 'app_1', undefined, longAgo)
  await sweepTombstones(platform)
  await follower.catchUp()
  assert.deepEqual([...known.keys()], ['app_2'])
})

test('more entries than are read at a time are all there, once', async (t) => {
  const platform = await testPlatform(t)
  const count = 4_000
  await platform.database.pool.query(
    `insert into snapshot.entry (environment, kind, id, revision, body, changed_at)
     select 'sandbox', 'application', 'app_' || n, n,
       jsonb_build_object('kind', 'application', 'id', 'app_' || n, 'clientId', 'wl_' || n, 'partnerId', 'prt_1',
         'state', 'active', 'credentialIds', '[]'::jsonb), now()
     from generate_series(1, $1::int) n`,
    [count],
  )
  await platform.database.pool.query(
    `update snapshot.head set revision = $1 where environment = 'sandbox'`,
    [count],
  )
  const { known, revisions } = await follow(t, platform)
  assert.equal(known.size, count)
  assert.deepEqual(revisions, Array(count).fill(count))
  await put(platform, 'sandbox', 'app_4000', application('app_4000', 'suspended'))
  await until(() => revisions.at(-1) === count + 1)
})
