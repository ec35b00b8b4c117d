import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pool } from 'pg'
import { type Actor, createAudit, createForgetting, markOfSubject, recordAction } from '#audit'
import { authorizationEraser } from '#authorization'
import { consentEraser, subjectOf } from '#consent'
import { testConsent } from '#consent/testing'
import { gatewayEraser } from '#gateway'
import { createMetering, meteringEraser } from '#metering'
import { exchange, writeSegments } from '#metering/testing'
import type { Eraser } from '#platform/eraser'
import { testDatabase, testDispatcher } from '#platform/testing'
import { testFolder } from '#platform/testing-folder'
import { createRevocations, snapshotEraser, sweepTombstones } from '#snapshot'
import { erasers, otherSubjectColumns } from './erasers.ts'

type Context = Parameters<typeof testConsent>[0]
type Staff = Extract<Actor, { kind: 'operator' }>

const staff = (id: string): Staff => ({
  ...{ kind: 'operator', id, name: id, role: 'administrator', via: 'session' },
})
const first = staff('stf_1')
const second = staff('stf_2')
const number = '+99012345678'

/** A platform with one subscriber of whom every module knows something, and another one. */
async function surroundings(t: Context) {
  const world = await testConsent(t)
  const { platform, needs, directory, clock } = world
  const price = { priceId: 'prc', planId: 'p', apiId: '*', unit: '0', list: '0', currency: 'EUR' }
  const metering = createMetering(platform, { contracts: { price: async () => price } })
  const audit = createAudit(platform)
  const list: readonly Eraser[] = [
    consentEraser(platform, needs),
    snapshotEraser(platform),
    authorizationEraser,
    meteringEraser,
    gatewayEraser,
  ]
  const forgetting = createForgetting(platform, {
    pseudonymOf: (environment, phone) => subjectOf(platform.sealing, environment, phone),
    erasers: list,
  })
  testDispatcher(t, platform, [audit.subscriber, createRevocations(platform, directory)])
  const settle = async () => {
    for (;;) {
      const { rows } = await platform.database.pool.query<{ root_id: string }>(
        `select root_id from platform.delivery where subscriber in ('audit', 'snapshot-revocations')`,
      )
      if (rows.length === 0) return
      await platform.outbox.settled(
        rows.map(({ root_id: id }) => id),
        30_000,
      )
    }
  }
  const count = async (...groups: Parameters<typeof exchange>[]) => {
    const records = groups.map(([id, more]) =>
      exchange(id, { environment: 'production', at: clock.now().getTime(), ...more }),
    )
    const [segment] = await writeSegments(testFolder(t), [records], { environment: 'production' })
    assert.ok(segment)
    const result = await metering.intake('production', segment.claim, segment.bytes)
    assert.equal(result.outcome, 'applied')
  }
  return { ...world, subject: world.question.subject, audit, forgetting, settle, count }
}

/** Every place of the database where a text stands. */
async function placesOf(pool: Pool, text: string): Promise<string[]> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  )
  const places: string[] = []
  for (const { name } of tables) {
    const { rowCount } = await pool.query(
      `select 1 from ${name} as one where position($1 in one::text) > 0 limit 1`,
      [text],
    )
    if (rowCount === 1) places.push(name)
  }
  return places
}

const about = (subject: string) => ({
  subject,
  tokenId: `tok_${subject}`,
  legal: {
    basis: 'consent',
    purpose: 'dpv:FraudPreventionAndDetection',
    consents: ['cns_x'],
    grant: 'gnt_x',
  },
})

test('after an erasure nothing in the database leads to the subscriber, and all that was signed holds', async (t) => {
  const world = await surroundings(t)
  const { platform, subject, audit, forgetting, settle, count, directory, question } = world
  const { pool } = platform.database
  await world.answer(world.request(), 'allow')
  await directory.object(
    { ...question, scopes: ['sim-swap:check'] },
    { kind: 'subscriber', subject, channel: 'privacy-page', method: 'sms' },
  )
  await count(
    ['a', about(subject)],
    ['b', about(subject)],
    ['c', about('somebody-else-with-a-pseudonym')],
  )
  await pool.query(
    `insert into gateway.resource_owner (environment, resource, id_hash, application_id, subject)
       values ('production', 'pay/payment', 'h', 'app', $1)`,
    [subject],
  )
  await pool.query(
    `insert into "authorization".subscriber_session values ('h', 'production', $1, now(), now() + interval '1 hour')`,
    [subject],
  )
  const target = await markOfSubject(platform, { environment: 'production', pseudonym: subject })
  await platform.database
    .as()
    .transaction()
    .execute((trx) =>
      recordAction(platform.outbox, trx, { actor: first, action: 'subscriber.searched', target }),
    )
  await settle()
  assert.ok((await placesOf(pool, subject)).length >= 8, 'it stands everywhere before')
  await audit.checkpoint({ now: true })

  const { id } = await forgetting.ask(first, { phoneNumber: number, reason: `letter of ${number}` })
  await assert.rejects(forgetting.confirm(first, id), /Somebody else/)
  const erased = await forgetting.confirm(second, id)
  assert.equal(erased['metering.exchange'], 2)
  assert.equal(erased['audit.segment'], 2)
  assert.equal(erased['consent.consent'], 2)
  assert.equal(erased['gateway.resource_owner'], 1)
  await settle()
  // That an objection is gone stays for a day, for gateways to learn of it.
  assert.deepEqual(await placesOf(pool, subject), ['snapshot.entry'])
  world.clock.advance(86_400_001)
  await sweepTombstones(platform)
  assert.deepEqual(await placesOf(pool, subject), [])
  const after = await markOfSubject(platform, { environment: 'production', pseudonym: subject })
  assert.notEqual(after, target, 'nobody finds the search again')
  await pool.query('delete from audit.subject where pseudonym = $1', [subject])
  assert.deepEqual(await placesOf(pool, number), [])
  assert.deepEqual(await placesOf(pool, number.slice(1)), [])

  assert.equal((await audit.exchangeEvidence('exc_a'))?.personal, 'erased')
  const other = await audit.exchangeEvidence('exc_c')
  assert.ok(other?.personal !== undefined && other.personal !== 'erased')
  assert.deepEqual(await directory.decide(question), {
    status: 'required',
    scopes: question.scopes,
  })
  await audit.checkpoint({ now: true })
  const report = await audit.verifyLog()
  assert.equal(report.ok, true, JSON.stringify(report))
  const { rows } = await pool.query<{ detail: object }>(
    `select detail from audit.entry where action = 'subscriber.erased'`,
  )
  assert.equal(rows.length, 1)
  await assert.rejects(forgetting.confirm(second, id), /done/)
})

