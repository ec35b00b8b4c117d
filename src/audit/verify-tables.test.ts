import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql, type Transaction } from 'kysely'
import { manualClock } from '#platform/clock'
import { asRole, testDispatcher, testPlatform } from '#platform/testing'
import type { CheckpointSink, ExportedCheckpoint } from './checkpoint-sink.ts'
import { createAudit } from './create-audit.ts'
import { createForgetting } from './create-forgetting.ts'
import type { ExchangeFacts } from './evidence.ts'
import { createExchangeLog } from './exchange-log.ts'
import { recordAction } from './record-action.ts'
import { forgetOldEvidence } from './retention.ts'
import { markOfSubject } from './subject-mark.ts'
import type { AuditTables } from './tables.ts'

const dayMs = 86_400_000
const environment = 'production'
const pseudonymOf = (number: string): string => `pseudonym-of-somebody-${number}`
const staff = (id: string) =>
  ({ kind: 'operator', id, name: id, role: 'administrator', via: 'session' }) as const

function memorySink(): CheckpointSink {
  const kept: ExportedCheckpoint[] = []
  return {
    name: 'memory',
    add: async (checkpoints) => {
      kept.push(...checkpoints.map(({ checkpoint, key }) => ({ checkpoint, key })))
    },
    list: async () => kept,
    newest: async () => kept.at(-1),
  }
}

/** A log with something of everything in it: what went by its age, what was erased, two keys, and checkpoints outside. */
async function fullLog(t: TestContext) {
  const clock = manualClock('2026-03-01T12:00:00Z')
  const platform = await testPlatform(t, { clock })
  const sinks = [memorySink()]
  const audit = createAudit(platform, { sinks })
  const exchanges = createExchangeLog(platform)
  testDispatcher(t, platform, [audit.subscriber])
  const forgetting = createForgetting(platform, {
    pseudonymOf: (where, number) => `${pseudonymOf(number)}-${where}`,
    erasers: [],
  })
  const transaction = (work: (trx: Transaction<AuditTables>) => Promise<unknown>) =>
    platform.database.as<AuditTables>().transaction().execute(work)
  const settle = async (thing: string): Promise<void> =>
    assert.ok(await platform.outbox.settledAbout(thing, 30_000))
  const act = async (target: string): Promise<void> => {
    const actor = { kind: 'system', id: 'test' } as const
    await transaction((trx) =>
      recordAction(platform.outbox, trx, { actor, action: 'thing.done', target }),
    )
    await settle(target)
  }
  const consent = (id: string, final: boolean) =>
    transaction((trx) =>
      audit.appendEvidence(trx, {
        ...{ kind: 'consent', id: `${id}/1`, at: clock.now(), record: { state: 'X' } },
        about: { subject: { environment, pseudonym: pseudonymOf(id) }, personal: { id } },
        ...{ thing: { id, final }, partnerId: 'prt_1', applicationId: 'app_1' },
      }),
    )
  const count = async (id: string, sequence: number): Promise<void> => {
    const facts: ExchangeFacts = {
      ...{ id, at: clock.now().getTime(), environment, method: 'POST', status: 200 },
      ...{ requestBytes: 1, responseBytes: 1, units: 1, subject: pseudonymOf(id) },
    }
    const origin = { environment, gatewayId: 'g', boot: 'b', sequence } as const
    const prepared = await exchanges.prepare({ ...origin, sha256: '0'.repeat(64) }, [facts])
    assert.ok(prepared)
    await transaction(async (trx) => {
      await exchanges.write(trx, prepared)
      await exchanges.append(trx, prepared)
    })
  }
  const erasure = async (number: string): Promise<string> => {
    const { id } = await forgetting.ask(staff('stf_1'), { phoneNumber: number, reason: 'a letter' })
    await settle(id)
    return id
  }

  for (const target of ['t1', 't2']) await act(target)
  await consent('cns_old', true)
  await count('exc_old', 0)
  await audit.checkpoint({ now: true })
  clock.advance(40 * dayMs)
  await act('t3')
  const keep = { exchanges: 30, consents: 30, actions: 30 }
  assert.equal(await forgetOldEvidence(platform.database.as<AuditTables>(), clock, keep), 4)
  await consent('cns_1', false)
  await consent('cns_2', true)
  await transaction((trx) =>
    audit.appendEvidence(trx, {
      ...{ kind: 'consent', id: 'cns_3/1', at: clock.now(), record: { state: 'X' } },
      about: {
        subject: { environment, pseudonym: `${pseudonymOf('+99012345678')}-production` },
        personal: { id: 'erased' },
      },
    }),
  )
  await markOfSubject(platform, { environment, pseudonym: pseudonymOf('nobody') })
  await count('exc_1', 1)
  const done = await erasure('+99012345678')
  await forgetting.confirm(staff('stf_2'), done)
  await erasure('+99012345671')
  clock.advance(dayMs)
  assert.equal(await forgetting.expireErasures(), 1)
  const open = await erasure('+99012345672')
  for (const id of [done, open]) await settle(id)
  await audit.checkpoint({ now: true })
  await audit.rotateKey({ kind: 'system', id: 'test' })
  await act('t4')
  await audit.checkpoint({ now: true })
  // A day on which nothing happened yet: rows could be moved there.
  await sql`select audit.make_evidence_day(${clock.now()}::date)`.execute(
    platform.database.as<AuditTables>(),
  )
  clock.advance(3_600_000)
  // Who verifies has the role of control.
  const { verifyLog } = createAudit(await asRole(t, platform, 'control'), { sinks })
  return { verifyLog, pool: platform.database.pool }
}

