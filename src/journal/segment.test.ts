import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { testFolder } from '#platform/testing-folder'
import { decodeLine, encodeLine } from './line.ts'
import { listSegments } from './list-segments.ts'
import { sealLeftover } from './recover.ts'
import { readSegment } from './segment.ts'
import { append, openTestJournal, silent, testRecord } from './testing.ts'

async function sealedSegment(t: Parameters<typeof testFolder>[0], count: number): Promise<Buffer> {
  const folder = testFolder(t)
  const journal = await openTestJournal(folder)
  await Promise.all(
    Array.from({ length: count }, (_, i) =>
      append(journal, testRecord(`exc_${i}`, { units: i % 2, correlator: `ü-${i}` })),
    ),
  )
  await journal.stop()
  const [segment] = listSegments(folder)
  assert.ok(segment)
  return readFileSync(segment.path)
}

test('a line comes back as it was written, whatever JSON it holds', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.stringify(value)
      const line = decodeLine(Buffer.from(encodeLine('R', json)), 0)
      assert.equal(JSON.stringify(line?.value), json)
    }),
  )
})

test('a sealed segment reads back whole, with its counts', async (t) => {
  const read = readSegment(await sealedSegment(t, 7))
  assert.ok(read.ok)
  assert.equal(read.records.length, 7)
  assert.deepEqual(
    read.records.map((record) => record.index),
    [0, 1, 2, 3, 4, 5, 6],
  )
  assert.equal(read.footer.units, 3)
  assert.equal(read.footer.previous, null)
})

test('torn at any byte, a segment gives exactly the records that are whole, and is never taken for sealed', async (t) => {
  const bytes = await sealedSegment(t, 4)
  const ends = [...bytes.entries()].filter(([, byte]) => byte === 0x0a).map(([i]) => i + 1)
  for (let cut = 0; cut < bytes.length; cut += 1) {
    const read = readSegment(bytes.subarray(0, cut))
    assert.equal(read.ok, false)
    const wholeLines = ends.filter((end) => end <= cut).length
    assert.equal(read.records.length, Math.max(0, wholeLines - 1), `cut at ${cut}`)
  }
})

test('recovery of a segment torn at any byte seals the whole records and nothing else', async (t) => {
  const bytes = await sealedSegment(t, 3)
  const footerStart = bytes.lastIndexOf('\nF ') + 1
  const folder = testFolder(t)
  for (let cut = 0; cut < footerStart + 20; cut += 1) {
    const file = { path: path.join(folder, `${cut}.wlj`), boot: 'b', sequence: 0 }
    writeFileSync(file.path, bytes.subarray(0, cut))
    const sealed = sealLeftover(file, { home: folder, previous: null, now: 1, log: silent })
    const before = readSegment(bytes.subarray(0, cut))
    if (before.header === undefined) {
      assert.equal(sealed, undefined)
      continue
    }
    const after = readSegment(readFileSync(file.path))
    assert.ok(after.ok)
    assert.equal(after.sha256, sealed?.sha256)
    assert.equal(after.footer.recovered, true)
    assert.deepEqual(
      after.records.map((record) => record.id),
      before.records.map((record) => record.id),
    )
  }
})

test('recovery cuts at the acknowledged length when its writer still knows it', async (t) => {
  const bytes = await sealedSegment(t, 3)
  const secondRecord = bytes.indexOf(0x0a, bytes.indexOf('exc_1'))
  const folder = testFolder(t)
  const file = { path: path.join(folder, 'x.wlj'), boot: 'b', sequence: 0 }
  writeFileSync(file.path, bytes.subarray(0, bytes.lastIndexOf('\nF ') + 1))
  sealLeftover(file, { home: folder, previous: null, now: 1, log: silent }, secondRecord + 1)
  const after = readSegment(readFileSync(file.path))
  assert.ok(after.ok)
  assert.equal(after.records.length, 2)
})

test('no changed, removed, added or exchanged byte of a sealed segment goes unnoticed', async (t) => {
  const bytes = await sealedSegment(t, 5)
  const byte = fc.integer({ min: 0, max: 255 })
  const at = fc.integer({ min: 0, max: bytes.length - 1 })
  fc.assert(
    fc.property(at, byte, fc.constantFrom('change', 'remove', 'insert'), (i, value, how) => {
      const tail = how === 'insert' ? i : i + 1
      const middle = how === 'remove' ? [] : [value]
      const altered = Buffer.concat([
        bytes.subarray(0, i),
        Buffer.from(middle),
        bytes.subarray(tail),
      ])
      fc.pre(!altered.equals(bytes))
      assert.equal(readSegment(altered).ok, false)
    }),
    { numRuns: 2_000 },
  )
})

test('two whole records that changed places are noticed', async (t) => {
  const lines = (await sealedSegment(t, 3)).toString().split('\n')
  const exchanged = [lines[0], lines[2], lines[1], ...lines.slice(3)].join('\n')
  assert.equal(readSegment(Buffer.from(exchanged)).ok, false)
})
