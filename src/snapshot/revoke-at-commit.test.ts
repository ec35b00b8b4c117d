import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { Client } from 'pg'
import type { ConsentRecord } from '#consent'
import type { Platform } from '#platform/module'
import { type Subscriber, startDispatcher } from '#platform/outbox'
import { asRole, testPlatform, testRoles } from '#platform/testing'
import { followSnapshot } from './follow-snapshot.ts'
import { createRevocations } from './revocations.ts'
import type { SnapshotChange, SnapshotEntry } from './schema.ts'
import { beginWriting, putEntries, putEntry } from './store.ts'
import type { SnapshotTables } from './tables.ts'

type Context = Parameters<typeof testPlatform>[0]
type Event = { type: string; key: string; payload: unknown }

const ended = (key: string): Event => ({
  type: 'grant.ended',
  key,
  payload: { environment: 'production' },
})
const about = { environment: 'production', subject: 'pseudonym', applicationId: 'app_1' } as const
const said = (key: string, from: string | null, state: string): Event => ({
  type: 'consent.changed',
  key,
  payload: { ...about, purpose: 'dpv:Marketing', from, state },
})

const emit = ({ database, outbox }: Platform, ...events: Event[]): Promise<unknown> =>
  database
    .as()
    .transaction()
    .execute(async (trx) => {
      for (const event of events) await outbox.emit(trx, event)
    })

/** What a gateway of production hears. */
async function gatewayFeed(t: Context, { database, log }: Platform) {
  const { gateway_production: databaseUrl } = await testRoles(database)
  const follower = followSnapshot({ databaseUrl, environment: 'production', log })
  const heard: SnapshotChange[] = []
  await follower.start((changes) => heard.push(...changes))
  t.after(() => follower.stop())
  return { databaseUrl, follower, heard }
}

/** Ended before the databases go. */
function control(t: Context, platform: Platform, subscriber: Subscriber): void {
  const { database, log } = platform
  const dispatcher = startDispatcher({ database, subscribers: [subscriber], log, pollMs: 50 })
  t.after(() => dispatcher.stop())
}

async function settled({ database }: Platform): Promise<void> {
  const end = performance.now() + 30_000
  for (;;) {
    const { rows } = await sql`
      select from platform.delivery where subscriber = 'snapshot-revocations'`.execute(
      database.as(),
    )
    if (rows.length === 0) return
    assert.ok(performance.now() < end, 'control has handled every event')
    await delay(20)
  }
}

async function published({ database }: Platform): Promise<{ revision: number; ids: string[] }> {
  const { rows } = await sql<{ id: string; revision: number }>`
    select id, revision from snapshot.entry
    where environment = 'production' and kind = 'revocation' and body is not null order by revision`.execute(
    database.as(),
  )
  const head = await sql<{ revision: number }>`
    select revision from snapshot.head where environment = 'production'`.execute(database.as())
  assert.ok(rows.every(({ revision }) => revision <= (head.rows[0]?.revision ?? 0)))
  return { revision: head.rows[0]?.revision ?? 0, ids: rows.map(({ id }) => id) }
}

test('without control, what an authorization server ends reaches gateways with its commit', async (t) => {
  const platform = await testPlatform(t)
  const server = await asRole(t, platform, 'authorization')
  const { databaseUrl, heard } = await gatewayFeed(t, platform)
  await sql`
    insert into snapshot.consent (environment, id, subject, application_id, purpose, scopes, granted)
    values ('production', 'cns_1', 'pseudonym', 'app_1', 'dpv:Marketing', '{a:read}', true)`.execute(
    platform.database.as(),
  )

  await assert.rejects(
    server.database
      .as()
      .transaction()
      .execute(async (trx) => {
        await server.outbox.emit(trx, ended('gnt_undone'))
        throw new Error('changed my mind')
      }),
    /changed my mind/,
  )
  await emit(
    server,
    ended('gnt_1'),
    { type: 'token.revoked', key: 'abc', payload: { environment: 'production' } },
    said('cns_1', 'GRANTED', 'WITHDRAWN'),
    said('cns_2', null, 'OBJECTED'),
    said('cns_3', 'PENDING', 'GRANTED'),
  )
  await emit(server, ended('gnt_1'))

  const ids = ['gnt_1', 'jti:abc', 'cns_1', 'obj:pseudonym:app_1:dpv:Marketing']
  const all = [...ids, 'obj:pseudonym:app_1:*']
  const end = performance.now() + 30_000
  while (heard.length < all.length && performance.now() < end) await delay(5)
  assert.deepEqual(
    heard.map(({ id }) => id),
    all,
    'each once, in order, and nothing of what was undone',
  )
  assert.deepEqual(
    heard.map(({ revision }) => revision),
    [1, 2, 3, 4, 5],
  )
  const gateway = new Client({ connectionString: databaseUrl })
  await gateway.connect()
  const { rows } = await gateway.query(
    `select id, granted from snapshot.find_production_consents('pseudonym', 'app_1', null)`,
  )
  await gateway.end()
  assert.deepEqual(rows, [{ id: 'cns_1', granted: false }], 'what 2-legged calls ask says no')
})

