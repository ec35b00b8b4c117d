import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from 'pg'
import type { ConsentRecord } from '#consent'
import { manualClock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { testDispatcher, testPlatform, testRoles } from '#platform/testing'
import { createRevocations, sweepRevocations } from './revocations.ts'
import type { SnapshotTables } from './tables.ts'

const start = '2026-03-01T10:00:00.000Z'

async function setup(t: Parameters<typeof testPlatform>[0]) {
  const clock = manualClock(start)
  const platform = await testPlatform(t, { clock })
  const records: ConsentRecord[] = []
  const consents = {
    listOf: async (environment: Environment, subject: string) =>
      records.filter((one) => one.environment === environment && one.subject === subject),
  }
  testDispatcher(t, platform, [createRevocations(platform, consents)])
  return { clock, platform, records }
}

async function emit(
  { database, outbox }: Platform,
  event: { type: string; key: string; payload: unknown },
): Promise<void> {
  const root = await database
    .as()
    .transaction()
    .execute((trx) => outbox.emit(trx, event))
  assert.ok(await outbox.settled([root], 30_000), `${event.type} was handled`)
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

const consent = (id: string, more: Partial<ConsentRecord> = {}): ConsentRecord => ({
  id,
  environment: 'production',
  subject: 'pseudonym',
  applicationId: 'app_1',
  applicationName: 'Shop',
  partnerId: 'prt_1',
  partnerName: 'Shop',
  purpose: 'dpv:FraudPreventionAndDetection',
  scopes: ['sim-swap:check'],
  basis: 'consent',
  state: 'GRANTED',
  createdAt: new Date(start),
  changedAt: new Date(start),
  grantedAt: new Date(start),
  expiresAt: undefined,
  lastUsedAt: undefined,
  textHash: undefined,
  locale: undefined,
  ...more,
})

const tell = (platform: Platform, record: ConsentRecord, from: string | null) =>
  emit(platform, {
    type: 'consent.changed',
    key: record.id,
    payload: { ...record, state: record.state, from },
  })

async function found(url: string, application = 'app_1'): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(
      'select id, granted from snapshot.find_production_consents($1, $2, $3)',
      ['pseudonym', application, 'dpv:FraudPreventionAndDetection'],
    )
    return rows
  } finally {
    await client.end()
  }
}

test('a gateway finds what a subscriber said to an application, and no list of it', async (t) => {
  const { platform, records } = await setup(t)
  const given = consent('cns_1')
  records.push(given, consent('cns_2', { applicationId: 'app_2' }))
  await tell(platform, given, null)
  const { gateway_production: url } = await testRoles(platform.database)
  assert.deepEqual(await found(url), [{ id: 'cns_1', granted: true }])
  assert.deepEqual(await found(url, 'app_2'), [], 'what was not told is not there')
  const client = new Client({ connectionString: url })
  await client.connect()
  t.after(() => client.end())
  await assert.rejects(client.query('select * from snapshot.consent'), /permission denied/)
  await assert.rejects(
    client.query(`select * from snapshot.find_sandbox_consents('pseudonym', 'app_1', null)`),
    /permission denied/,
  )
})

test('a withdrawn consent is revoked and stands as a no, until a newer yes', async (t) => {
  const { clock, platform, records } = await setup(t)
  const { gateway_production: url } = await testRoles(platform.database)
  const withdrawn = consent('cns_1', { state: 'WITHDRAWN' })
  records.push(withdrawn)
  await tell(platform, withdrawn, 'GRANTED')
  assert.deepEqual(await found(url), [{ id: 'cns_1', granted: false }])
  assert.deepEqual(await entries(platform, 'production'), [
    { kind: 'revocation', id: 'cns_1', until: '2026-03-01T10:15:00.000Z' },
  ])
  clock.advance(1_000)
  const again = consent('cns_3', { changedAt: clock.now() })
  records.unshift(again)
  await tell(platform, again, 'REQUESTED')
  assert.deepEqual(await found(url), [{ id: 'cns_3', granted: true }])
  assert.equal((await entries(platform, 'production')).length, 1, 'and the old one stays revoked')
})

test('an objection stands in the feed until it is lifted', async (t) => {
  const { clock, platform, records } = await setup(t)
  const objection = consent('cns_4', { state: 'OBJECTED', basis: 'legitimate-interest' })
  records.push(objection)
  await tell(platform, objection, null)
  const ids = async () =>
    (await entries(platform, 'production')).map((entry) => (entry as { id: string }).id)
  assert.deepEqual(await ids(), [
    'obj:pseudonym:app_1:*',
    'obj:pseudonym:app_1:dpv:FraudPreventionAndDetection',
  ])
  clock.advance(365 * 86_400_000)
  await sweepRevocations(platform)
  assert.equal((await ids()).length, 2, 'no sweep takes it')
  records[0] = { ...objection, state: 'WITHDRAWN' }
  await tell(platform, records[0], 'OBJECTED')
  assert.deepEqual(await ids(), [])
})
