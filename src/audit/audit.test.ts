import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { FastifyPluginAsync } from 'fastify'
import { sql } from 'kysely'
import { createHttpServer } from '#platform/http-server'
import type { Platform } from '#platform/module'
import { testDispatcher, testPlatform } from '#platform/testing'
import type { Actor } from './actor.ts'
import { createAudit } from './create-audit.ts'
import { type Action, recordAction } from './record-action.ts'
import type { AuditEvent } from './schema.ts'

const member: Actor = {
  kind: 'partner',
  id: 'mem_1',
  name: 'Ada',
  partnerId: 'prt_1',
  role: 'owner',
  via: 'session',
}
const staff: Actor = {
  kind: 'operator',
  id: 'stf_1',
  name: 'Op',
  role: 'administrator',
  via: 'token',
}

const record = (platform: Platform, action: Action): Promise<void> =>
  platform.database
    .as<unknown>()
    .transaction()
    .execute((trx) => recordAction(platform.outbox, trx, action))

/** Waits until nothing is owed to the subscriber any more. */
async function delivered(platform: Platform): Promise<void> {
  const roots = await sql<{ root_id: string }>`select root_id from platform.delivery`.execute(
    platform.database.as<unknown>(),
  )
  if (roots.rows.length === 0) return
  assert.ok(
    await platform.outbox.settled(
      roots.rows.map((row) => row.root_id),
      30_000,
    ),
  )
}

async function auditWith(t: TestContext, actions: readonly Action[]) {
  const platform = await testPlatform(t)
  const audit = createAudit(platform)
  for (const action of actions) await record(platform, action)
  testDispatcher(t, platform, [audit.subscriber])
  await delivered(platform)
  return { platform, audit }
}

const three: readonly Action[] = [
  {
    actor: member,
    action: 'application.created',
    target: 'app_1',
    detail: { environment: 'sandbox' },
  },
  { actor: staff, action: 'api.published', target: 'sim-swap/v2', detail: { changed: true } },
  { actor: staff, action: 'partner.suspended', target: 'prt_1', partnerId: 'prt_1' },
]

/** What somebody with the right to remove the trigger could do. */
const tamper = async (platform: Platform, statement: string): Promise<void> => {
  const db = platform.database.as<unknown>()
  await sql`alter table audit.entry disable trigger all`.execute(db)
  await sql.raw(statement).execute(db)
  await sql`alter table audit.entry enable trigger all`.execute(db)
}

test('an action is kept only when the change it tells of is', async (t) => {
  const { platform, audit } = await auditWith(t, [])
  const failed = platform.database
    .as<unknown>()
    .transaction()
    .execute(async (trx) => {
      await recordAction(platform.outbox, trx, { actor: staff, action: 'x.lost', target: 'x' })
      throw new Error('the change failed')
    })
  await assert.rejects(failed, /the change failed/)
  await record(platform, { actor: staff, action: 'x.kept', target: 'x' })
  await delivered(platform)
  assert.equal((await audit.verify()).entries, 1)
})

test('a chain that nobody touched is whole, from many writers at once', async (t) => {
  const { platform, audit } = await auditWith(t, three)
  await Promise.all(
    Array.from({ length: 30 }, (_, i) =>
      record(platform, {
        actor: staff,
        action: 'x.done',
        target: `x${i}`,
        detail: { i, s: ['ä', '"'] },
      }),
    ),
  )
  await delivered(platform)
  const report = await audit.verify()
  assert.ok(report.ok, JSON.stringify(report))
  assert.equal(report.entries, 33)
  assert.deepEqual(await audit.verify(report.head), report)
})

test('an event that is delivered twice is counted once', async (t) => {
  const { platform, audit } = await auditWith(t, three)
  const { rows } = await sql<{ id: string; root_id: string; payload: unknown }>`
    select id, root_id, payload from platform.outbox order by position limit 1`.execute(
    platform.database.as<unknown>(),
  )
  const [first] = rows
  assert.ok(first)
  await platform.database
    .as<unknown>()
    .transaction()
    .execute((trx) =>
      audit.subscriber.handle(trx, {
        id: first.id,
        type: 'audit.action',
        key: '',
        rootId: first.root_id,
        payload: first.payload,
        occurredAt: new Date(),
      }),
    )
  assert.equal((await audit.verify()).entries, 3)
})

test('refuses to change, delete or empty what was written', async (t) => {
  const { platform } = await auditWith(t, three)
  const db = platform.database.as<unknown>()
  for (const statement of [
    `update audit.entry set action = 'x'`,
    'delete from audit.entry where sequence = 1',
    'truncate audit.entry',
  ]) {
    await assert.rejects(sql.raw(statement).execute(db), /append-only/, statement)
  }
})