/** Parts of `segment`, one for each day. */
const part = /^segment_\d{8}$/

/** Rows of each table, each of another sort. */
const sorts: Record<string, readonly string[]> = {
  entry: [`action = 'thing.done'`, `action = 'subscriber.erased'`],
  leaf: [
    `kind = 'action' and position = 0`,
    `id = 'cns_old/1'`,
    `id like '%/0'`,
    `id like '%/1' and kind = 'exchanges'`,
    `id = 'cns_1/1'`,
    `kind = 'retention'`,
    `kind = 'erasure'`,
  ],
  node: ['level = 1 and position = 0', 'level = 2 and position = 1'],
  signing_key: [
    'made_at = (select min(made_at) from audit.signing_key)',
    'made_at = (select max(made_at) from audit.signing_key)',
  ],
  checkpoint: [
    'size = (select min(size) from audit.checkpoint)',
    'size = (select max(size) from audit.checkpoint)',
  ],
  checkpoint_export: [
    'size = (select min(size) from audit.checkpoint)',
    'size = (select max(size) from audit.checkpoint)',
  ],
  subject: [
    `pseudonym = '${pseudonymOf('cns_1')}'`,
    `pseudonym = '${pseudonymOf('nobody')}'`,
    `pseudonym = '${pseudonymOf('exc_1')}'`,
  ],
  key_epoch: ['true'],
  evidence_day: ['dropped_at is null', 'dropped_at is not null'],
  evidence: [
    `id = 'cns_1/1'`,
    `id = 'cns_2/1'`,
    `id = 'cns_3/1'`,
    `kind = 'retention' and record like '%"of":"action"%'`,
    `kind = 'erasure'`,
  ],
  segment: ['true'],
  personal: [
    `subject_id = (select id from audit.subject where pseudonym = '${pseudonymOf('exc_1')}')`,
  ],
  party: ['id = any (select unnest(parties) from audit.segment)'],
  erasure: [`state = 'done'`, `state = 'expired'`, `state = 'asked'`],
}

const byType: Record<string, string> = {
  text: `coalesce(#, '') || 'x'`,
  bigint: 'coalesce(#, 0) + 1000',
  integer: '# + 1000',
  smallint: '# + 20',
  'timestamp with time zone': `coalesce(#, now()) + interval '1 microsecond'`,
  date: '# - 400',
  boolean: 'not #',
  jsonb: `'{"x": 1}'`,
  bytea: `sha256('x')`,
}

