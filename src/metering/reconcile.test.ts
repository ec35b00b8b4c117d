import assert from 'node:assert/strict'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { testFolder } from '#platform/testing-folder'
import { exchange, testMetering, type WrittenSegment, writeSegments } from './testing.ts'

type TestContext = Parameters<typeof testMetering>[0]

/** Three counted segments of two days, their files where the gateway puts what was acknowledged. */
async function counted(t: TestContext) {
  const fixture = await testMetering(t)
  const paid = fixture.priceOf('paid')
  const folder = testFolder(t)
  const segments = await writeSegments(folder, [
    [exchange('a', { priceId: paid }), exchange('b', { priceId: paid })],
    [exchange('c', { priceId: paid, at: Date.parse('2026-02-28T10:00:00Z') })],
    [exchange('d', { status: 429, units: 0 }), exchange('e', { priceId: paid })],
  ])
  for (const segment of segments) {
    const result = await fixture.metering.intake('sandbox', segment.claim, segment.bytes)
    assert.equal(result.outcome, 'applied')
    await ship(segment)
  }
  const db = fixture.platform.database.as<unknown>()
  return {
    ...fixture,
    folder,
    segments,
    run: (statement: string) => sql.raw(statement).execute(db),
    reconcile: () => fixture.metering.reconcile({ journalFolder: folder }),
  }
}

const shippedFile = ({ file, claim }: WrittenSegment): string =>
  path.join(path.dirname(file), '..', 'shipped', claim.boot, path.basename(file))

async function ship(segment: WrittenSegment): Promise<void> {
  await mkdir(path.dirname(shippedFile(segment)), { recursive: true })
  renameSync(segment.file, shippedFile(segment))
}

test('what nobody touched agrees at every place, by environment and day', async (t) => {
  const { reconcile } = await counted(t)
  const report = await reconcile()
  assert.equal(report.agrees, true, report.text)
  assert.deepEqual(report.faults, [])
  assert.deepEqual(
    report.days.map((day) => [
      day.day,
      day.journal,
      day.segments,
      day.raw,
      day.rollup,
      day.usage,
      day.units,
      day.amount,
    ]),
    [
      ['2026-02-28', 1, 1, 1, 1, 1, 1, '0.02'],
      ['2026-03-01', 4, 4, 4, 4, 4, 3, '0.06'],
    ],
  )
  assert.match(report.text, /agree\.$/)
})

/** Each is one place that somebody changed; the report must name it, and only agree again when it is mended. */
const faults: Record<string, { statement: string; kinds: string[] }> = {
  'a deleted raw record': {
    statement: `delete from metering.exchange where id = 'exc_a'`,
    kinds: ['raw', 'records', 'rollup'],
  },
  'an added raw record': {
    statement: `insert into metering.exchange select 'exc_more', correlator, partner_id, code, refused_by, at, segment_id,
      total_us, upstream_us, request_bytes, response_bytes, day, environment, meter_id, 99, units, status, upstream_status
      from metering.exchange where id = 'exc_a'`,
    kinds: ['raw', 'rollup'],
  },
  'a raw record that was made free, and its sum with it': {
    statement: `update metering.exchange set units = 0 where id = 'exc_a';
      update metering.rollup r set units = r.units - 1 from metering.exchange e
      where e.id = 'exc_a' and r.meter_id = e.meter_id and r.status = 200 and r.bucket = date_bin('15 minutes', e.at, '2000-01-01Z')`,
    kinds: ['raw', 'records', 'rollup'],
  },
  'a raw record of another status': {
    statement: `update metering.exchange set status = 201 where id = 'exc_a'`,
    kinds: ['records', 'rollup'],
  },
  'an altered sum of calls': {
    statement: `update metering.rollup set calls = calls + 1 where status = 429`,
    kinds: ['rollup'],
  },
  'an altered sum of times': {
    statement: `update metering.rollup set total_us = total_us + 1 where status = 429`,
    kinds: ['rollup'],
  },
  'a deleted sum': {
    statement: `delete from metering.rollup where status = 429`,
    kinds: ['rollup'],
  },
  'a moved sum': {
    statement: `update metering.rollup set bucket = bucket + interval '15 minutes' where status = 429`,
    kinds: ['rollup'],
  },
  'a segment that is not in the database': {
    statement: `delete from metering.exchange where segment_id = 2; delete from metering.segment_day where segment_id = 2;
      delete from metering.rollup where bucket < '2026-03-01Z'; delete from metering.segment where id = 2`,
    kinds: ['gap', 'missing'],
  },
  'the last segment that is not in the database': {
    statement: `delete from metering.segment_day where segment_id = 3; delete from metering.segment where id = 3`,
    kinds: ['missing', 'raw', 'rollup'],
  },
  'a segment with another hash': {
    statement: `update metering.segment set sha256 = repeat('0', 64) where sequence = 1`,
    kinds: ['chain', 'journal'],
  },
  'a segment that says it had fewer records': {
    statement: `update metering.segment set records = 1 where sequence = 0`,
    kinds: ['segments'],
  },
  'a price that was made cheaper': {
    statement: `update metering.price set unit = 0.01 where unit > 0`,
    kinds: ['price', 'usage'],
  },
  'a price that is gone': {
    statement: `delete from metering.price where unit > 0`,
    kinds: ['unrated'],
  },
}
for (const [name, { statement, kinds }] of Object.entries(faults)) {
  test(`finds ${name}`, async (t) => {
    const { reconcile, run } = await counted(t)
    await run(statement)
    const report = await reconcile()
    assert.equal(report.agrees, false)
    assert.deepEqual(
      [...new Set(report.faults.map((fault) => fault.kind))].sort(),
      kinds,
      report.text,
    )
  })
}

