import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { crc32, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { sql } from 'kysely'
import type { NewRecord } from '#journal'
import { testFolder } from '#platform/testing-folder'
import { createMetering } from './create-metering.ts'
import { createIntakeHandler } from './intake-handler.ts'
import {
  countRows,
  exchange,
  rollupOf,
  servedIntake,
  testMetering,
  type WrittenSegment,
  writeSegments,
} from './testing.ts'

const many = (count: number, more: Partial<NewRecord> = {}): NewRecord[] =>
  Array.from({ length: count }, (_, i) => exchange(`${i}`, more))

const first = (segments: WrittenSegment[]): WrittenSegment => {
  const [segment] = segments
  assert.ok(segment)
  return segment
}

const rehashed = (segment: WrittenSegment, bytes: Buffer): WrittenSegment => ({
  ...segment,
  bytes,
  claim: { ...segment.claim, sha256: createHash('sha256').update(bytes).digest('hex') },
})

test('a segment that 20 senders post at once, and again later, counts once', async (t) => {
  const { platform, metering } = await testMetering(t)
  const post = await servedIntake(t, platform, metering.internalHandlers)
  const segment = first(await writeSegments(testFolder(t), [many(50)]))
  let answers: { status: number; body: Record<string, unknown> }[] = []
  // More than may be at once: a gateway that is told to wait comes again.
  for (let round = 0; round < 20; round += 1) {
    const batch = await Promise.all(Array.from({ length: 20 }, () => post(segment)))
    answers = answers.concat(batch)
    assert.ok(batch.every((answer) => answer.status === 200 || answer.status === 503))
  }
  assert.equal(answers.filter((answer) => answer.body.outcome === 'applied').length, 1)
  assert.ok(answers.filter((answer) => answer.body.outcome === 'known').length > 20)
  assert.deepEqual(await countRows(platform), {
    segments: 1,
    records: 50,
    quarantine: 0,
    duplicates: 0,
    calls: 50,
    units: 50,
  })
})

test('another segment under a counted name goes to quarantine and changes nothing', async (t) => {
  const { platform, metering } = await testMetering(t)
  const post = await servedIntake(t, platform, metering.internalHandlers)
  const segment = first(await writeSegments(testFolder(t), [many(3)]))
  const other = first(await writeSegments(testFolder(t), [many(4, { status: 201 })]))
  assert.equal((await post(segment)).status, 200)
  const before = await rollupOf(platform)
  const clone = { ...other, claim: { ...segment.claim, sha256: other.claim.sha256 } }
  for (let i = 0; i < 3; i += 1) {
    const answer = await post(clone)
    assert.equal(answer.status, 409)
    assert.match(String(answer.body.message), /another segment of this name/)
  }
  assert.deepEqual(await rollupOf(platform), before)
  assert.equal((await countRows(platform)).quarantine, 1)
  assert.equal((await post(segment)).body.outcome, 'known')
})

test('two contents that race for one name: one counts, one goes to quarantine', async (t) => {
  const { platform, metering } = await testMetering(t)
  const a = first(await writeSegments(testFolder(t), [many(40)]))
  const b = first(await writeSegments(testFolder(t), [many(41, { status: 201 })]))
  // The name is in the header too, so b is written anew under the name of a.
  const renamed = rehashed(
    a,
    Buffer.from(a.bytes.toString().replace('"sealedAt":1772366398000', '"sealedAt":1772366399000')),
  )
  assert.notEqual(a.claim.sha256, b.claim.sha256)
  const results = await Promise.all(
    [a, renamed, a, renamed].map((segment) =>
      metering.intake('sandbox', segment.claim, segment.bytes),
    ),
  )
  const outcomes = results.map((result) => result.outcome)
  assert.equal(outcomes.filter((outcome) => outcome === 'applied').length, 1, outcomes.join())
  const rows = await countRows(platform)
  assert.deepEqual([rows.segments, rows.records, rows.calls, rows.quarantine], [1, 40, 40, 1])
})

test('an exchange that another segment brings again counts once, whichever comes first', async (t) => {
  const { platform, metering } = await testMetering(t)
  const records = many(30)
  const a = first(await writeSegments(testFolder(t), [records], { gatewayId: 'gtw_a' }))
  const b = first(
    await writeSegments(
      testFolder(t),
      [[...records.slice(10).reverse(), exchange('new'), exchange('new')]],
      { gatewayId: 'gtw_b' },
    ),
  )
  const results = await Promise.all(
    [a, b].map((segment) => metering.intake('sandbox', segment.claim, segment.bytes)),
  )
  assert.ok(results.every((result) => result.outcome === 'applied'))
  const rows = await countRows(platform)
  assert.deepEqual([rows.segments, rows.records, rows.calls, rows.duplicates], [2, 31, 31, 21])
  const report = await metering.reconcile()
  assert.deepEqual(
    report.faults.map((fault) => fault.kind),
    ['unrated'],
    report.text,
  )
  assert.match(report.text, /21 records named an exchange that had been counted/)
})

test('a connection that dies in the middle leaves nothing half, and the segment counts when it comes again', async (t) => {
  const { platform, metering } = await testMetering(t)
  const post = await servedIntake(t, platform, metering.internalHandlers)
  const segment = first(await writeSegments(testFolder(t), [many(20)]))
  const db = platform.database.as<unknown>()
  await sql`create function metering.kill() returns trigger language plpgsql as $$
    begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$`.execute(db)
  for (const table of ['rollup', 'segment_day', 'watermark']) {
    const target = sql.id('metering', table)
    await sql`create trigger kill after insert on ${target} execute function metering.kill()`.execute(
      db,
    )
    assert.equal((await post(segment)).status, 500, table)
    const rows = await countRows(platform)
    assert.deepEqual([rows.segments, rows.records, rows.calls], [0, 0, 0], table)
    await sql`drop trigger kill on ${target}`.execute(db)
  }
  assert.equal((await post(segment)).body.outcome, 'applied')
  assert.equal((await countRows(platform)).calls, 20)
})

test('a sandbox token never writes production records, and the other way round', async (t) => {
  const { platform, metering } = await testMetering(t)
  const post = await servedIntake(t, platform, metering.internalHandlers)
  const production = first(
    await writeSegments(testFolder(t), [many(3, { environment: 'production' })], {
      environment: 'production',
    }),
  )
  // A header of the sandbox over records of production.
  const disguised = first(
    await writeSegments(testFolder(t), [
      [exchange('s'), exchange('p', { environment: 'production' })],
    ]),
  )
  const sandbox = first(await writeSegments(testFolder(t), [many(3)]))
  assert.equal((await post(production, { environment: 'sandbox' })).status, 403)
  assert.equal((await post(disguised, { environment: 'sandbox' })).status, 403)
  assert.equal((await post(disguised, { environment: 'production' })).status, 403)
  assert.equal((await post(sandbox, { environment: 'production' })).status, 403)
  const rows = await countRows(platform)
  assert.deepEqual([rows.segments, rows.records, rows.calls, rows.quarantine], [0, 0, 0, 0])
})

test('a sandbox gateway cannot take the name or the exchanges of a production one', async (t) => {
  const { platform, metering } = await testMetering(t)
  const sandbox = first(await writeSegments(testFolder(t), [many(5)]))
  const bytes = Buffer.from(sandbox.bytes)
  assert.equal((await metering.intake('sandbox', sandbox.claim, bytes)).outcome, 'applied')
  const production = first(
    await writeSegments(testFolder(t), [many(5, { environment: 'production' })], {
      environment: 'production',
    }),
  )
  const result = await metering.intake('production', production.claim, production.bytes)
  assert.deepEqual(result, { outcome: 'applied', records: 5, duplicates: 0 })
  assert.equal((await countRows(platform)).calls, 10)
})

test('refuses what is not a segment of a gateway, and says why', async (t) => {
  const { platform, metering } = await testMetering(t)
  const post = await servedIntake(t, platform, metering.internalHandlers)
  const segment = first(await writeSegments(testFolder(t), [many(3)]))
  const flipped = Buffer.from(segment.bytes)
  flipped.writeUInt8(flipped.readUInt8(300) ^ 1, 300)
  const bomb = gzipSync(Buffer.alloc(65 * 1_048_576))
  const cases: [string, Parameters<typeof post>[0], Parameters<typeof post>[1], number][] = [
    ['no token', segment, { token: '' }, 401],
    ['another token', segment, { token: platform.sealing.machineToken('intake:other') }, 401],
    ['no name', segment, { headers: { 'x-wayleave-gateway': '' } }, 400],
    ['a path as a name', segment, { headers: { 'x-wayleave-gateway': '../x' } }, 400],
    ['a bad number', segment, { headers: { 'x-wayleave-sequence': '1e3' } }, 400],
    ['a bad hash', segment, { headers: { 'x-wayleave-sha256': 'ABC' } }, 400],
    ['damaged on the way', { ...segment, bytes: flipped }, {}, 400],
    ['not gzip', segment, { body: Buffer.from('hello') }, 400],
    ['another encoding', segment, { headers: { 'content-encoding': 'br' } }, 415],
    ['a zip bomb', segment, { body: bomb }, 413],
    ['too large', segment, { body: randomBytes(16 * 1_048_576 + 1) }, 413],
    ['altered before it was hashed', rehashed(segment, flipped), {}, 409],
    ['under another name', { ...segment, claim: { ...segment.claim, sequence: 7 } }, {}, 409],
  ]
  for (const [name, sent, options, status] of cases) {
    const answer = await post(sent, options)
    assert.equal(answer.status, status, `${name}: ${JSON.stringify(answer.body)}`)
  }
  const rows = await countRows(platform)
  assert.deepEqual([rows.segments, rows.records, rows.quarantine], [0, 0, 2])
  assert.equal((await post(segment)).status, 200)
})

test('one record that cannot be counted keeps its whole segment out, and later segments come in', async (t) => {
  const { platform, metering } = await testMetering(t)
  const post = await servedIntake(t, platform, metering.internalHandlers)
  const bad: Partial<NewRecord>[] = [
    { correlator: 'a\u0000b' },
    { id: 'exc_\ud800' },
    { masked: ['$.\udc00'] },
    { legal: { basis: 'consent', consents: ['\ud800'] } },
    { status: 99 },
    { totalMs: Number.NaN },
    { requestBytes: 1.5 },
    { partnerId: 'x'.repeat(65) },
    { at: Date.parse('2026-03-01T12:05:01Z') },
    { at: Date.parse('2025-11-01T00:00:00Z') },
  ]
  for (const [i, fault] of bad.entries()) {
    const segments = await writeSegments(testFolder(t), [
      [exchange(`${i}-a`), exchange(`${i}-b`, fault)],
      [exchange(`${i}-c`)],
    ])
    assert.deepEqual(
      [(await post(first(segments))).status, (await post(first(segments.slice(1)))).status],
      [409, 200],
      JSON.stringify(fault),
    )
  }
  const rows = await countRows(platform)
  assert.deepEqual(
    [rows.segments, rows.records, rows.quarantine],
    [bad.length, bad.length, bad.length],
  )
})

test('what a gateway says beside the footer of a segment is set aside, not asked for for ever', async (t) => {
  const { platform, metering } = await testMetering(t)
  const post = await servedIntake(t, platform, metering.internalHandlers)
  const faults = [
    { sealedAt: null },
    { sealedAt: 9e15 },
    { recovered: 'no' },
    { previous: '\u0000' },
    { counters: { 'a\u0000': 1 } },
  ]
  for (const fault of faults) {
    const segment = first(await writeSegments(testFolder(t), [[exchange('1')]]))
    const start = segment.bytes.lastIndexOf('\nF ') + 1
    const footer = JSON.parse(segment.bytes.toString('utf8', start + 11)) as object
    const json = JSON.stringify({ ...footer, ...fault })
    const line = `F ${crc32(json, crc32('F')).toString(16).padStart(8, '0')} ${json}\n`
    const bytes = Buffer.concat([segment.bytes.subarray(0, start), Buffer.from(line)])
    const answer = await post(rehashed(segment, bytes))
    assert.deepEqual([answer.status, answer.body.message], [409, 'the footer is incomplete'], json)
  }
  assert.equal((await countRows(platform)).records, 0)
})

test('any split of a stream of records into segments, in any order and repeated, gives the same sums', async (t) => {
  const record = fc.record({
    minute: fc.integer({ min: 0, max: 60 * 24 * 3 }),
    status: fc.constantFrom(200, 201, 400, 429, 503),
    application: fc.constantFrom('app_s1', 'app_s2', undefined),
    priced: fc.boolean(),
    totalMs: fc.double({ min: 0, max: 5_000, noNaN: true }),
    correlator: fc.string({ maxLength: 20 }).filter((text) => !text.includes('\u0000')),
  })
  const expected = await testMetering(t)
  const actual = await testMetering(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 25 }),
      fc.array(fc.nat(6), { maxLength: 10 }),
      fc.infiniteStream(fc.nat(1000)),
      async (drawn, cuts, choices) => {
        run += 1
        const records = drawn.map((d, i) =>
          exchange(`${run}-${i}`, {
            at: Date.parse('2026-02-26T00:00:00Z') + d.minute * 60_000,
            status: d.status,
            units: d.status < 300 ? 1 : 0,
            totalMs: d.totalMs,
            correlator: d.correlator,
            ...(d.application === undefined ? {} : { applicationId: d.application }),
            ...(d.priced && { priceId: expected.priceOf('paid') }),
          }),
        )
        const whole = await writeSegments(testFolder(t), [records])
        await metered(expected, whole)
        const groups = [...cuts, records.length].reduce<{ at: number; out: NewRecord[][] }>(
          ({ at, out }, size) => ({ at: at + size, out: [...out, records.slice(at, at + size)] }),
          { at: 0, out: [] },
        ).out
        const segments = await writeSegments(
          testFolder(t),
          groups.filter((group) => group.length > 0),
        )
        const order = choices.next().value
        const repeated = [...segments, ...segments.filter((_, i) => (i + order) % 2 === 0)]
        await metered(
          actual,
          shuffled(repeated, () => choices.next().value),
        )
        assert.deepEqual(await rollupOf(actual.platform), await rollupOf(expected.platform))
      },
    ),
    { numRuns: 25 },
  )
  assert.equal((await expected.metering.reconcile()).days.length > 1, true)
})