/** What the type allows and the table does not, and what is only to be found one way. */
const changes: Record<string, string> = {
  'entry.actor_kind': `'anonymous'`,
  'signing_key.id': `'ffffffff'`,
  'subject.environment': `'sandbox'`,
  'key_epoch.value': '# - 1',
  'signing_key.made_at': `# + interval '1 minute'`,
  'segment.day': `(select max(d.day) from audit.evidence_day d where d.dropped_at is null and d.day <> segment.day)`,
  'segment.ids': `array_replace(#, #[1], #[1] || 'x')`,
  'segment.id_starts': `array_replace(#, #[1], 'x')`,
  'segment.ats': 'array_replace(#, #[1], #[1] + 1)',
  'segment.party_ids': 'array_replace(#, #[1], #[1] + 1)',
  'segment.parties': 'array_replace(#, #[1], #[1] + 1)',
  'segment.personal_ids': 'array_replace(#, #[1], #[1] + 1)',
  'party.environment': `'sandbox'`,
  'evidence_day.dropped_at': `case when # is null then now() else # + interval '1 day' end`,
  'erasure.state': `case # when 'done' then 'cancelled' when 'expired' then 'done' else # end`,
  'evidence.subject_id': `case when # is null then (select min(id) from audit.subject) end`,
}

/** What nobody can make anything of. */
const unreadable = [
  ...[`'{}'`, `'null'`, `''`, `'{"of":1,"ranges":{}}'`].map(
    (value) => `evidence set record = ${value}`,
  ),
  `evidence set at = 'infinity'`,
  `evidence set appended_at = '-infinity'`,
  ...[`'null'`, `'[]'`].map((value) => `entry set detail = ${value}`),
  `entry set occurred_at = 'infinity'`,
  `checkpoint set note = ''`,
  `checkpoint set made_at = 'infinity'`,
  `signing_key set made_at = '-infinity'`,
  `signing_key set public_key = ''`,
  `erasure set asked_at = 'infinity'`,
  `evidence_day set dropped_at = 'infinity'`,
  `key_epoch set value = -9223372036854775808`,
]

/** A row that somebody puts there: as another one, but for this. */
const additions: Record<string, readonly Record<string, unknown>[]> = {
  entry: [{ sequence: 1000, event_id: 'evt_x' }],
  leaf: [{ position: 1000, id: 'x' }],
  node: [{ level: 20 }],
  signing_key: [{ id: 'ffffffff', made_at: '2026-02-01T00:00:00Z' }],
  checkpoint: [{ size: 1000 }],
  checkpoint_export: [{ size: 1000 }],
  subject: [{ id: 1000, pseudonym: 'x' }],
  evidence_day: [
    { day: '2027-01-01', dropped_at: null },
    { day: '2027-01-01', dropped_at: '2026-12-01T00:00:00Z' },
  ],
  evidence: [{ id: 'x' }],
  erasure: [{ id: 'ers_x' }],
  segment: [{ id: 1000, leaf_id: 'x' }, { id: 1000 }],
  personal: [{ id: 1000, digest: 'x' }],
  party: [{ id: 1000, purpose: 'x' }],
}

/** What is no evidence, of which rows (`*`: of all), and why. */
const noEvidence: Record<string, Record<string, string>> = {
  'signing_key.made_at': {
    'made_at = (select min(made_at) from audit.signing_key)':
      'the log tells when each key but the first was made; of that one only the order counts',
  },
  'checkpoint_export.exported_at': { '*': 'nothing is told by it' },
  'subject.made_at': { '*': 'when a key that nothing is sealed with may go' },
  'subject.id': {
    [`pseudonym = '${pseudonymOf('nobody')}'`]: 'nothing refers to it, and the key is the same',
  },
  'key_epoch.only_one': { '*': 'can be nothing but true' },
  'evidence_day.day': {
    'dropped_at is not null':
      'how many days went, and when, is told; nothing is left of which it was',
  },
  'segment.id': { '*': 'nothing refers to it' },
  'personal.+': { '*': 'nothing refers to it' },
  'party.+': { '*': 'nothing refers to it' },
  'personal.made_at': { '*': 'when a value that no call has any more may go' },
  'evidence.sealed': { "id = 'cns_3/1'": 'the key is destroyed: nothing opens it' },
  'erasure.sealed_number': {
    "state = 'done'": 'a number can stand only in one that is open',
    "state = 'expired'": 'a number can stand only in one that is open',
  },
  'erasure.state': { "state = 'asked'": 'can be no other while the number is there' },
  'subject.*': {
    [`pseudonym = '${pseudonymOf('nobody')}'`]: 'a key that nothing is sealed with may go',
  },
}