const attacks: Record<string, { statement: string; at: number; reason: RegExp }> = {
  'an altered detail': {
    statement: `update audit.entry set detail = '{"changed": false}' where sequence = 2`,
    at: 2,
    reason: /not what was hashed/,
  },
  'an altered time': {
    statement: `update audit.entry set occurred_at = occurred_at + interval '1 ms' where sequence = 1`,
    at: 1,
    reason: /not what was hashed/,
  },
  'a removed entry': {
    statement: 'delete from audit.entry where sequence = 2',
    at: 2,
    reason: /is missing/,
  },
  'a removed beginning': {
    statement: 'delete from audit.entry where sequence = 1',
    at: 1,
    reason: /is missing/,
  },
  'a replaced hash': {
    statement: `update audit.entry set hash = sha256('x') where sequence = 3`,
    at: 3,
    reason: /not what was hashed/,
  },
  'two entries in each other’s place': {
    statement: `update audit.entry set sequence = 9 where sequence = 2;
      update audit.entry set sequence = 2 where sequence = 3;
      update audit.entry set sequence = 3 where sequence = 9`,
    at: 2,
    reason: /does not follow/,
  },
}
for (const [name, attack] of Object.entries(attacks)) {
  test(`verification finds ${name}, and says where`, async (t) => {
    const { platform, audit } = await auditWith(t, three)
    await tamper(platform, attack.statement)
    const report = await audit.verify()
    assert.ok(!report.ok)
    assert.equal(report.at, attack.at)
    assert.match(report.reason, attack.reason)
  })
}

test('the removal of the newest entries is found against an end of the chain that was kept', async (t) => {
  const { platform, audit } = await auditWith(t, three)
  const before = await audit.verify()
  assert.ok(before.ok)
  await tamper(platform, 'delete from audit.entry where sequence = 3')
  assert.equal((await audit.verify()).ok, true)
  const report = await audit.verify(before.head)
  assert.ok(!report.ok)
  assert.equal(report.at, 3)
})

test('blanks phone numbers, e-mail addresses and secrets, wherever a person typed them', async (t) => {
  const typed = [
    '+990123456789',
    'call +990 12 345-67-89 now',
    'ada@example.com',
    'wl_live_sk_0123456789abcdefABCDEF',
    'wl_tok_0123456789abcdef',
    'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln',
  ]
  const { platform } = await auditWith(t, [
    ...typed.map((name) => ({
      actor: staff,
      action: 'x.named',
      target: name,
      detail: { name, list: [name] },
    })),
    { actor: staff, action: 'x.named', target: 'x', detail: { name: 'a\u0000b\ud800' } },
  ])
  const { rows } = await sql<{ text: string }>`
    select e::text || encode(convert_to(o.payload::text, 'utf8'), 'escape') as text
    from audit.entry e join platform.outbox o on o.id = e.event_id`.execute(
    platform.database.as<unknown>(),
  )
  assert.equal(rows.length, typed.length + 1)
  for (const { text } of rows) {
    // Longer than what a hash in hexadecimal holds by chance.
    for (const secret of ['990123', '990 12', '45-67', '@', 'sk_', 'wl_tok', 'eyJ']) {
      assert.ok(!text.includes(secret), text)
    }
  }
})

async function servedAudit(t: TestContext, platform: Platform, actor: Actor) {
  const server = createHttpServer({ log: platform.log })
  server.decorateRequest('actor')
  server.addHook('onRequest', async (request) => {
    request.actor = actor
  })
  const mount: FastifyPluginAsync = async (scope) => {
    await createAudit(platform).routes(scope as unknown as typeof server)
  }
  await server.register(mount, { prefix: '/management/v1' })
  t.after(() => server.close())
  return async (
    query = '',
  ): Promise<{ status: number; body: { items: AuditEvent[]; pagination: object } }> => {
    const answer = await server.inject({ url: `/management/v1/audit-events${query}` })
    return { status: answer.statusCode, body: answer.json() }
  }
}

test('the operator reads everything newest first, a page at a time', async (t) => {
  const { platform } = await auditWith(t, three)
  const get = await servedAudit(t, platform, staff)
  const first = await get('?perPage=2')
  assert.equal(first.status, 200)
  assert.deepEqual(
    first.body.items.map((e) => e.sequence),
    [3, 2],
  )
  assert.deepEqual(first.body.pagination, { page: 1, perPage: 2, totalCount: 3, totalPages: 2 })
  assert.deepEqual(
    (await get('?perPage=2&page=2')).body.items.map((e) => e.action),
    ['application.created'],
  )
  assert.deepEqual((await get('?page=9')).body.items, [])
  assert.equal((await get('?perPage=101')).status, 400)
  assert.equal((await get('?partnerId=prt_1')).status, 400)
})

test('a partner reads only what concerns it, and not which of the staff did it', async (t) => {
  const { platform } = await auditWith(t, three)
  const own = await (await servedAudit(t, platform, member))()
  assert.deepEqual(
    own.body.items.map((e) => [e.action, e.actor.id]),
    [
      ['partner.suspended', undefined],
      ['application.created', 'mem_1'],
    ],
  )
  const other = await (await servedAudit(t, platform, { ...member, partnerId: 'prt_2' }))()
  assert.deepEqual(other.body.items, [])
})
