import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import { testDatabase } from '#platform/testing'
import { mostParties, searchEvidence } from './search-evidence.ts'
import { type ExchangeFilter, searchExchanges } from './search-exchanges.ts'
import type { AuditTables } from './tables.ts'

const db = (await testDatabase({ after })).as<AuditTables>()
const minuteMs = 60_000
const dayMs = 86_400_000
const start = Date.parse('2030-01-10T12:00:00Z')

type Call = { id: string; at: number; party: number; personal: number | null }
type Segment = { day: string; calls: readonly Call[] }

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

async function store(segments: readonly Segment[]): Promise<void> {
  for (const day of new Set(segments.map((one) => one.day)))
    await sql`select audit.make_evidence_day(${day}::date)`.execute(db)
  for (const { day, calls } of segments) {
    const ats = calls.map(({ at }) => at)
    await db
      .insertInto('audit.segment')
      .values({
        ...{ id: sql<number>`nextval('audit.segment_id')`, day, leaf_id: 'x', record: '{}' },
        ...{ records: calls.length, contents: Buffer.of(), ids: calls.map(({ id }) => id), ats },
        party_ids: calls.map(({ party }) => party),
        personal_ids: calls.map(({ personal }) => personal),
        id_starts: [...new Set(calls.map(({ id }) => id.slice(0, 12)))],
        parties: [...new Set(calls.map(({ party }) => party))],
        ...{ from_at: new Date(Math.min(...ats)), to_at: new Date(Math.max(...ats)) },
      })
      .execute()
  }
}

const parties = [1, 2, 3, 4]
await sql`
  insert into audit.party (environment, partner_id, application_id, api_id, basis, purpose)
  select 'production', 'prt_' || n, 'app_' || n, 'x/v1', 'consent', 'dpv:X' from generate_series(1, 4) n`.execute(
  db,
)

const filterOf = (more: Partial<ExchangeFilter>): ExchangeFilter => ({
  ...{ from: new Date(start - 90 * dayMs), to: new Date(start + dayMs) },
  ...{ party: [], parties: undefined, personal: undefined },
  ...more,
})

async function allPages(filter: ExchangeFilter, limit: number): Promise<string[]> {
  const ids: string[] = []
  let before: { at: Date; id: string } | undefined
  for (;;) {
    const page = await searchExchanges(db, filter, { before, limit })
    assert.ok(page.length <= limit)
    if (page.length === 0) return ids
    ids.push(...page.map(({ id }) => id))
    before = page.at(-1)
  }
}

test('whatever segments there are, pages bring each call once, newest first, and nothing else', async () => {
  const call = fc.record({
    // Many at the same moment, some of long ago: a gateway sent them late.
    back: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5 * 24 * 60 })),
    number: fc.integer({ min: 0, max: 500 }),
    party: fc.constantFrom(...parties),
    personal: fc.constantFrom(0, 1, 2, 3, null),
  })
  const segment = fc.record({
    calls: fc.array(call, { minLength: 1, maxLength: 12 }),
    late: fc.integer({ min: 0, max: 3 }),
  })
  const asked = fc.record({
    limit: fc.integer({ min: 1, max: 30 }),
    fromBack: fc.integer({ min: 0, max: 6 * 24 * 60 }),
    toBack: fc.integer({ min: -10, max: 60 }),
    parties: fc.option(fc.subarray(parties), { nil: undefined }),
    personal: fc.option(fc.subarray([1, 2, 3]), { nil: undefined }),
  })
  const property = fc.asyncProperty(
    fc.array(segment, { maxLength: 40 }),
    fc.array(asked, { minLength: 4, maxLength: 4 }),
    async (drawn, questions) => {
      await sql`truncate audit.segment`.execute(db)
      const segments = drawn.map(({ calls, late }) => {
        const made = calls.map(({ back, number, party, personal }) => {
          const at = start - back * minuteMs
          return { id: `exc_${at.toString(36)}${number}`, at, party, personal }
        })
        return { day: dayOf(Math.max(...made.map(({ at }) => at)) + late * dayMs), calls: made }
      })
      // The same call in two segments is the same in both.
      const known = new Map<string, Call>()
      const all = segments.map(({ day, calls }) => ({
        day,
        calls: calls.map((one) => known.get(one.id) ?? (known.set(one.id, one) && one)),
      }))
      await store(all)
      for (const { limit, fromBack, toBack, ...wanted } of questions) {
        const [from, to] = [start - fromBack * minuteMs, start - toBack * minuteMs]
        const expected = [...known.values()]
          .filter(({ at }) => at >= from && at < to)
          .filter(({ party }) => wanted.parties?.includes(party) !== false)
          .filter(
            ({ personal }) =>
              wanted.personal === undefined ||
              (personal !== null && wanted.personal.includes(personal)),
          )
          .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
        const party =
          wanted.parties === undefined ? [] : [sql`y.id = any(${wanted.parties}::int[])`]
        const filter = filterOf({ ...wanted, party, from: new Date(from), to: new Date(to) })
        const found = await allPages(filter, limit)
        assert.deepEqual(
          found,
          expected.map(({ id }) => id),
        )
      }
    },
  )
  await fc.assert(property, { numRuns: 25 })
})