test('a call about an erased subscriber afterwards is evidence again, under a key of its own', async (t) => {
  const world = await surroundings(t)
  const { platform, subject, audit, forgetting, settle, count } = world
  await count(['before', about(subject)])
  await settle()
  const { id } = await forgetting.ask(first, { phoneNumber: number, reason: 'letter 7' })
  await forgetting.confirm(second, id)
  // By the same process, which had the old key in memory.
  await count(['after', about(subject)])
  assert.equal((await audit.exchangeEvidence('exc_before'))?.personal, 'erased')
  const after = await audit.exchangeEvidence('exc_after')
  assert.ok(after?.personal !== undefined && after.personal !== 'erased')
  assert.equal(JSON.parse(after.personal.values).subject, subject)
  const { rows } = await platform.database.pool.query(
    'select 1 from audit.subject where pseudonym = $1',
    [subject],
  )
  assert.equal(rows.length, 1)
  await settle()
  assert.equal((await audit.verifyLog()).ok, true)
})

test('a key that somebody takes away in silence is found', async (t) => {
  const { platform, subject, audit, count, settle } = await surroundings(t)
  await count(['a', about(subject)])
  await settle()
  assert.equal((await audit.verifyLog()).ok, true)
  await platform.database.pool.query('delete from audit.subject where pseudonym = $1', [subject])
  const lost = await audit.verifyLog()
  assert.ok(!lost.ok)
  assert.match(lost.reason, /exchange exc_a is missing/)
  await platform.database.pool.query(
    `begin; set local audit.forgetting = 'yes'; update audit.segment set personal_ids[1] = null; commit`,
  )
  const silent = await audit.verifyLog()
  assert.ok(!silent.ok)
  assert.match(silent.reason, /1 records \(exchanges\) lost what was personal/)
})

test('of an asking and a confirmation that nobody gives in time the number goes', async (t) => {
  const { platform, forgetting, clock } = await surroundings(t)
  const { id } = await forgetting.ask(first, { phoneNumber: number, reason: 'letter 7' })
  clock.advance(24 * 3_600_000)
  await assert.rejects(forgetting.confirm(second, id), /within a day/)
  assert.equal(await forgetting.expireErasures(), 1)
  const { rows } = await platform.database.pool.query(
    'select state, sealed_number from audit.erasure',
  )
  assert.deepEqual(rows, [{ state: 'expired', sealed_number: null }])
})

test('of many confirmations at once one erases', async (t) => {
  const { forgetting, subject, count, settle, audit } = await surroundings(t)
  await count(['a', about(subject)])
  await settle()
  const { id } = await forgetting.ask(first, { phoneNumber: number, reason: 'letter 7' })
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, () => forgetting.confirm(second, id)),
  )
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  await settle()
  assert.equal((await audit.verifyLog()).ok, true)
})

test('each column that a subscriber may stand in is erased by its module, or says why not', async (t) => {
  const { platform } = await testConsent(t)
  const known = erasers(platform, { getApplication: async () => undefined } as never).flatMap(
    ({ columns }) => columns,
  )
  const { pool } = await testDatabase(t)
  const { rows } = await pool.query<{ name: string }>(
    `select table_schema || '.' || table_name || '.' || column_name as name from information_schema.columns c
     where table_schema not in ('pg_catalog', 'information_schema')
       and column_name ~ '(subject|pseudonym|phone|msisdn|subscriber|_number$)'
       and exists (select 1 from pg_class r join pg_namespace n on n.oid = r.relnamespace
         where n.nspname = table_schema and r.relname = table_name and r.relkind in ('r', 'p') and not r.relispartition)
     order by 1`,
  )
  const found = rows.map(({ name }) => name)
  const listed = [...known, ...Object.keys(otherSubjectColumns)]
  assert.deepEqual(
    found.filter((name) => !listed.includes(name)),
    [],
    'a new column: erase it in erase-subject.ts of its module',
  )
  assert.deepEqual(
    listed.filter((name) => !found.includes(name)),
    [],
    'a column that is not there any more',
  )
})
