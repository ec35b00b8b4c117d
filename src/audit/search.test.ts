import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { FastifyPluginAsync } from 'fastify'
import { sql } from 'kysely'
import { manualClock } from '#platform/clock'
import { createHttpServer } from '#platform/http-server'
import { testDispatcher, testPlatform } from '#platform/testing'
import type { Actor } from './actor.ts'
import { createAudit } from './create-audit.ts'
import type { ExchangeFacts } from './evidence.ts'
import { createExchangeLog } from './exchange-log.ts'
import type { EvidenceItem, EvidencePage, EvidenceStatus, EvidenceStory } from './schema.ts'
import { append } from './store.ts'
import { markOfSubject } from './subject-mark.ts'
import type { AuditTables } from './tables.ts'
import { verifyBundle } from './verify.mjs'

const start = Date.UTC(2030, 0, 10, 12)
const number = '+99010000001'
const pseudonymOf = (environment: string, phone: string): string =>
  `p:${environment}:${phone.length}:${phone.at(-1)}`
const auditor: Actor = { kind: 'operator', id: 'stf_1', name: 'A', role: 'auditor', via: 'session' }

const exchange = (n: number, more: Partial<ExchangeFacts> = {}): ExchangeFacts => ({
  ...{ id: `exc_${n}`, at: start - n * 60_000, environment: 'production', partnerId: 'prt_1' },
  ...{ applicationId: 'app_1', apiId: 'device-location/v2', method: 'POST', status: 200 },
  ...{ subject: pseudonymOf('production', number), requestBytes: 1, responseBytes: 1, units: 1 },
  legal: { basis: 'consent', purpose: 'dpv:FraudPreventionAndDetection', consents: ['cns_1'] },
  ...more,
})

async function setUp(t: TestContext) {
  const clock = manualClock(new Date(start).toISOString())
  const platform = await testPlatform(t, { clock })
  const audit = createAudit(platform, { pseudonymOf })
  const log = createExchangeLog(platform)
  const db = platform.database.as<AuditTables>()
  const origin = {
    ...{ environment: 'production' as const, gatewayId: 'gtw_1', boot: 'b', sha256: 'x' },
    sequence: 0,
  }
  const prepared = await log.prepare(origin, [
    ...[1, 2, 3, 4, 5, 6].map((n) => exchange(n)),
    exchange(7, { partnerId: 'prt_2', applicationId: 'app_2' }),
    exchange(8, { subject: 'p:other', apiId: 'sim-swap/v2' }),
    exchange(9, { environment: 'sandbox', subject: pseudonymOf('sandbox', number) }),
    exchange(10, { legal: { basis: 'contract' } }),
    // The same moment: the order is that of the ids.
    ...[20, 21, 22].map((n) => exchange(n, { at: start - 90_000 })),
  ])
  assert.ok(prepared)
  await db.transaction().execute(async (trx) => {
    for (let n = 0; n < 4; n += 1)
      await audit.appendEvidence(trx, {
        ...{ kind: 'consent', id: `cns_1/${n}`, at: new Date(start - 3_600_000 + n * 1_000) },
        record: { state: 'GRANTED', environment: 'production' },
        about: {
          subject: { environment: 'production', pseudonym: pseudonymOf('production', number) },
          personal: { x: 1 },
        },
        ...{ thing: { id: 'cns_1', final: false }, partnerId: 'prt_1', applicationId: 'app_1' },
      })
    for (let n = 0; n < 4; n += 1)
      await append(trx, {
        ...{ event_id: `evt_${n}`, occurred_at: new Date(start - 150_000 - n), via: null },
        ...{ actor_kind: 'partner', actor_id: 'mem_1', partner_id: n === 3 ? 'prt_2' : 'prt_1' },
        ...{ action: 'application.changed', target: 'app_1', detail: {} },
      })
    await log.write(trx, prepared)
    await log.append(trx, prepared)
  })
  const server = createHttpServer({ log: platform.log })
  server.decorateRequest('actor')
  server.addHook('onRequest', async (request) => {
    request.actor = auditor
  })
  const mount: FastifyPluginAsync = async (scope) => {
    await audit.routes(scope as unknown as typeof server)
  }
  await server.register(mount)
  t.after(() => server.close())
  const ask = async <Body>(method: 'GET' | 'POST', url: string, body?: object) => {
    const answer = await server.inject({ method, url, ...(body && { payload: body }) })
    return { answer, status: answer.statusCode, body: answer.json() as Body }
  }
  const ids = async (search: object): Promise<string[]> =>
    (await ask<EvidencePage>('POST', '/evidence/search', search)).body.items.map(({ id }) => id)
  return { platform, audit, db, server, ask, ids }
}

