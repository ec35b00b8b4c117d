import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAudit } from '#audit'
import type { NewRecord } from '#journal'
import { testFolder } from '#platform/testing-folder'
import { createMetering } from './create-metering.ts'
import { countRows, exchange, testMetering, writeSegments } from './testing.ts'

const hourMs = 3_600_000
const at = Date.parse('2026-03-01T10:00:00Z')

/** What happened, each with an id of its own that begins as all do: about three people and nobody, on three days. */
const happened = (run: number, n: number): NewRecord =>
  exchange(`same-for-all-${run}-${n}`, {
    at: at - (n % 3) * 24 * hourMs - n * 1_000,
    status: n % 5 === 0 ? 403 : 200,
    units: n % 5 === 0 ? 0 : 1,
    ...(n % 4 > 0 && {
      ...{ subject: `s${n % 4}`, tokenId: `tok_${n % 6}` },
      legal: { basis: 'consent', consents: [`cns_${n % 4}`] },
    }),
  })

test('whatever segments bring the same exchanges, in any order and at once, each is counted and proven once', async (t) => {
  const { platform, metering, contracts } = await testMetering(t)
  const processes = [metering, createMetering(platform, { contracts })]
  const audit = createAudit(platform)
  let run = 0
  const expected = { segments: 0, records: 0, quarantine: 0, duplicates: 0, calls: 0, units: 0 }
  await fc.assert(
    fc.asyncProperty(
      // Of each segment, in its order, which exchanges it brings; some of them twice.
      fc.array(fc.array(fc.nat(60), { minLength: 1, maxLength: 40 }), {
        minLength: 1,
        maxLength: 6,
      }),
      async (drawn) => {
        run += 1
        const segments = await Promise.all(
          drawn.map(async (numbers, i) => {
            const records = numbers.map((n) => happened(run, n))
            return await writeSegments(testFolder(t), [records], { gatewayId: `gtw_${i}` })
          }),
        )
        const sent = segments.flat()
        const results = await Promise.all(
          // Each twice, to two processes.
          [...sent, ...sent].map(({ claim, bytes }, i) =>
            processes[(i + Math.floor(i / sent.length)) % 2]?.intake('sandbox', claim, bytes),
          ),
        )
        const applied = results.flatMap((one) => (one?.outcome === 'applied' ? [one] : []))
        assert.deepEqual(
          [applied.length, results.filter((one) => one?.outcome === 'known').length],
          [sent.length, sent.length],
        )
        const counted = new Set(drawn.flat())
        expected.segments += sent.length
        expected.records += counted.size
        expected.calls += counted.size
        expected.units += [...counted].filter((n) => n % 5 > 0).length
        expected.duplicates += drawn.flat().length - counted.size
        assert.deepEqual(await countRows(platform), expected)
        for (const n of counted) {
          const found = await audit.exchangeEvidence(`exc_same-for-all-${run}-${n}`)
          assert.equal(found !== undefined, n % 4 > 0, `exc_same-for-all-${run}-${n}`)
        }
      },
    ),
    { numRuns: 12 },
  )
  const verified = await audit.verifyLog()
  assert.ok(verified.ok, JSON.stringify(verified))
  const report = await metering.reconcile()
  assert.deepEqual(
    report.faults.filter(({ kind }) => kind !== 'unrated'),
    [],
    report.text,
  )
})
