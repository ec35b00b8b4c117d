import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql, type Transaction } from 'kysely'
import { AppError } from '#platform/app-error'
import { manualClock } from '#platform/clock'
import { createDatabasePool } from '#platform/database'
import type { Eraser } from '#platform/eraser'
import { testDispatcher, testPlatform } from '#platform/testing'
import { recordEvidence } from './append-evidence.ts'
import { createAudit } from './create-audit.ts'
import { createForgetting } from './create-forgetting.ts'
import { forgetOldEvidence } from './retention.ts'
import type { AuditTables } from './tables.ts'

const dayMs = 86_400_000
const staff = (id: string) =>
  ({ kind: 'operator', id, name: id, role: 'administrator', via: 'session' }) as const

test('evidence and actions that are counted in one transaction make retention wait, and nobody is ended for it', async (t) => {
  const clock = manualClock('2026-03-01T12:00:00Z')
  const platform = await testPlatform(t, { clock })
  const { subscriber, verifyLog } = createAudit(platform)
  const db = platform.database.as<AuditTables>()
  const tell = (trx: Transaction<AuditTables>, id: string, what: object): Promise<void> =>
    subscriber.handle(trx as never, {
      ...{ id, key: id, rootId: id, occurredAt: clock.now(), ...(what as { type: string }) },
      payload: 'payload' in what ? what.payload : undefined,
    })
  const action = {
    type: 'audit.action',
    payload: { actorKind: 'system', actorId: 'x', action: 'a.b', target: 't', detail: {} },
  }
  const evidence = (id: string) => ({
    type: 'audit.evidence',
    payload: { kind: 'consent', id, at: clock.now().toISOString(), record: {} },
  })
  await db.transaction().execute(async (trx) => {
    for (const id of ['evt_1', 'evt_2']) await tell(trx, id, action)
  })
  clock.advance(40 * dayMs)
  const keep = { exchanges: undefined, consents: undefined, actions: 31 }
  let forgotten: Promise<number> | undefined
  await db.transaction().execute(async (trx) => {
    await tell(trx, 'evt_3', evidence('cns_1'))
    forgotten = forgetOldEvidence(db, clock, keep)
    for (const until = Date.now() + 30_000; ; await delay(5)) {
      const { rows } = await sql`
        select from pg_locks where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())`.execute(
        db,
      )
      if (rows.length > 0) break
      assert.ok(Date.now() < until, 'retention waits for who appends')
    }
    await tell(trx, 'evt_4', action)
    await tell(trx, 'evt_5', evidence('cns_2'))
  })
  assert.equal(await forgotten, 2)
  const report = await verifyLog()
  assert.ok(report.ok, JSON.stringify(report))
  assert.equal(report.leaves, 6)
})

test('an erasure that meets another transaction is tried anew, and after some tries refused as a whole', async (t) => {
  const platform = await testPlatform(t)
  let meetings = 0
  const order: string[] = []
  const eraser = (name: string): Eraser => ({
    columns: [],
    async erase(trx, { environment }) {
      if (meetings > 0) {
        meetings -= 1
        // As PostgreSQL ends one of two that wait for each other.
        await sql`do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$`.execute(
          trx,
        )
      }
      order.push(`${name} ${environment}`)
      return { [`${name}.rows`]: 1 }
    },
  })
  const forgetting = createForgetting(platform, {
    pseudonymOf: (environment, number) => `pseudonym-of-somebody-${environment}-${number}`,
    erasers: [eraser('one'), eraser('two')],
  })
  const asked = { phoneNumber: '+99012345678', reason: 'a letter' }
  const { id } = await forgetting.ask(staff('stf_1'), asked)
  meetings = 4
  const erased = await forgetting.confirm(staff('stf_2'), id)
  assert.deepEqual([erased['one.rows'], erased['two.rows']], [2, 2])
  assert.deepEqual(
    order.map((one) => one.split(' ')[0]),
    ['one', 'one', 'two', 'two'],
    'modules come in one order, whatever the environments are',
  )

  const again = await forgetting.ask(staff('stf_1'), asked)
  meetings = 5
  await assert.rejects(
    forgetting.confirm(staff('stf_2'), again.id),
    (error: unknown) => error instanceof AppError && error.code === 'UNAVAILABLE',
  )
  await forgetting.confirm(staff('stf_2'), again.id)
})

test('evidence about new subscribers needs no other connection once the log is held: those that wait for it may have all', async (t) => {
  const platform = await testPlatform(t)
  const database = createDatabasePool(platform.database.url, { applicationName: 'few', max: 2 })
  t.after(() => database.close())
  const few = { ...platform, database }
  const audit = createAudit(few)
  let waiting: Promise<unknown> | undefined
  let failed = 0
  testDispatcher(t, few, [
    {
      ...audit.subscriber,
      async handle(trx, event) {
        await audit.subscriber.handle(trx, event).catch((error: unknown) => {
          failed += 1
          throw error
        })
        // The only other connection waits for the end of the log, which this transaction holds.
        waiting ??= database.pool.query(`select audit.append_leaf('x', 'y', sha256('z'))`)
      },
    },
  ])
  await platform.database
    .as()
    .transaction()
    .execute(async (trx) => {
      for (const pseudonym of ['first', 'second', 'third'])
        await recordEvidence(platform.outbox, trx, {
          ...{ kind: 'consent', id: pseudonym, at: platform.clock.now(), record: {} },
          about: { subject: { environment: 'production', pseudonym }, personal: { pseudonym } },
        })
    })
  for (const until = Date.now() + 30_000; ; await delay(20)) {
    const { rowCount } = await platform.database.pool.query('select from platform.delivery')
    if (rowCount === 0) break
    assert.ok(Date.now() < until, 'every event becomes evidence')
  }
  await waiting
  assert.equal(failed, 0, 'each at the first try')
})