test('evidence is found by partner, application, API, purpose, basis, environment and time', async (t) => {
  const { ids } = await setUp(t)
  const calls = { of: ['exchange'] }
  assert.equal((await ids({})).length, 13 + 4 + 4)
  assert.deepEqual(await ids({ ...calls, partnerId: 'prt_2' }), ['exc_7'])
  assert.deepEqual(await ids({ ...calls, applicationId: 'app_2' }), ['exc_7'])
  assert.deepEqual(await ids({ apiId: 'sim-swap/v2' }), ['exc_8'])
  assert.deepEqual(await ids({ basis: 'contract' }), ['exc_10'])
  assert.deepEqual(await ids({ purpose: 'dpv:Nothing' }), [])
  assert.deepEqual(await ids({ environment: 'sandbox' }), ['exc_9'])
  assert.deepEqual(await ids({ of: ['action'], partnerId: 'prt_2' }), ['evt_3'])
  assert.deepEqual(await ids({ of: ['event'], applicationId: 'app_1' }), [
    'cns_1/3',
    'cns_1/2',
    'cns_1/1',
    'cns_1/0',
  ])
  const from = new Date(start - 4 * 60_000).toISOString()
  const to = new Date(start - 2 * 60_000).toISOString()
  assert.deepEqual(await ids({ ...calls, from, to }), ['exc_3', 'exc_4'])
})

test('a subscriber is found by the number, which is kept nowhere; that it was searched for is kept', async (t) => {
  const { ask, platform, db, audit } = await setUp(t)
  testDispatcher(t, platform, [audit.subscriber])
  const search = { environment: 'production', phoneNumber: number }
  const found = await ask<EvidencePage>('POST', '/evidence/search', search)
  assert.deepEqual(
    found.body.items.map(({ id }) => id),
    [
      'exc_1',
      'exc_22',
      'exc_21',
      'exc_20',
      'exc_2',
      'exc_3',
      'exc_4',
      'exc_5',
      'exc_6',
      'exc_7',
      'exc_10',
      'cns_1/3',
      'cns_1/2',
      'cns_1/1',
      'cns_1/0',
    ],
  )
  assert.ok(!found.answer.body.includes(number))
  const unknown = await ask<EvidencePage>('POST', '/evidence/search', {
    ...{ environment: 'production', phoneNumber: '+99010000009' },
  })
  assert.deepEqual(unknown.body, { items: [] })
  const without = await ask<{ code: string }>('POST', '/evidence/search', { phoneNumber: number })
  assert.equal(without.status, 400)
  const until = performance.now() + 30_000
  for (;;) {
    const { rows } = await sql<{ target: string; actor_id: string }>`
      select target, actor_id from audit.entry where action = 'evidence.subscriber-searched'`.execute(
      db,
    )
    if (rows.length === 2) {
      const subject = {
        environment: 'production',
        pseudonym: pseudonymOf('production', number),
      } as const
      const target = await markOfSubject(platform, subject)
      assert.deepEqual(rows[0], { target, actor_id: 'stf_1' })
      break
    }
    assert.ok(performance.now() < until, 'the search is not in the evidence')
  }
  const { rows } = await sql<{ found: boolean }>`
    select bool_or(entry::text like ${`%${number.slice(1)}%`}) as found from audit.entry`.execute(
    db,
  )
  assert.equal(rows[0]?.found, false)
})

