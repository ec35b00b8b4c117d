import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decimal } from 'decimal.js'
import fc from 'fast-check'
import { sql } from 'kysely'
import { member, served, staff } from '#contracts/testing'
import type { NewRecord } from '#journal'
import { recordedCorrelator } from '#platform/recorded-correlator'
import { testFolder } from '#platform/testing-folder'
import type { UsageRow } from './schema.ts'
import { exchange, testMetering, writeSegments } from './testing.ts'
import { usageQuery } from './usage-store.ts'

type Fixture = Awaited<ReturnType<typeof testMetering>>
type TestContext = Parameters<typeof testMetering>[0]

async function meter(
  t: TestContext,
  { metering }: Fixture,
  records: NewRecord[],
  environment: 'sandbox' | 'production' = 'sandbox',
) {
  const segments = await writeSegments(testFolder(t), [records], { environment })
  for (const segment of segments) {
    const result = await metering.intake(environment, segment.claim, segment.bytes)
    assert.equal(result.outcome, 'applied', JSON.stringify(result))
  }
}

const at = (time: string): number => Date.parse(time)

test('usage is exact, by day, application, API, operation and status, and fresh to the last segment', async (t) => {
  const fixture = await testMetering(t)
  const [free, paid] = [fixture.priceOf('free'), fixture.priceOf('paid')]
  await meter(t, fixture, [
    exchange('1', { priceId: paid }),
    exchange('2', { priceId: paid }),
    exchange('3', { priceId: free }),
    exchange('4', { status: 429, units: 0, code: 'TOO_MANY_REQUESTS' }),
    exchange('5', { priceId: paid, applicationId: 'app_s2', at: at('2026-02-28T23:59:59.999Z') }),
    exchange('6', { priceId: paid, partnerId: 'prt_2', applicationId: 'app_x' }),
  ])
  const call = await served(t, fixture.platform, fixture.metering.routes)
  const { status, body } = await call(
    member('prt_1'),
    'GET',
    '/usage?from=2026-02-28&to=2026-03-01',
  )
  assert.equal(status, 200, JSON.stringify(body))
  assert.deepEqual(body.total, {
    calls: 5,
    units: 4,
    amount: '0.06',
    listAmount: '0.08',
    currency: 'EUR',
  })
  assert.equal(body.freshUntil, '2026-03-01T11:59:58.000Z')
  assert.equal(body.truncated, false)
  assert.deepEqual(
    body.rows.map((row: UsageRow) => [
      row.day,
      row.applicationId,
      row.operationId,
      row.status,
      row.calls,
      row.units,
      row.amount,
      row.listAmount,
    ]),
    [
      ['2026-02-28', 'app_s2', 'checkSimSwap', 200, 1, 1, '0.02', '0.02'],
      ['2026-03-01', 'app_s1', 'checkSimSwap', 200, 3, 3, '0.04', '0.06'],
      ['2026-03-01', 'app_s1', 'checkSimSwap', 429, 1, 0, '0', '0'],
    ],
  )
  const all = await call(staff(), 'GET', '/usage')
  assert.equal(all.body.total.calls, 6)
  assert.equal(all.body.from, '2026-01-31')
  const one = await call(staff(), 'GET', '/usage?applicationId=app_x&apiId=sim-swap/v2')
  assert.equal(one.body.total.calls, 1)
  assert.equal((await call(staff(), 'GET', '/usage?environment=production')).body.total.calls, 0)
})

test('a call belongs to the day of the asked time zone, also where the offset is 45 minutes', async (t) => {
  const fixture = await testMetering(t)
  await meter(t, fixture, [
    exchange('1', { at: at('2026-02-28T22:59:59Z') }),
    exchange('2', { at: at('2026-02-28T23:00:00Z') }),
    exchange('3', { at: at('2026-02-28T18:14:59Z') }),
    exchange('4', { at: at('2026-02-28T18:15:00Z') }),
  ])
  const days = async (timeZone: string) => {
    const { rows } = await fixture.metering.usage({
      ...{ from: '2026-02-28', to: '2026-03-01', timeZone },
      ...{
        environment: undefined,
        partnerId: undefined,
        applicationId: undefined,
        apiId: undefined,
      },
    })
    return rows.map((row) => [row.day, row.calls])
  }
  assert.deepEqual(await days('UTC'), [['2026-02-28', 4]])
  assert.deepEqual(await days('Europe/Berlin'), [
    ['2026-02-28', 3],
    ['2026-03-01', 1],
  ])
  assert.deepEqual(await days('Asia/Kathmandu'), [
    ['2026-02-28', 1],
    ['2026-03-01', 3],
  ])
})