async function metered(
  { metering }: Awaited<ReturnType<typeof testMetering>>,
  segments: readonly WrittenSegment[],
): Promise<void> {
  for (const segment of segments) {
    const result = await metering.intake('sandbox', segment.claim, segment.bytes)
    assert.ok(result.outcome === 'applied' || result.outcome === 'known', JSON.stringify(result))
  }
}

function shuffled<T>(items: readonly T[], choose: () => number): T[] {
  const rest = [...items]
  return items.flatMap(() => rest.splice(choose() % rest.length, 1))
}

test('days are made once when many segments need them at once, and dropped after 90 days', async (t) => {
  const { platform, metering, clock } = await testMetering(t)
  const days = Array.from(
    { length: 6 },
    (_, i) => Date.parse('2026-02-20T23:59:59Z') + i * 86_400_000,
  )
  const segments = await Promise.all(
    Array.from({ length: 6 }, async (_, i) =>
      first(
        await writeSegments(
          testFolder(t),
          [days.map((at, day) => exchange(`${i}-${day}`, { at }))],
          { gatewayId: `gtw_${i}` },
        ),
      ),
    ),
  )
  const other = createMetering(platform, {
    contracts: { price: async () => undefined },
  })
  const results = await Promise.all(
    segments.map((segment, i) =>
      (i % 2 === 0 ? metering : other).intake('sandbox', segment.claim, segment.bytes),
    ),
  )
  assert.ok(results.every((result) => result.outcome === 'applied'))
  assert.equal((await countRows(platform)).records, 36)
  clock.advance(84 * 86_400_000)
  assert.deepEqual(await metering.keepDays(), ['2026-02-20', '2026-02-21', '2026-02-22'])
  assert.deepEqual(await metering.keepDays(), [])
  assert.deepEqual(
    [(await countRows(platform)).records, (await countRows(platform)).calls],
    [18, 36],
  )
  const report = await metering.reconcile()
  assert.deepEqual(
    report.faults.filter((fault) => fault.kind !== 'unrated'),
    [],
    report.text,
  )
  assert.match(report.text, /dropped/)
})

