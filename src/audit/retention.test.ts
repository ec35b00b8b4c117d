import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#platform/clock'
import { testDispatcher, testPlatform } from '#platform/testing'
import { createAudit } from './create-audit.ts'
import type { ExchangeFacts } from './evidence.ts'
import { createExchangeLog } from './exchange-log.ts'
import { recordAction } from './record-action.ts'
import { forgetOldEvidence } from './retention.ts'
import type { AuditTables } from './tables.ts'

type Context = Parameters<typeof testPlatform>[0]

const dayMs = 86_400_000
const keep = { exchanges: 30, consents: 30, actions: 30 }

async function surroundings(t: Context) {
  const clock = manualClock('2026-03-01T12:00:00Z')
  const platform = await testPlatform(t, { clock })
  const audit = createAudit(platform)
  const log = createExchangeLog(platform)
  testDispatcher(t, platform, [audit.subscriber])
  const { pool } = platform.database
  let sequence = 0
  const trx = <T>(work: Parameters<ReturnType<typeof starter>['execute']>[0]) =>
    starter().execute(work) as Promise<T>
  const starter = () => platform.database.as<AuditTables>().transaction()
  return {
    clock,
    platform,
    audit,
    pool,
    /** One segment with a call about each of these. */
    async count(...ids: string[]) {
      const facts = ids.map(
        (id): ExchangeFacts => ({
          ...{ id, at: clock.now().getTime(), environment: 'production', method: 'POST' },
          ...{ status: 200, requestBytes: 1, responseBytes: 1, units: 1 },
          ...{ subject: `subject-of-${id}`, legal: { basis: 'contract' } },
        }),
      )
      const origin = { environment: 'production', gatewayId: 'g', boot: 'b' } as const
      const prepared = await log.prepare({ ...origin, sequence, sha256: '0'.repeat(64) }, facts)
      sequence += 1
      assert.ok(prepared)
      await trx(async (one) => {
        await log.write(one, prepared)
        await log.append(one, prepared)
      })
    },
    async act(target: string) {
      await trx((one) =>
        recordAction(platform.outbox, one, {
          ...{ actor: { kind: 'system', id: 'test' }, action: 'thing.done', target },
        }),
      )
      assert.ok(await platform.outbox.settledAbout(target, 10_000))
    },
    consent: (id: string, change: number, final: boolean) =>
      trx((one) =>
        audit.appendEvidence(one, {
          ...{ kind: 'consent', id: `${id}/${change}`, at: clock.now(), record: { state: 'X' } },
          about: {
            subject: { environment: 'production', pseudonym: `subject-of-${id}` },
            personal: { piiPrincipalId: id },
          },
          thing: { id, final },
        }),
      ),
    forget: () => forgetOldEvidence(platform.database.as<AuditTables>(), clock, keep),
    async kept() {
      const { rows } = await pool.query<{ id: string }>(
        `select unnest(ids) as id from audit.segment union all select id from audit.evidence where kind = 'consent'
         union all select target from audit.entry order by 1`,
      )
      return rows.map(({ id }) => id)
    },
    async retention() {
      const { rows } = await pool.query<{ record: string }>(
        `select e.record from audit.evidence e join audit.leaf l on l.kind = e.kind and l.id = e.id
         where e.kind = 'retention' order by l.position`,
      )
      return rows.map(({ record }) => JSON.parse(record))
    },
  }
}

test('contents past their period go, the log tells which, and everything that is left still verifies', async (t) => {
  const { count, act, consent, forget, kept, clock, audit, retention } = await surroundings(t)
  await count('exc_1', 'exc_2')
  await act('t1')
  await consent('ended', 1, false)
  await consent('ended', 2, true)
  await consent('lives', 1, false)
  await count('exc_3')
  await act('t2')
  clock.advance(20 * dayMs)
  await count('exc_4')
  await act('t3')
  await audit.checkpoint({ now: true })
  assert.equal(await forget(), 0, 'nothing is old yet')
  clock.advance(12 * dayMs)
  assert.equal(await forget(), 3 + 2 + 2)
  assert.deepEqual(await kept(), ['exc_4', 'lives/1', 't3'])
  const told = await retention()
  assert.deepEqual(
    told.map((one) => [one.of, one.records, one.ranges]),
    [
      ['exchanges', 3, [{ first: 0, last: 5, leaves: 2 }]],
      ['consent', 2, [{ first: 2, last: 3, leaves: 2 }]],
      ['action', 2, [{ first: 1, last: 6, leaves: 2 }]],
    ],
  )
  await audit.checkpoint({ now: true })
  const report = await audit.verifyLog()
  assert.equal(report.ok, true, JSON.stringify(report))
  assert.equal((await audit.verify()).ok, true)
  await act('t4')
  await count('exc_5')
  assert.equal((await audit.verifyLog()).ok, true, 'the chain goes on')
  assert.equal(await forget(), 0)
})

test('contents that go without a word are named, the first one', async (t) => {
  const { count, consent, forget, audit, pool, clock } = await surroundings(t)
  await count('exc_1')
  clock.advance(dayMs)
  await consent('a', 1, true)
  await consent('b', 1, true)
  await count('exc_2')
  assert.equal((await audit.verifyLog()).ok, true)
  await pool.query(`begin; set local audit.forgetting = 'yes';
    delete from audit.evidence where id = 'b/1'; commit`)
  const report = await audit.verifyLog()
  assert.deepEqual(report, {
    ok: false,
    at: 2,
    reason: 'the contents of leaf 2 (consent b/1) are missing, and nothing in the log says why',
  })
  clock.advance(40 * dayMs)
  await forget()
  assert.equal((await audit.verifyLog()).ok, false, 'what went by age does not excuse it')
})