test('a page is found by indexes and opens few segments, over however many calls', async () => {
  await sql`truncate audit.segment`.execute(db)
  await sql`select audit.make_evidence_day(day::date) from generate_series('2030-01-01'::date, '2030-01-10', '1 day') day`.execute(
    db,
  )
  await sql`
    insert into audit.segment (id, day, leaf_id, record, records, contents, ids, ats, party_ids, personal_ids, id_starts,
      parties, from_at, to_at)
    select n, at::date, 'x' || n, '{}', 2, '', array['exc_a' || n, 'exc_b' || n], array[ms, ms + 5], array[1 + n % 3, 1 + n % 3],
      array[n % 5000, n % 7000], array['exc_a' || n / 100], array[1 + n % 3], at, at + interval '5 ms'
    from (
      select n, ${start}::bigint - n * 25000::bigint as ms, to_timestamp((${start}::bigint - n * 25000::bigint) / 1000.0) as at
      from generate_series(1, 30000) n
    ) as one`.execute(db)
  await sql`analyze audit.segment`.execute(db)
  const asked: [string, readonly unknown[]][] = []
  const watched: Kysely<AuditTables> = db.withPlugin({
    transformQuery: ({ node }) => {
      const query = db.getExecutor().compileQuery(node, { queryId: 'x' })
      asked.push([query.sql, query.parameters])
      return node
    },
    transformResult: ({ result }) => Promise.resolve(result),
  })
  const page = { before: { at: new Date(start - dayMs), id: 'z' }, limit: 51 }
  for (const filter of [
    filterOf({}),
    filterOf({ parties: [2], party: [sql`y.id = 2`] }),
    filterOf({ personal: [77] }),
    // Nobody has it: every day is asked, and no segment is opened.
    filterOf({ personal: [99_999] }),
  ]) {
    asked.length = 0
    await searchExchanges(watched, filter, page)
    assert.ok(asked.length < 30, `${asked.length} questions`)
    for (const [text, parameters] of asked.filter(([one]) => one.includes('audit.segment'))) {
      const { rows } = await db.executeQuery<{ 'QUERY PLAN': string }>({
        ...{ sql: `explain ${text}`, parameters, queryId: { queryId: 'explain' } },
        query: { kind: 'RawNode', sqlFragments: [], parameters: [] },
      } as unknown as Parameters<typeof db.executeQuery>[0])
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      assert.doesNotMatch(plan, /Seq Scan on segment_2030010[2-9]/, plan)
    }
  }
})

test('a page is full although two segments brought the same calls', async () => {
  await sql`truncate audit.segment`.execute(db)
  const day = dayOf(start)
  const calls = Array.from({ length: 10 }, (_, n) => {
    const at = start - n * 1_000
    return { id: `exc_${n}`, at, party: 1, personal: 0 }
  })
  // The older half stands in segments that are opened after those.
  const older = calls.map((one) => ({ ...one, id: `${one.id}z`, at: one.at - minuteMs }))
  await store([
    ...Array.from({ length: 8 }, () => ({ day, calls })),
    ...older.map((one) => ({ day, calls: [one] })),
  ])
  const page = await searchExchanges(db, filterOf({}), { before: undefined, limit: 6 })
  assert.deepEqual(
    page.map(({ id }) => id),
    calls.slice(0, 6).map(({ id }) => id),
  )
  assert.equal((await allPages(filterOf({}), 6)).length, 20)
})

test('a partner that calls in more ways than can be looked for is found, too', async () => {
  await sql`truncate audit.segment`.execute(db)
  await sql`
    insert into audit.party (environment, partner_id, application_id, api_id, basis, purpose)
    select 'production', 'prt_many', 'app_many_' || n, 'x/v1', 'consent', 'dpv:Many' from generate_series(1, ${mostParties + 1}) n`.execute(
    db,
  )
  const { rows } = await sql<{ id: number }>`
    select id from audit.party where partner_id = 'prt_many' order by id desc limit 1`.execute(db)
  const day = dayOf(start)
  const call = (id: string, party = 1): Call => ({ id, at: start, party, personal: 0 })
  await store([
    { day, calls: [call('exc_1'), call('exc_2', rows[0]?.id)] },
    { day, calls: [call('exc_3')] },
  ])
  const anything = {
    ...{ environment: undefined, partnerId: undefined, applicationId: undefined },
    ...{ apiId: undefined, purpose: undefined, basis: undefined, subject: undefined },
    ...{ of: ['exchange'] as const, from: new Date(start - dayMs), to: new Date(start + dayMs) },
  }
  const page = { before: undefined, limit: 10 }
  assert.equal(await searchEvidence(db, { ...anything, purpose: 'dpv:Many' }, page), 'too-wide')
  const found = await searchEvidence(db, { ...anything, partnerId: 'prt_many' }, page)
  assert.ok(found !== 'too-wide')
  assert.deepEqual(
    found.map(({ id }) => id),
    ['exc_2'],
  )
})