test('which consents calls were answered on is told once, with the last moment of each, and refusals are no use', async (t) => {
  const { platform, metering } = await testMetering(t)
  const at = Date.parse('2026-03-01T10:00:00Z')
  const legal = (...consents: string[]) => ({ basis: 'consent', consents })
  const [segment] = await writeSegments(testFolder(t), [
    [
      exchange('1', { at, legal: legal('cns_a', 'cns_b') }),
      exchange('2', { at: at + 5_000, legal: legal('cns_a') }),
      exchange('3', { at: at + 9_000, legal: legal('cns_a', 'cns_c'), status: 403 }),
      exchange('4', { at: at + 9_000, legal: { basis: 'contract' } }),
      exchange('5', { at: at + 9_000 }),
    ],
  ])
  assert.ok(segment)
  await Promise.all(
    Array.from({ length: 5 }, () => metering.intake('sandbox', segment.claim, segment.bytes)),
  )
  const { rows } = await sql<{ payload: unknown }>`
    select payload from platform.outbox where type = 'consents.used'`.execute(
    platform.database.as<unknown>(),
  )
  assert.deepEqual(
    rows.map(({ payload }) => payload),
    [{ environment: 'sandbox', uses: { cns_a: at + 5_000, cns_b: at } }],
  )
})