test('finds a journal file that was edited, cut short, exchanged or emptied', async (t) => {
  const { reconcile, segments } = await counted(t)
  const [a, b] = segments
  assert.ok(a && b)
  const whole = a.bytes.toString()
  const edits: Record<string, string | Buffer> = {
    edited: whole.replace('"status":200', '"status":201'),
    shortened: whole.slice(0, -20),
    'without a record': whole.split('\n').toSpliced(1, 1).join('\n'),
    exchanged: b.bytes,
    emptied: '',
  }
  for (const [name, content] of Object.entries(edits)) {
    writeFileSync(shippedFile(a), content)
    const report = await reconcile()
    assert.deepEqual(
      report.faults.map((fault) => fault.kind),
      ['journal'],
      `${name}: ${report.text}`,
    )
  }
  writeFileSync(shippedFile(a), whole)
  assert.equal((await reconcile()).agrees, true)
  rmSync(shippedFile(a))
  assert.equal((await reconcile()).agrees, true, 'a file past its retention is not missed')
})

test('a price version that contracts knows after all rates what was counted without it', async (t) => {
  const { reconcile, metering, run } = await counted(t)
  await run('delete from metering.price')
  assert.equal((await reconcile()).agrees, false)
  await metering.keepDays()
  const report = await reconcile()
  assert.equal(report.agrees, true, report.text)
  assert.equal(report.days.at(-1)?.amount, '0.06')
})

test('tells a segment on its way from one that is lost', async (t) => {
  const { reconcile, folder, metering } = await counted(t)
  const later = await writeSegments(folder, [[exchange('f')], [exchange('g')], [exchange('h')]])
  const [first, second, third] = later
  assert.ok(first && second && third)
  const waiting = await reconcile()
  assert.equal(waiting.agrees, true, waiting.text)
  assert.deepEqual(
    waiting.notes.map((note) => note.kind),
    ['unshipped', 'unshipped', 'unshipped'],
  )
  await metering.intake('sandbox', third.claim, third.bytes)
  const behind = await reconcile()
  assert.deepEqual(
    behind.faults.map((fault) => fault.kind),
    ['unrated'],
    behind.text,
  )
  rmSync(first.file)
  const lost = await reconcile()
  assert.deepEqual(lost.faults.map((fault) => fault.kind).sort(), ['gap', 'unrated'], lost.text)
  // What is still written to has no footer, and perhaps half a line.
  const open = readFileSync(second.file).toString().split('\n').slice(0, 2).join('\n')
  writeFileSync(second.file, `${open}\nR 0000`)
  const writing = await reconcile()
  assert.ok(
    writing.notes.some((note) => note.kind === 'open'),
    writing.text,
  )
})

test('names what is in quarantine, with the reason', async (t) => {
  const { reconcile, metering, segments } = await counted(t)
  const [a] = segments
  assert.ok(a)
  const altered = Buffer.from(a.bytes.toString().replace('"status":200', '"status":201'))
  const { createHash } = await import('node:crypto')
  const sha256 = createHash('sha256').update(altered).digest('hex')
  const result = await metering.intake('sandbox', { ...a.claim, sha256 }, altered)
  assert.equal(result.outcome, 'quarantined')
  const report = await reconcile()
  assert.deepEqual(
    report.faults.map((fault) => fault.kind),
    ['quarantine'],
  )
  assert.match(report.text, /another segment of this name was counted/)
})

test('agrees at any moment while segments keep coming', async (t) => {
  const { reconcile, folder, metering, priceOf } = await counted(t)
  const priceId = priceOf('paid')
  const more = await writeSegments(
    folder,
    Array.from({ length: 30 }, (_, i) => [exchange(`m${i}`, { priceId })]),
  )
  let done = false
  const sending = (async () => {
    for (const segment of more) {
      await metering.intake('sandbox', segment.claim, segment.bytes)
      await ship(segment)
    }
    done = true
  })()
  do {
    const report = await reconcile()
    assert.equal(report.agrees, true, report.text)
  } while (!done)
  await sending
  assert.equal((await reconcile()).days.at(-1)?.usage, 34)
})