test('a year of summer time in any zone has every call on exactly one of its days', async (t) => {
  const fixture = await testMetering(t)
  const zones = ['Europe/Berlin', 'Australia/Lord_Howe', 'Pacific/Chatham', 'America/St_Johns']
  const records = Array.from({ length: 300 }, (_, i) =>
    exchange(`${i}`, { at: at('2025-12-05T00:00:00Z') + i * 25_200_000 + 1 }),
  ).filter((record) => record.at < at('2026-03-01T12:00:00Z'))
  await meter(t, fixture, records)
  for (const timeZone of zones) {
    const usage = await fixture.metering.usage({
      ...{ from: '2025-12-01', to: '2026-03-03', timeZone, environment: undefined },
      ...{ partnerId: undefined, applicationId: undefined, apiId: undefined },
    })
    const day = new Intl.DateTimeFormat('en-CA', { timeZone })
    const expected = Map.groupBy(records, (record) => day.format(record.at))
    assert.deepEqual(
      new Map(usage.rows.map((row) => [row.day, row.calls])),
      new Map([...expected].map(([key, group]) => [key, group.length])),
      timeZone,
    )
  }
})

test('amounts of any prices and counts are the exact sum, never rounded', async (t) => {
  const fixture = await testMetering(t)
  await meter(t, fixture, [exchange('1')])
  const db = fixture.platform.database.as<unknown>()
  const Exact = Decimal.clone({ precision: 100 })
  const price = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 9n }), fc.stringMatching(/^\d{1,12}$/))
    .map(([whole, places]) => `${whole}.${places}`)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(price, fc.bigInt({ min: 0n, max: 10n ** 12n })), {
        minLength: 1,
        maxLength: 6,
      }),
      async (lines) => {
        await sql`truncate metering.rollup, metering.price`.execute(db)
        let expected = new Exact(0)
        for (const [i, [unit, count]] of lines.entries()) {
          expected = expected.add(new Exact(unit).mul(count.toString()))
          await sql`
            with m as (
              insert into metering.meter (environment, partner_id, application_id, credential_id, contract_id, api_id,
                operation_id, method, price_id)
              values ('sandbox', 'prt_1', 'app_s1', '', '', 'a/v1', 'o', 'GET', ${`prc_${i}`})
              on conflict (partner_id, application_id, api_id, operation_id, credential_id, contract_id, price_id,
                method, environment) do update set method = 'GET' returning id
            ), p as (
              insert into metering.price values (${`prc_${i}`}, ${unit}::numeric, 0, 'EUR')
            )
            insert into metering.rollup select id, '2026-03-01T00:00:00Z', 200, 1, ${count.toString()}::bigint, 0
            from m`.execute(db)
        }
        const usage = await fixture.metering.usage({
          ...{ from: '2026-03-01', to: '2026-03-01', timeZone: 'UTC', environment: undefined },
          ...{ partnerId: undefined, applicationId: undefined, apiId: undefined },
        })
        assert.equal(usage.total.amount, expected.toFixed())
      },
    ),
    { numRuns: 30 },
  )
})

test('a billable call whose price nobody knows is listed as unrated, never dropped', async (t) => {
  const fixture = await testMetering(t)
  await meter(t, fixture, [
    exchange('1', { priceId: 'prc_unknown' }),
    exchange('2'),
    exchange('3', { status: 404, units: 0 }),
    exchange('4', { priceId: fixture.priceOf('paid') }),
  ])
  const usage = (await served(t, fixture.platform, fixture.metering.routes))(
    member('prt_1'),
    'GET',
    '/usage',
  )
  const { body } = await usage
  assert.deepEqual(body.unrated, { calls: 2, units: 2 })
  assert.deepEqual([body.total.calls, body.total.units, body.total.amount], [4, 3, '0.02'])
  const report = await fixture.metering.reconcile()
  assert.deepEqual(report.faults.map((fault) => [fault.kind, fault.detail]).sort(), [
    ['unrated', '1 billable calls name no price version'],
    ['unrated', '1 billable calls name prc_unknown, which nobody knows'],
  ])
})