test('records of a segment that were changed, exchanged or removed are found', async (t) => {
  const changes = [
    [`update audit.segment set contents = 'x'`, /are not those that were hashed/],
    [
      `update audit.segment set record = replace(record, '"records":2', '"records":1')`,
      /not the hash of its record/,
    ],
    [
      `update audit.segment set ids = ids[1:1], ats = ats[1:1], party_ids = party_ids[1:1], personal_ids = personal_ids[1:1]`,
      /has 2 records, and 1 are found/,
    ],
    [
      `update audit.evidence set record = replace(record, 'X', 'Y')`,
      /is not the hash of its record/,
    ],
    [`delete from audit.segment`, /leaf 0 \(exchanges .*\) are missing/],
  ] as const
  for (const [change, reason] of changes) {
    const { count, consent, audit, pool } = await surroundings(t)
    await count('exc_1', 'exc_2')
    await consent('a', 1, false)
    await assert.rejects(pool.query(change), /is refused/)
    await pool.query(`begin; set local audit.forgetting = 'yes'; ${change}; commit`)
    const report = await audit.verifyLog()
    assert.ok(!report.ok, change)
    assert.match(report.reason, reason)
  }
})

test('by what evidence is found, and what is personal in it, is compared as well', async (t) => {
  const made = `'made-up', now(), now(), '{"of":"exchanges","erased":0,"ranges":[{"first":0,"last":9,"leaves":9}]}'`
  const changes = [
    [`update audit.segment set ids[1] = 'exc_9'`, /exc_1 is found by something else/],
    [`update audit.segment set ats[1] = ats[1] - 1`, /exc_1 is found by something/],
    [`update audit.segment set ids = array[ids[2], ids[1]]`, /exc_1 is found by something else/],
    [`update audit.segment set ids[3] = 'exc_3'`, /has 2 records, and 3 are found/],
    [`update audit.segment set party_ids[1] = 0`, /exc_1 is found by something else/],
    [`update audit.party set partner_id = 'prt_9'`, /exc_1 is found by something else/],
    [`delete from audit.party`, /exc_1 is found by something else/],
    [`update audit.segment set personal_ids[1] = 0`, /personal in the call exc_1 is not there/],
    [
      `update audit.segment set personal_ids[1] = personal_ids[2]`,
      /personal in the call exc_1 cannot be opened/,
    ],
    ...["id_starts = '{}'", "parties = '{}'", "from_at = from_at + '1 s'", 'records = 3'].map(
      (change) =>
        [`update audit.segment set ${change}`, /is found by something else than its rec/] as const,
    ),
    [`update audit.segment set to_at = to_at - '1 s'::interval`, /found by something else than/],
    [`update audit.personal set sealed = 'd1.x'`, /personal in the call exc_1 cannot be opened/],
    [`update audit.personal set digest = digest || 'x'`, /the call exc_1 cannot be opened/],
    [`update audit.subject set wrapped_key = 'x'`, /cannot be opened/],
    [`update audit.evidence set sealed = 'd1.x'`, /\(consent a\/1\) cannot be opened/],
    [`update audit.evidence set sealed = null, subject_id = null`, /a\/1\) is not there as/],
    [`update audit.evidence set at = at - interval '1 day'`, /found by another id or time/],
    [
      `insert into audit.evidence values ('retention', ${made}); delete from audit.segment`,
      /retention made-up was put there, and no leaf of the log has it/,
    ],
    [
      `insert into audit.segment select 9, day, 'x', record, records, contents, ids, ats, party_ids, personal_ids, id_starts,
        parties, from_at, to_at from audit.segment`,
      /exchanges x was put there/,
    ],
  ] as const
  for (const [change, reason] of changes) {
    const { count, consent, audit, pool } = await surroundings(t)
    await count('exc_1', 'exc_2')
    await consent('a', 1, false)
    assert.equal((await audit.verifyLog()).ok, true)
    await pool.query(`begin; set local audit.forgetting = 'yes'; ${change}; commit`)
    const report = await audit.verifyLog()
    assert.ok(!report.ok, change)
    assert.match(report.reason, reason, change)
  }
})

test('keys that nothing is left of go with the last record, and a process that had them in memory makes new ones', async (t) => {
  const { count, forget, clock, pool, audit } = await surroundings(t)
  await count('exc_1')
  clock.advance(100 * dayMs)
  await count('exc_2')
  await forget()
  const { rows } = await pool.query<{ pseudonym: string }>('select pseudonym from audit.subject')
  assert.deepEqual(rows, [{ pseudonym: 'subject-of-exc_2' }])
  await assert.rejects(count('exc_1'), /erased at the same moment/)
  await count('exc_1')
  assert.ok((await audit.exchangeEvidence('exc_1'))?.personal !== 'erased')
  assert.equal((await audit.verifyLog()).ok, true)
})

test('a clock that runs years ahead takes nothing away', async (t) => {
  const { count, forget, clock, kept } = await surroundings(t)
  const { now } = Date
  clock.advance(now() - clock.now().getTime())
  await count('exc_1')
  clock.advance(20 * 365 * dayMs)
  assert.equal(await forget(), 0)
  assert.deepEqual(await kept(), ['exc_1'])
})

test('two processes that forget at once tell of each record once', async (t) => {
  const { count, consent, act, forget, clock, audit, retention } = await surroundings(t)
  for (let i = 0; i < 5; i += 1) {
    await count(`exc_${i}`)
    await consent(`c${i}`, 1, true)
    await act(`t${i}`)
  }
  clock.advance(40 * dayMs)
  await act('last')
  await Promise.all(Array.from({ length: 4 }, forget))
  const told = await retention()
  const records = told.reduce((sum, one) => sum + one.records, 0)
  assert.equal(records, 15)
  assert.equal((await audit.verifyLog()).ok, true)
})