const whyNot = (name: string, sort: string): string | undefined =>
  noEvidence[name]?.['*'] ?? noEvidence[name]?.[sort]

test('any change of any column of any row, any row that is taken away or put there, is found: but for what is no evidence', async (t) => {
  const { verifyLog, pool } = await fullLog(t)
  const whole = await verifyLog()
  assert.ok(whole.ok, JSON.stringify(whole))
  const { rows: columns } = await pool.query<{ table: string; column: string; type: string }>(
    `select c.table_name as table, c.column_name as column, c.data_type as type
     from information_schema.columns c where c.table_schema = 'audit' order by 1, c.ordinal_position`,
  )
  const own = columns.filter(({ table }) => !part.test(table))
  assert.deepEqual([...new Set(own.map(({ table }) => table))].sort(), Object.keys(sorts).sort())
  for (const table of ['subject', 'personal', 'party'])
    await pool.query(`alter table audit.${table} alter id set generated by default`)
  const used = new Set<string>()
  const unfound: string[] = []
  const attempt = async (table: string, statement: string, name: string, sort: string) => {
    const client = await pool.connect()
    const asSuperuser = async (work: string): Promise<number> => {
      await client.query('begin; set local session_replication_role = replica')
      const result = await client.query(work)
      await client.query('commit')
      return result.rowCount ?? 0
    }
    try {
      await client.query(`create temp table before as select * from audit.${table}`)
      const altered = await asSuperuser(statement)
      assert.ok(altered > 0, statement)
      const report = await verifyLog()
      const reason = whyNot(name, sort)
      if (reason !== undefined) used.add(name)
      if (report.ok !== (reason !== undefined))
        unfound.push(`${statement}: ${report.ok ? 'not found' : report.reason}`)
      await asSuperuser(`delete from audit.${table}`)
      await asSuperuser(`insert into audit.${table} overriding system value select * from before`)
      await client.query('drop table before')
    } finally {
      client.release()
    }
  }
  for (const [table, wheres] of Object.entries(sorts))
    for (const where of wheres) {
      for (const { column, type } of own.filter((one) => one.table === table)) {
        const name = `${table}.${column}`
        const refused = whyNot(name, where)
        // What the table itself refuses cannot be tried.
        if (/^(can be|a number can)/.test(refused ?? '')) {
          used.add(name)
          continue
        }
        const change = (changes[name] ?? byType[type] ?? '').replaceAll('#', column)
        assert.notEqual(change, '', `${name} (${type}) has no way to be changed`)
        await attempt(
          table,
          `update audit.${table} set ${column} = ${change} where ${where}`,
          name,
          where,
        )
      }
      await attempt(table, `delete from audit.${table} where ${where}`, `${table}.*`, where)
    }
  for (const [table, rows] of Object.entries(additions))
    for (const row of rows) {
      const like = `jsonb_populate_record(one, '${JSON.stringify(row)}')`
      const add = `insert into audit.${table} select (${like}).* from audit.${table} as one limit 1`
      await attempt(table, add, `${table}.+`, '')
    }
  for (const change of unreadable)
    await attempt(change.split(' ')[0] ?? '', `update audit.${change}`, change, '')
  assert.deepEqual(unfound, [])
  assert.deepEqual(
    Object.keys(noEvidence).filter((name) => !used.has(name)),
    [],
  )
  const again = await verifyLog()
  assert.deepEqual(again, whole, 'everything was put back')
})