test('an authorization server can end and never admit', async (t) => {
  const platform = await testPlatform(t)
  const { authorization } = await testRoles(platform.database)
  const client = new Client({ connectionString: authorization })
  await client.connect()
  t.after(() => client.end())
  for (const attempt of [
    'select from snapshot.entry',
    'select from snapshot.revoking',
    'delete from snapshot.revoking',
    `insert into snapshot.revoking (environment, id, body, at) values ('production', 'x', '{}', now())`,
    `update snapshot.head set revision = 0`,
    `select snapshot.publish_revocations()`,
  ])
    await assert.rejects(client.query(attempt), /permission denied/, attempt)
  await assert.rejects(
    client.query(`select snapshot.revoke('production', 'gnt_1', null, now())`),
    /only an objection/,
  )
  await assert.rejects(
    client.query(`select snapshot.revoke('production', 'gnt_1', '2999-01-01', now())`),
    /for more than a day/,
  )
})

test('beside two control processes each end is told once, and revisions become visible in their order', async (t) => {
  const platform = await testPlatform(t)
  const servers = [await asRole(t, platform, 'authorization'), await asRole(t, platform, 'control')]
  const { follower, heard } = await gatewayFeed(t, platform)
  for (let i = 0; i < 2; i += 1)
    control(t, platform, createRevocations(platform, { listOf: async () => [] }))
  const db = platform.database.as<SnapshotTables>()
  const other = async (i: number): Promise<void> => {
    await db.transaction().execute(async (trx) => {
      await beginWriting(trx)
      const entry = { kind: 'revocation', id: `other_${i}` } as const
      await putEntry(trx, 'production', 'revocation', entry.id, entry, platform.clock.now())
      await delay(i % 5)
    })
  }
  const count = 60
  await Promise.all(
    Array.from({ length: count }, (_, i) => [
      ...servers.map((server) => emit(server, ended(`gnt_${i}`), ended(`gnt_${i}_too`))),
      ...(i % 3 === 0 ? [other(i)] : []),
    ]).flat(),
  )
  await settled(platform)
  const { revision, ids } = await published(platform)
  assert.equal(ids.length, count * 2 + count / 3)
  assert.equal(revision, ids.length, 'no revision was spent twice on one')
  await follower.catchUp()
  assert.deepEqual(
    heard.map(({ id }) => id),
    ids,
    'a gateway heard all of it, once and in order',
  )
})

test('an end waits for a writer of much no longer than it may, and is then told by control', async (t) => {
  const platform = await testPlatform(t)
  const db = platform.database.as<SnapshotTables>()
  const writing = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const writer = db.transaction().execute(async (trx) => {
    const entry = { kind: 'revocation', id: 'other' } as const
    await putEntry(trx, 'production', 'revocation', entry.id, entry, platform.clock.now())
    held.resolve()
    await writing.promise
  })
  await held.promise
  await emit(platform, ended('gnt_1'))
  writing.resolve()
  await writer
  assert.deepEqual((await published(platform)).ids, ['other'])
  control(t, platform, createRevocations(platform, { listOf: async () => [] }))
  await settled(platform)
  assert.deepEqual((await published(platform)).ids, ['other', 'gnt_1'])
  const { rows } = await sql`select from snapshot.revoking`.execute(platform.database.as())
  assert.equal(rows.length, 0)
})

