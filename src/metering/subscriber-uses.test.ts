import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { testFolder } from '#platform/testing-folder'
import { createSubscriberUses } from './subscriber-uses.ts'
import { exchange, testMetering, writeSegments } from './testing.ts'

const at = Date.parse('2026-03-01T10:00:00Z')
const subject = 'a-pseudonym'

test('a subscriber is told who was answered about them, when, on which basis, and of nobody else', async (t) => {
  const { platform, metering } = await testMetering(t)
  const consent = { basis: 'consent', purpose: 'dpv:ServiceProvision', consents: ['cns_1'] }
  const interest = { basis: 'legitimate-interest', purpose: 'dpv:FraudPreventionAndDetection' }
  const [segment] = await writeSegments(testFolder(t), [
    [
      ...[0, 1, 2, 3, 4].map((n) =>
        exchange(`c${n}`, { subject, at: at + n * 1_000, legal: consent, apiId: 'location/v3' }),
      ),
      exchange('i', { subject, at: at + 60_000, legal: interest }),
      exchange('k', { subject, at: at - 60_000 }),
      exchange('refused', { subject, at: at + 90_000, legal: consent, status: 403 }),
      exchange('other', { subject: 'another', at, legal: consent }),
      exchange('nobody', { at }),
    ],
  ])
  assert.ok(segment)
  assert.equal((await metering.intake('sandbox', segment.claim, segment.bytes)).outcome, 'applied')
  const { usesOf } = createSubscriberUses(platform)
  const common = { partnerId: 'prt_1', applicationId: 'app_s1' }
  assert.deepEqual(await usesOf('sandbox', subject), [
    {
      ...common,
      ...{ apiId: 'sim-swap/v2', ...interest, consentIds: [], calls: 1 },
      lastAt: [new Date(at + 60_000)],
    },
    {
      ...common,
      ...{ apiId: 'location/v3', basis: 'consent', purpose: consent.purpose },
      ...{ consentIds: ['cns_1'], calls: 5 },
      lastAt: [4, 3, 2].map((n) => new Date(at + n * 1_000)),
    },
    {
      ...common,
      ...{ apiId: 'sim-swap/v2', basis: 'contract', purpose: undefined, consentIds: [], calls: 1 },
      lastAt: [new Date(at - 60_000)],
    },
  ])
  assert.deepEqual(await usesOf('production', subject), [])
  assert.deepEqual(await usesOf('sandbox', ''), [])
})

test('what was answered about one subscriber is found by an index among the calls of all', async (t) => {
  const { platform, metering } = await testMetering(t)
  await metering.keepDays()
  const db = platform.database.as<unknown>()
  await sql`
    insert into metering.exchange (id, correlator, partner_id, at, segment_id, total_us, request_bytes, response_bytes, day,
      environment, meter_id, position, units, status, subject)
    select 'exc_' || n, '', 'prt_1', '2026-03-01T10:00:00Z'::timestamptz + n * interval '1 ms', 1, 1, 1, 1, '2026-03-01',
      'production', 1, n, 1, 200, 'subject ' || n % 5000
    from generate_series(1, 30000) n`.execute(db)
  await sql`analyze metering.exchange`.execute(db)
  const { rows } = await sql<{ prosrc: string }>`
    select prosrc from pg_proc where oid = 'metering.uses_of_subject'::regproc`.execute(db)
  const parameters = ['p_environment', 'p_subject', 'p_since', 'p_most']
  const body = parameters.reduce(
    (text, name, i) => text.replaceAll(name, `$${i + 1}`),
    rows[0]?.prosrc ?? '',
  )
  await db.connection().execute(async (one) => {
    await sql.raw(`prepare uses (text, text, timestamptz, integer) as ${body}`).execute(one)
    // As it is planned for one subscriber, and for any: the database chooses between the two.
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      await sql`select set_config('plan_cache_mode', ${mode}, false)`.execute(one)
      for (const subject of ['subject 7', 'nobody']) {
        const explained = await sql<{ 'QUERY PLAN': string }>`
          explain execute uses('production', ${sql.lit(subject)}, '2026-02-01', 5000)`.execute(one)
        const plan = explained.rows.map((row) => row['QUERY PLAN']).join('\n')
        assert.match(plan, /exchange_20260301_array_idx/, mode)
        assert.doesNotMatch(
          plan,
          /Seq Scan on exchange_20260301|Index Scan using exchange_20260301/,
          mode,
        )
      }
    }
    await sql`reset plan_cache_mode`.execute(one)
  })
})
