import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { pino } from 'pino'
import type { Change } from './read-snapshot.ts'
import type { ApplicationEntry, SnapshotEntry } from './schema.ts'
import { SnapshotFile } from './snapshot-file.ts'

const silent = pino({ level: 'silent' })

const entryOf = (id: string, clientId: string): ApplicationEntry => ({
  kind: 'application',
  id,
  clientId,
  partnerId: 'prt_1',
  state: 'active',
  credentialIds: [],
})

const textOf = (entries: Iterable<SnapshotEntry>): string =>
  JSON.stringify([...entries].toSorted((a, b) => (a.id < b.id ? -1 : 1)))

/** Some steps of a follower: each changes or removes one of five applications; now and then everything is loaded. */
const steps = fc.array(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    what: fc.constantFrom('put', 'put', 'put', 'remove', 'reload'),
  }),
  { minLength: 1, maxLength: 40 },
)

/** What may happen to a file: nothing, cut short, or one byte of it changed. */
const damage = fc.record({
  file: fc.constantFrom('', '.changes', '.previous', '.previous.changes'),
  kind: fc.constantFrom('none', 'cut', 'flip'),
  at: fc.nat(100_000),
})

test('whatever happens to one file, a state that was there is read; undamaged, it is the last one', async () => {
  await fc.assert(
    fc.asyncProperty(steps, damage, async (history, { file: suffix, kind, at }) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-snapshot-'))
      try {
        const file = path.join(folder, 'snapshot.jsonl')
        const writer = new SnapshotFile(file, 'sandbox', silent, 600)
        const entries = new Map<string, SnapshotEntry>()
        const states: string[] = []
        let revision = 0
        writer.replace(revision, entries, false)
        states.push(textOf(entries.values()))
        for (const { id, what } of history) {
          revision += 1
          const entry = what === 'remove' ? null : entryOf(id, `wl_${revision}`)
          if (entry === null) entries.delete(`application ${id}`)
          else entries.set(`application ${id}`, entry)
          const change: Change = { revision, kind: 'application', id, entry }
          if (what === 'reload') writer.replace(revision, entries, false)
          else writer.append([change], revision, entries)
          states.push(textOf(entries.values()))
          // One after the other, as with a database between them.
          await writer.settled()
        }
        await writer.close()
        const target = `${file}${suffix}`
        const whole = existsSync(target) ? readFileSync(target) : Buffer.alloc(0)
        const hurt = kind !== 'none' && whole.length > 0
        if (hurt) {
          const place = at % whole.length
          const bytes = Buffer.from(whole)
          bytes[place] = (bytes[place] ?? 0) ^ 0x01
          writeFileSync(target, kind === 'cut' ? whole.subarray(0, place) : bytes)
        }
        const saved = new SnapshotFile(file, 'sandbox', silent).load()
        assert.ok(saved !== undefined || (hurt && suffix === ''))
        if (saved === undefined) return
        const text = textOf(saved.entries.values())
        assert.ok(states.includes(text), 'a state that never was')
        if (!hurt) assert.equal(text, states.at(-1))
        assert.equal(new SnapshotFile(file, 'production', silent).load(), undefined)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }),
    { numRuns: 60 },
  )
})

test('a damaged file of entries is made up for by those before and both files of changes', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-snapshot-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'snapshot.jsonl')
  const writer = new SnapshotFile(file, 'sandbox', silent, 600)
  const entries = new Map<string, SnapshotEntry>()
  writer.replace(0, entries, false)
  for (let revision = 1; revision <= 12; revision += 1) {
    const entry = entryOf(`app_${revision}`, `wl_${revision}`)
    entries.set(`application ${entry.id}`, entry)
    writer.append([{ revision, kind: 'application', id: entry.id, entry }], revision, entries)
    await writer.settled()
  }
  await writer.close()
  assert.ok(existsSync(`${file}.previous`))
  writeFileSync(file, readFileSync(file).subarray(0, -3))
  const saved = new SnapshotFile(file, 'sandbox', silent).load()
  assert.equal(saved?.revision, 12)
  assert.equal([...(saved?.entries.values() ?? [])].length, 12)
})