test('pages of any size give everything once and in order', async (t) => {
  const { ask, ids } = await setUp(t)
  const all = await ids({ limit: 100 })
  assert.equal(new Set(all).size, 21)
  for (const limit of [1, 2, 5, 7, 20, 21, 22]) {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const { body } = await ask<EvidencePage>('POST', '/evidence/search', {
        limit,
        ...(cursor !== undefined && { cursor }),
      })
      assert.ok(body.items.length <= limit)
      seen.push(...body.items.map(({ id }: EvidenceItem) => id))
      cursor = body.next
    } while (cursor !== undefined)
    assert.deepEqual(seen, all, `pages of ${limit}`)
  }
})

test('a search that makes no sense is refused, whatever it holds', async (t) => {
  const { ask } = await setUp(t)
  const bad: object[] = [
    { cursor: 'x' },
    { cursor: Buffer.from('[1]').toString('base64url') },
    { cursor: Buffer.from('[9e15,"a"]').toString('base64url') },
    { cursor: Buffer.from('[-8640000000000000,"a"]').toString('base64url') },
    { cursor: Buffer.from('[1,"a\\u0000"]').toString('base64url') },
    { limit: 0 },
    { limit: 101 },
    { of: [] },
    { of: ['all'] },
    { more: 1 },
    { partnerId: "x' or 1=1" },
    { environment: 'production', phoneNumber: '99012345678' },
    { from: '2030-02-30T00:00:00Z' },
    { from: '2028-01-01T00:00:00Z' },
    { from: '2030-01-02T00:00:00Z', to: '2030-01-01T00:00:00Z' },
  ]
  for (const search of bad) {
    const { status, answer } = await ask('POST', '/evidence/search', search)
    assert.equal(status, 400, `${JSON.stringify(search)}: ${answer.body}`)
    assert.ok(!answer.body.includes('99012345678'), 'a number is given back to nobody')
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 60 }), async (text) => {
      const cursor = Buffer.from(text).toString('base64url')
      const { status } = await ask('POST', '/evidence/search', { cursor })
      assert.ok(status === 400 || status === 200, `${status} for ${text}`)
    }),
    { numRuns: 100 },
  )
})

test('the status, the story and the files come over the API', async (t) => {
  const { ask, server } = await setUp(t)
  const bundle = await server.inject({ url: '/evidence/exchanges/exc_2/bundle?as=page' })
  assert.equal(bundle.headers['content-disposition'], 'attachment; filename="evidence-exc_2.html"')
  assert.equal(verifyBundle(bundle.rawPayload).id, 'exc_2')
  const json = await server.inject({ url: '/evidence/exchanges/exc_2/bundle' })
  assert.equal(verifyBundle(json.rawPayload).id, 'exc_2')
  const story = await ask<EvidenceStory>('GET', '/evidence/exchanges/exc_2')
  assert.match(story.body.sentence, /prt_1/)
  const action = await ask<EvidenceStory>('GET', '/evidence/leaves/5')
  assert.match(action.body.sentence, /application\.changed/)
  const leaf = await server.inject({ url: '/evidence/leaves/0/bundle' })
  assert.equal(verifyBundle(leaf.rawPayload).id, 'cns_1/0')
  const { body } = await ask<EvidenceStatus>('GET', '/evidence')
  assert.equal(body.newest?.size, body.leaves)
  assert.equal(body.contradiction, undefined)
  assert.match((await server.inject({ url: '/evidence/verify.mjs' })).body, /verifyBundle/)
  for (const url of [
    '/evidence/exchanges/exc_99',
    '/evidence/leaves/99',
    '/evidence/exchanges/exc_99/bundle',
  ])
    assert.equal((await server.inject({ url })).statusCode, 404, url)
})