test('segments that would take too much memory at once are sent away, and counted when they come again', async (t) => {
  const { platform, metering } = await testMetering(t)
  const db = platform.database.as<unknown>()
  const segments = await Promise.all(
    ['gtw_a', 'gtw_b'].map(async (gatewayId) =>
      first(await writeSegments(testFolder(t), [many(50)], { gatewayId })),
    ),
  )
  const [a, b] = segments
  assert.ok(a && b)
  const within = { heldBytes: a.bytes.length + 10 }
  const handler = createIntakeHandler(metering.intake, platform, within)
  const post = await servedIntake(t, platform, { 'POST /internal/v1/journal/segments': handler })
  // The first waits in the database while the second comes.
  const [lock, unlock] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holding = db.transaction().execute(async (trx) => {
    await sql`lock table metering.segment in access exclusive mode`.execute(trx)
    lock.resolve()
    await unlock.promise
  })
  await lock.promise
  const waiting = post(a)
  for (const until = Date.now() + 30_000; ; ) {
    const { rows } = await sql`select from pg_locks where not granted and database =
      (select oid from pg_database where datname = current_database())`.execute(db)
    if (rows.length > 0) break
    assert.ok(Date.now() < until, 'the first segment does not come to the database')
  }
  let away = await post(b)
  assert.equal(away.status, 503)
  unlock.resolve()
  await holding
  assert.equal((await waiting).status, 200)
  away = await post(b)
  assert.equal(away.status, 200)
})