test('a partner sees its own usage and exchanges, and of others what it sees of nobody', async (t) => {
  const fixture = await testMetering(t)
  await meter(t, fixture, [
    exchange('1'),
    exchange('2', { partnerId: 'prt_2', applicationId: 'app_x', correlator: 'shared' }),
    exchange('3', { correlator: 'shared' }),
  ])
  const call = await served(t, fixture.platform, fixture.metering.routes)
  const mine = member('prt_1')
  for (const [theirs, nobodys] of [
    ['/usage?partnerId=prt_2', '/usage?partnerId=prt_9'],
    ['/usage?applicationId=app_x', '/usage?applicationId=app_9'],
    ['/exchanges?partnerId=prt_2', '/exchanges?partnerId=prt_9'],
    ['/exchanges?applicationId=app_x', '/exchanges?applicationId=app_9'],
    ['/exchanges/exc_2', '/exchanges/exc_9'],
  ] as const) {
    const [a, b] = [await call(mine, 'GET', theirs), await call(mine, 'GET', nobodys)]
    assert.deepEqual([a.status, a.body], [b.status, b.body], theirs)
  }
  const keys = fixture.platform.sealing.child('gateway:sandbox')
  const recorded = recordedCorrelator('4917612345678', keys)
  await meter(t, fixture, [exchange('4', { correlator: recorded })])
  for (const asked of ['4917612345678', recorded]) {
    const found = await call(mine, 'GET', `/exchanges?correlator=${asked}`)
    assert.deepEqual(
      found.body.items.map((item: { id: string }) => item.id),
      ['exc_4'],
    )
  }
  const shared = await call(mine, 'GET', '/exchanges?correlator=shared')
  assert.deepEqual(
    shared.body.items.map((item: { id: string }) => item.id),
    ['exc_3'],
  )
  assert.equal((await call(staff(), 'GET', '/exchanges?correlator=shared')).body.items.length, 2)
  assert.equal((await call(mine, 'GET', '/exchanges/exc_1')).status, 200)
  assert.equal((await call(staff(), 'GET', '/exchanges/exc_2')).status, 200)
})