test('a control process that stops in the midst of writing holds an end up for seconds only', async (t) => {
  const platform = await testPlatform(t)
  const db = platform.database.as<SnapshotTables>()
  const [writing, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const hung = db.transaction().execute(async (trx) => {
    await beginWriting(trx)
    const entry = { kind: 'revocation', id: 'other' } as const
    await putEntry(trx, 'production', 'revocation', entry.id, entry, platform.clock.now())
    writing.resolve()
    // Nothing is said on its connection any more.
    await Promise.race([told.promise, delay(20_000, undefined, { ref: false })])
    await sql`select`.execute(trx)
  })
  const outcome = hung.then(
    () => 'went on',
    () => 'was ended',
  )
  await writing.promise
  await emit(platform, ended('gnt_1'))
  told.resolve()
  assert.equal(await outcome, 'was ended')
  assert.deepEqual((await published(platform)).ids, ['gnt_1'])
})

test('an objection that was lifted before control heard of it does not come back', async (t) => {
  const platform = await testPlatform(t)
  await emit(platform, said('cns_1', null, 'OBJECTED'))
  assert.equal((await published(platform)).ids.length, 2)
  await emit(platform, said('cns_1', 'OBJECTED', 'WITHDRAWN'))
  const records: ConsentRecord[] = []
  control(t, platform, createRevocations(platform, { listOf: async () => records }))
  await settled(platform)
  assert.deepEqual((await published(platform)).ids, [])
})

test('thousands that end in one transaction are told together, and the next one anew', async (t) => {
  const platform = await testPlatform(t)
  const db = platform.database.as()
  const count = 3_000
  const looks = await db.transaction().execute(async (trx) => {
    await sql`
      select snapshot.revoke('production', 'gnt_' || i, ${'2026-12-01T00:10:00.000Z'}, ${'2026-12-01T00:00:00Z'})
      from generate_series(1, ${count}::int) i`.execute(trx)
    // What the commit does, where it can be looked at.
    await sql`set constraints all immediate`.execute(trx)
    const { rows } = await sql<{ looks: number }>`
      select seq_scan + coalesce(idx_scan, 0) as looks from pg_stat_xact_user_tables
      where schemaname = 'snapshot' and relname = 'revoking'`.execute(trx)
    await sql`set constraints all deferred`.execute(trx)
    await platform.outbox.emit(trx, ended('gnt_later'))
    return rows[0]?.looks ?? 0
  })
  assert.ok(looks > 0 && looks < 10, `the table was looked at ${looks} times`)
  await emit(platform, ended('gnt_next'))
  const { revision, ids } = await published(platform)
  assert.deepEqual(ids.slice(count), ['gnt_later', 'gnt_next'])
  assert.equal(revision, count + 2)
})

test('entries that are written together have revisions of their own, and those that say nothing new keep theirs', async (t) => {
  const platform = await testPlatform(t)
  const db = platform.database.as<SnapshotTables>()
  const write = (entries: Record<string, SnapshotEntry | undefined>): Promise<boolean> =>
    db
      .transaction()
      .execute((trx) =>
        putEntries(
          trx,
          'production',
          'revocation',
          new Map(Object.entries(entries)),
          platform.clock.now(),
        ),
      )
  const of = (id: string, until?: string): SnapshotEntry => ({
    kind: 'revocation',
    id,
    ...(until !== undefined && { until }),
  })
  assert.equal(
    await write({ a: of('a'), 'b"\\{},': of('b"\\{},'), c: of('c'), gone: undefined }),
    true,
  )
  assert.deepEqual(await published(platform), { revision: 3, ids: ['a', 'b"\\{},', 'c'] })
  assert.equal(await write({ c: of('c'), a: of('a'), gone: undefined }), false)
  assert.equal(await write({}), false)
  assert.equal(await write({ c: of('c', 'later'), a: of('a'), d: of('d') }), true)
  assert.deepEqual(await published(platform), { revision: 5, ids: ['a', 'b"\\{},', 'c', 'd'] })
  assert.equal(await write({ a: undefined, d: of('d') }), true)
  assert.deepEqual(await published(platform), { revision: 6, ids: ['b"\\{},', 'c', 'd'] })
})