test('exchanges are newest first, filtered and paged, with what happened and what it costs', async (t) => {
  const fixture = await testMetering(t)
  const paid = fixture.priceOf('paid')
  await meter(t, fixture, [
    ...Array.from({ length: 5 }, (_, i) =>
      exchange(`${i}`, { at: at('2026-03-01T10:00:00Z') + i * 1000, priceId: paid }),
    ),
    exchange('refused', {
      ...{ status: 403, code: 'PERMISSION_DENIED', refusedBy: 'authorise', units: 0 },
      ...{ apiId: 'otp/v1', at: at('2026-02-27T10:00:00Z') },
    }),
  ])
  const anonymous = exchange('anonymous', { status: 401, units: 0 })
  delete anonymous.partnerId
  delete anonymous.applicationId
  delete anonymous.contractId
  delete anonymous.apiId
  delete anonymous.operationId
  await meter(t, fixture, [anonymous])
  const call = await served(t, fixture.platform, fixture.metering.routes)
  const list = async (query: string, as = member('prt_1')) => {
    const { status, body } = await call(as, 'GET', `/exchanges${query}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body.items.map((item: { id: string }) => item.id)
  }
  assert.deepEqual(await list('?perPage=2'), ['exc_4', 'exc_3'])
  assert.deepEqual(await list('?perPage=2&page=2'), ['exc_2', 'exc_1'])
  assert.deepEqual(await list('?status=403'), ['exc_refused'])
  assert.deepEqual(await list('?apiId=otp/v1&environment=sandbox'), ['exc_refused'])
  assert.deepEqual(await list('?environment=production'), [])
  assert.deepEqual(await list('?from=2026-03-01T10:00:03Z&to=2026-03-01T10:00:04Z'), ['exc_3'])
  assert.deepEqual(await list('?applicationId=app_s1&perPage=1', staff()), ['exc_4'])
  assert.equal((await list('', staff())).includes('exc_anonymous'), true)
  const one = await call(member('prt_1'), 'GET', '/exchanges/exc_4')
  assert.deepEqual(one.body, {
    id: 'exc_4',
    correlator: 'c-4',
    at: '2026-03-01T10:00:04.000Z',
    environment: 'sandbox',
    partnerId: 'prt_1',
    applicationId: 'app_s1',
    contractId: 'ctr_1',
    apiId: 'sim-swap/v2',
    operationId: 'checkSimSwap',
    method: 'POST',
    status: 200,
    upstreamStatus: 200,
    totalMs: 12.346,
    upstreamMs: 10,
    units: 1,
    priceId: paid,
    unitPrice: '0.0200',
    currency: 'EUR',
    requestBytes: 100,
    responseBytes: 200,
    credentialId: 'crd_1',
    countedAt: one.body.countedAt,
  })
  const bare = await call(staff(), 'GET', '/exchanges/exc_anonymous')
  assert.equal('partnerId' in bare.body, false)
})

test('refuses questions that have no answer, naming each fault', async (t) => {
  const { platform, metering } = await testMetering(t)
  const call = await served(t, platform, metering.routes)
  for (const [path, status, code] of [
    ['/usage?from=2026-02-30', 400, 'INVALID_ARGUMENT'],
    ['/usage?from=2026-03-02&to=2026-03-01&tz=Mars/Base', 400, 'INVALID_ARGUMENT'],
    ['/usage?from=2020-01-01&to=2026-01-01', 400, 'OUT_OF_RANGE'],
    ['/usage?tz=%2B02:00', 400, 'INVALID_ARGUMENT'],
    ['/usage?applicationId=a%00b', 400, 'INVALID_ARGUMENT'],
    ['/usage?unknown=1', 400, 'INVALID_ARGUMENT'],
    ['/exchanges?page=2000&perPage=100', 400, 'OUT_OF_RANGE'],
    ['/exchanges?perPage=101', 400, 'INVALID_ARGUMENT'],
    ['/exchanges?status=abc', 400, 'INVALID_ARGUMENT'],
    ['/exchanges?from=yesterday', 400, 'INVALID_ARGUMENT'],
    ['/exchanges?from=2026-03-01T00:00:00Z&to=2026-02-01T00:00:00Z', 400, 'INVALID_ARGUMENT'],
    ['/exchanges?correlator=%00', 400, 'INVALID_ARGUMENT'],
    ['/exchanges/%00', 400, 'INVALID_ARGUMENT'],
    ['/exchanges?from=0000-01-01T00:00:00Z', 200, undefined],
    ['/exchanges?to=9999-12-31T23:59:59Z', 200, undefined],
  ] as const) {
    const answer = await call(member('prt_1'), 'GET', path)
    assert.deepEqual([answer.status, answer.body.code], [status, code], path)
  }
  const both = await call(staff(), 'GET', '/usage?from=2026-03-02&to=2026-03-01&tz=Mars/Base')
  assert.deepEqual(
    both.body.violations.map((violation: { path: string }) => violation.path),
    ['to', 'tz'],
  )
})

test('usage of one partner and the newest exchanges are read by index', async (t) => {
  const fixture = await testMetering(t)
  await meter(t, fixture, [exchange('1')])
  const db = fixture.platform.database.as<unknown>()
  await sql`
    insert into metering.meter (environment, partner_id, application_id, credential_id, contract_id, api_id, operation_id,
      method, price_id)
    select 'sandbox', 'prt_' || i, 'app_' || i, '', '', 'a/v1', 'o', 'GET', '' from generate_series(10, 5000) i`.execute(
    db,
  )
  await sql`
    insert into metering.rollup select m.id, '2026-03-01T00:00:00Z'::timestamptz - i * interval '15 minutes', 200, 1, 1, 1
    from metering.meter m, generate_series(1, 20) i`.execute(db)
  await sql`
    insert into metering.exchange (id, correlator, partner_id, at, segment_id, total_us, request_bytes, response_bytes,
      day, environment, meter_id, position, units, status)
    select 'exc_x' || i, 'k' || i, 'prt_' || (i % 500), '2026-03-01T00:00:00Z'::timestamptz + i * interval '1 second', 1, 1,
      1, 1, '2026-03-01', 'sandbox', (select min(id) from metering.meter), i, 1, case when i % 997 = 0 then 500 else 200 end
    from generate_series(1, 30000) i`.execute(db)
  await sql`analyze metering.meter`.execute(db)
  await sql`analyze metering.rollup`.execute(db)
  await sql`analyze metering.exchange`.execute(db)
  const { exchangeQuery, exchangesQuery } = await import('./exchange-store.ts')
  const period = { from: new Date('2026-02-28'), to: new Date('2026-03-02') }
  const any = {
    ...{ partnerId: undefined, environment: undefined, correlators: undefined, traceId: undefined },
    ...{ applicationId: undefined, apiId: undefined, status: undefined },
  }
  const page = { limit: 20, offset: 0 }
  const days = { from: '2026-02-01', to: '2026-03-01', timeZone: 'UTC', ...any }
  for (const [name, query] of [
    ['usage', usageQuery({ ...days, partnerId: 'prt_77' }, 'EUR', 100)],
    ['newest', exchangesQuery({ ...period, ...any }, page)],
    ['of a partner', exchangesQuery({ ...period, ...any, partnerId: 'prt_77' }, page)],
    [
      'of a correlator',
      exchangesQuery({ ...period, ...any, correlators: ['k77', 'k78', 'k79'] }, page),
    ],
    ['of a trace', exchangesQuery({ ...period, ...any, traceId: 'a'.repeat(32) }, page)],
    ['failed', exchangesQuery({ ...period, ...any, status: 500 }, page)],
    ['one', exchangeQuery('exc_x77')],
  ] as const) {
    const plan = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(db)
    const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n')
    assert.doesNotMatch(text, /Seq Scan on (exchange_|rollup|meter)/, `${name}\n${text}`)
  }
})
