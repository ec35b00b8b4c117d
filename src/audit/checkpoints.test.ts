import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { manualClock } from '#platform/clock'
import type { Platform } from '#platform/module'
import { testPlatform } from '#platform/testing'
import { type CheckpointSink, fileSink } from './checkpoint-sink.ts'
import { createAudit } from './create-audit.ts'
import { consistencyProof } from './proofs.ts'
import { forgetOldEvidence } from './retention.ts'
import { append } from './store.ts'
import type { AuditTables } from './tables.ts'
import {
  openCheckpoint,
  readCheckpointFile,
  readCheckpointLines,
  verifyConsistency,
} from './verify.mjs'

let count = 0

/** Writes entries as the subscriber does. */
const act = async (platform: Platform, times: number): Promise<void> => {
  await platform.database
    .as<AuditTables>()
    .transaction()
    .execute(async (trx) => {
      for (let i = 0; i < times; i += 1) {
        count += 1
        await append(trx, {
          ...{ event_id: `evt_${count}`, occurred_at: new Date(0), actor_kind: 'system' },
          ...{ actor_id: 'x', via: null, partner_id: null, action: 'x.done', target: 'x' },
          detail: { count },
        })
      }
    })
}

async function signedLog(t: TestContext, start = '2030-01-01T00:00:00Z') {
  const clock = manualClock(start)
  const platform = await testPlatform(t, { clock })
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-evidence-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const sink = fileSink(folder)
  const audit = createAudit(platform, { sinks: [sink] })
  const sizes = async (): Promise<number[]> =>
    (await sink.list()).map(({ checkpoint, key }) => openCheckpoint(checkpoint, key).size)
  const file = path.join(folder, 'checkpoints.jsonl')
  return {
    ...{ clock, platform, sink, audit, sizes, file },
    db: platform.database.as<AuditTables>(),
  }
}

/** What somebody who owns the database could do. */
const tamper = async (platform: Platform, statements: string): Promise<void> => {
  const db = platform.database.as<unknown>()
  await sql
    .raw(`set session_replication_role = replica; ${statements}; reset session_replication_role`)
    .execute(db)
}

/** Takes the newest leaves away so that what stays is a whole log, and entries, too. */
const cutTo = (size: number): string => `
  delete from audit.leaf where position >= ${size};
  delete from audit.entry where sequence > ${size};
  delete from audit.node where (position + 1) << level > ${size}`

test('a checkpoint is signed after a minute with something new, or 1 000 leaves, and exported', async (t) => {
  const { clock, platform, audit, sizes } = await signedLog(t)
  await audit.checkpoint()
  assert.deepEqual(await sizes(), [])
  await act(platform, 3)
  await audit.checkpoint()
  await act(platform, 1)
  await audit.checkpoint()
  assert.deepEqual(await sizes(), [3])
  clock.advance(60_000)
  await audit.checkpoint()
  await audit.checkpoint()
  assert.deepEqual(await sizes(), [3, 4])
  clock.advance(600_000)
  await audit.checkpoint()
  assert.deepEqual(await sizes(), [3, 4])
  await act(platform, 1_000)
  await audit.checkpoint()
  assert.deepEqual(await sizes(), [3, 4, 1_004])
  const report = await audit.verifyLog()
  assert.ok(report.ok, JSON.stringify(report))
  assert.deepEqual([report.leaves, report.checkpoints.exported], [1_004, 3])
})

test('what only the database has a checkpoint of is not called confirmed from outside', async (t) => {
  const { platform, audit } = await signedLog(t)
  await act(platform, 1)
  await audit.checkpoint()
  await act(platform, 1)
  await createAudit(platform).checkpoint({ now: true })
  const report = await audit.verifyLog()
  assert.ok(report.ok, JSON.stringify(report))
  assert.deepEqual(report.checkpoints, { signed: 2, exported: 1, newestSize: 1 })
})

test('checkpoints go on while a clock that was set back catches up', async (t) => {
  const { clock, platform, audit, sizes } = await signedLog(t)
  await act(platform, 1)
  await audit.checkpoint()
  clock.advance(-86_400_000)
  await act(platform, 1)
  await audit.checkpoint()
  assert.deepEqual(await sizes(), [1, 2])
})

test('two processes that sign at once sign one history', async (t) => {
  const { platform, sink, audit, db } = await signedLog(t)
  const other = createAudit(platform, { sinks: [sink] })
  for (let round = 0; round < 5; round += 1) {
    await act(platform, 1 + round)
    await Promise.all([audit, other, audit].map((one) => one.checkpoint({ now: true })))
  }
  const report = await audit.verifyLog()
  assert.ok(report.ok, JSON.stringify(report))
  const signed = (await sink.list()).map(({ checkpoint, key }) => openCheckpoint(checkpoint, key))
  for (const [i, first] of signed.entries())
    for (const second of signed.slice(i)) {
      if (second.size < first.size) continue
      const proofPath = await consistencyProof(db, first.size, second.size)
      const sizes = { first: first.size, second: second.size, path: proofPath }
      assert.ok(verifyConsistency({ ...sizes, firstRoot: first.root, secondRoot: second.root }))
    }
})

test('an export that failed is made up for, and one that was killed half-way does no harm', async (t) => {
  const { clock, platform, sink, audit, sizes, file } = await signedLog(t)
  let broken = true
  const weak: CheckpointSink = {
    ...sink,
    add: (notes) => (broken ? Promise.reject(new Error('disk full')) : sink.add(notes)),
  }
  const failing = createAudit(platform, { sinks: [weak] })
  await act(platform, 2)
  await assert.rejects(failing.checkpoint(), /disk full/)
  appendFileSync(file, '\n{"checkpoint":"wayleave-evi')
  broken = false
  clock.advance(10_000)
  await failing.checkpoint()
  assert.deepEqual(await sizes(), [2])
  appendFileSync(file, '{"check')
  await act(platform, 1)
  await audit.checkpoint({ now: true })
  assert.deepEqual(await sizes(), [2, 3])
  assert.ok((await audit.verifyLog()).ok)
})

test('the newest of many exported checkpoints is the last whole one', async (t) => {
  const { sink, file } = await signedLog(t)
  assert.equal(await sink.newest(), null)
  const many = Array.from({ length: 2_000 }, (_, i) => ({
    checkpoint: `ä ${i} `.repeat(9),
    key: 'k',
  }))
  for (const part of [many.slice(0, 3), many.slice(3, 1_999), many.slice(1_999)]) {
    await sink.add(part)
    assert.deepEqual(await sink.newest(), part.at(-1))
  }
  appendFileSync(file, '\n{"checkpoint":"half')
  assert.deepEqual(await sink.newest(), many.at(-1))
  assert.deepEqual(await sink.list(), many)
})

test('exported checkpoints are read whatever a system made of their lines, and nothing else is taken for them', () => {
  const one = { checkpoint: 'a\n', key: 'k' }
  const lines = [one, one].map((line) => JSON.stringify(line))
  for (const text of [
    `${lines.join('\n')}\n`,
    lines.join('\n'),
    `\ufeff${lines.join('\r\n')}\r\n`,
    `\n  \r\n${lines.join('\n\n')}\n{"checkpoint":"wayle`,
  ])
    assert.deepEqual(readCheckpointLines(text), [one, one], JSON.stringify(text))
  for (const text of [`${lines[0]}\nx`, `${lines[0]}{}\n`, `${lines[0]}\n[]\n`, '{"checkpoint":1}'])
    assert.throws(() => readCheckpointLines(text), /line [12] is no checkpoint/, text)
  const wide = Buffer.from(`\ufeff${lines[0]}\r\n`, 'utf16le').toString('utf8')
  assert.throws(() => readCheckpointLines(wide), /not text in UTF-8/)
  // Longer than a piece of the file that is read at once.
  const long = { checkpoint: 'ä'.repeat(50_000), key: 'k' }
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'wayleave-lines-')), 'checkpoints.jsonl')
  writeFileSync(file, `\ufeff${[one, long, one].map((line) => JSON.stringify(line)).join('\r\n')}`)
  assert.deepEqual(readCheckpointFile(file), [one, long, one])
})

const attacks: Record<string, { statement: string; at: number | null; reason: RegExp }> = {
  'the removal of the newest entries': {
    statement: cutTo(6),
    at: 6,
    reason: /cut off: it has 6 leaves, and .* says 8/,
  },
  'the removal of the newest entries with their checkpoints': {
    statement: `${cutTo(6)}; delete from audit.checkpoint_export; delete from audit.checkpoint where size > 4`,
    at: 6,
    reason: /cut off: it has 6 leaves, and an exported checkpoint/,
  },
  'a leaf that is not its entry': {
    statement: `update audit.leaf set hash = sha256('x') where position = 5`,
    at: 5,
    reason: /is not the hash of its entry/,
  },
  'an altered node': {
    statement: `update audit.node set hash = sha256('x') where level = 2 and position = 0`,
    at: 3,
    reason: /node 2\/0/,
  },
  'a leaf without an entry': {
    statement: `delete from audit.leaf where position = 2`,
    at: 2,
    reason: /leaf 2 is missing/,
  },
  'an altered checkpoint': {
    statement: `update audit.checkpoint set root = sha256('x') where size = 4`,
    at: null,
    reason: /something else in its note/,
  },
  'an entry that was altered': {
    statement: `update audit.entry set action = 'y.done' where sequence = 7`,
    at: 6,
    reason: /entry 7: its content/,
  },
}
for (const [name, attack] of Object.entries(attacks)) {
  test(`verification finds ${name}, and nothing more is signed on top of a log that was cut`, async (t) => {
    const { platform, audit } = await signedLog(t)
    for (let i = 0; i < 2; i += 1) {
      await act(platform, 4)
      await audit.checkpoint({ now: true })
    }
    await tamper(platform, attack.statement)
    const report = await audit.verifyLog()
    assert.ok(!report.ok)
    assert.match(report.reason, attack.reason)
    assert.equal(report.at, attack.at)
    if (/cut off/.test(report.reason))
      await assert.rejects(async () => {
        await act(platform, 1)
        await audit.checkpoint({ now: true })
      }, /No checkpoint is signed/)
  })
}

test('a history that was written anew, whole and signed with another key, is found by what was exported', async (t) => {
  const { platform, audit, db } = await signedLog(t)
  await act(platform, 5)
  await audit.checkpoint()
  const anew = `${cutTo(0)}; delete from audit.checkpoint_export; delete from audit.checkpoint`
  await tamper(platform, anew)
  await act(platform, 5)
  // The same key: signed again by whoever has the master key, too.
  await assert.rejects(audit.checkpoint({ now: true }), /its root is another one/)
  await createAudit(platform).checkpoint({ now: true })
  const same = await audit.verifyLog()
  assert.ok(!same.ok)
  assert.match(same.reason, /rewritten: it is not what an exported checkpoint \(file\) of 5 leaves/)
  await tamper(platform, 'delete from audit.checkpoint; delete from audit.signing_key')
  await createAudit(platform).checkpoint({ now: true })
  const other = await audit.verifyLog()
  assert.ok(!other.ok)
  assert.match(other.reason, /signed with a key that this database does not know/)
  assert.equal((await db.selectFrom('audit.leaf').select('id').execute()).length, 5)
})

test('signing goes on after a restore, once what the database has lost is set aside in the file', async (t) => {
  const { platform, audit, file, sizes } = await signedLog(t)
  for (let i = 0; i < 2; i += 1) {
    await act(platform, 4)
    await audit.checkpoint({ now: true })
  }
  await tamper(
    platform,
    `${cutTo(4)}; delete from audit.checkpoint_export where size > 4; delete from audit.checkpoint where size > 4`,
  )
  await act(platform, 1)
  await assert.rejects(audit.checkpoint({ now: true }), /only 5 leaves are left/)
  const [first = ''] = readFileSync(file, 'utf8').trim().split('\n')
  writeFileSync(file, `${first}\n`)
  await audit.checkpoint({ now: true })
  assert.deepEqual(await sizes(), [4, 5])
  assert.ok((await audit.verifyLog()).ok)
})

test('an exported checkpoint that was altered or taken away is found', async (t) => {
  const { platform, audit, file } = await signedLog(t)
  await act(platform, 5)
  await audit.checkpoint()
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace('\\n5\\n', '\\n4\\n'))
  const altered = await audit.verifyLog()
  assert.ok(!altered.ok)
  assert.match(altered.reason, /signature does not hold/)
  writeFileSync(file, '')
  const gone = await audit.verifyLog()
  assert.ok(!gone.ok)
  assert.match(gone.reason, /was exported \(file\) and is not there any more/)
  writeFileSync(file, 'nonsense\n')
  const nonsense = await audit.verifyLog()
  assert.ok(!nonsense.ok)
  assert.match(nonsense.reason, /cannot be read: line 1/)
})

test('a file that was emptied, or lost its end, is a fault that running control tells, and gets nothing more until it is back', async (t) => {
  const { platform, audit, file, sizes } = await signedLog(t)
  for (let times = 1; times <= 2; times += 1) {
    await act(platform, 5)
    await audit.checkpoint({ now: true })
  }
  const text = readFileSync(file, 'utf8')
  await act(platform, 1)
  for (const [left, shows] of [
    ['', /given the checkpoint of 10 leaves and shows nothing: put back/],
    [text.slice(0, text.indexOf('\n\n') + 1), /shows nothing newer than 5 leaves/],
  ] as const) {
    writeFileSync(file, left)
    const { contradiction, sinks } = await audit.state()
    assert.equal(contradiction, undefined, 'the log itself is what it was')
    assert.match(sinks[0]?.fault ?? '', shows)
    await assert.rejects(audit.checkpoint({ now: true }), shows)
    assert.equal(readFileSync(file, 'utf8'), left)
  }
  rmSync(file)
  assert.match((await audit.state()).sinks[0]?.fault ?? '', /shows nothing: put back/)
  writeFileSync(file, text)
  await audit.checkpoint()
  assert.equal((await audit.state()).sinks[0]?.fault, undefined)
  assert.deepEqual(await sizes(), [5, 10, 11])
})

test('refuses to change, delete or empty checkpoints', async (t) => {
  const { platform, audit, db } = await signedLog(t)
  await act(platform, 1)
  await audit.checkpoint()
  for (const table of ['audit.checkpoint', 'audit.checkpoint_export'])
    for (const statement of [`update ${table} set size = 9`, `delete from ${table}`])
      await assert.rejects(sql.raw(statement).execute(db), /append-only/, statement)
})

test('a new key is vouched for by the one before it, and what the former signed stays proven', async (t) => {
  const { clock, platform, sink, audit, sizes } = await signedLog(t)
  await act(platform, 3)
  await audit.checkpoint()
  const keys = [(await sink.newest())?.key]
  for (let i = 0; i < 3; i += 1) {
    // Also while the clock is wrong.
    clock.advance(-3_600_000)
    const { previous, key } = await audit.rotateKey({ kind: 'system', id: 'test' })
    assert.equal(previous, keys.at(-1))
    await act(platform, 1)
    await audit.checkpoint({ now: true })
    assert.equal((await sink.newest())?.key, key)
    keys.push(key)
  }
  assert.equal(new Set(keys).size, 4)
  // Of each rotation: that the former key names the new one, and that the new one signs.
  assert.deepEqual(await sizes(), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  const report = await audit.verifyLog()
  assert.ok(report.ok, JSON.stringify(report))
})

test('a key whose announcement went by its age is no fault, and one that somebody put there then is', async (t) => {
  const { clock, platform, audit, db } = await signedLog(t, '2026-01-01T00:00:00Z')
  await act(platform, 1)
  await audit.checkpoint()
  await audit.rotateKey({ kind: 'system', id: 'test' })
  clock.advance(40 * 86_400_000)
  await audit.rotateKey({ kind: 'system', id: 'test' })
  const keep = { exchanges: undefined, consents: undefined, actions: 30 }
  assert.equal(await forgetOldEvidence(db, clock, keep), 3)
  await audit.checkpoint({ now: true })
  const report = await audit.verifyLog()
  assert.ok(report.ok, JSON.stringify(report))
  const newest = '(select max(made_at) from audit.signing_key)'
  for (const [statement, reason] of [
    [
      `insert into audit.signing_key select 'ffffffff', origin, replace(public_key, id, 'ffffffff'), sealed_private_key,
         '2026-01-15' from audit.signing_key where made_at = ${newest}`,
      /the key ffffffff: its names are not those/,
    ],
    [
      `delete from audit.signing_key where id = 'ffffffff';
       update audit.signing_key set made_at = made_at - interval '1 day' where made_at = ${newest}`,
      /made at another time than the log says/,
    ],
  ] as const) {
    await tamper(platform, statement)
    const altered = await audit.verifyLog()
    assert.ok(!altered.ok)
    assert.match(altered.reason, reason)
  }
})

test('a key that nobody vouched for is found', async (t) => {
  const { platform, audit, db } = await signedLog(t)
  await act(platform, 3)
  await audit.checkpoint()
  await audit.rotateKey({ kind: 'system', id: 'test' })
  await act(platform, 1)
  await audit.checkpoint({ now: true })
  const [, second] = await db
    .selectFrom('audit.signing_key')
    .select('id')
    .orderBy('made_at')
    .execute()
  await tamper(
    platform,
    `insert into audit.signing_key select 'ffffffff', origin, replace(public_key, id, 'ffffffff'), sealed_private_key, '2031-01-01'
     from audit.signing_key where id = '${second?.id}'`,
  )
  const report = await audit.verifyLog()
  assert.ok(!report.ok)
  assert.match(
    report.reason,
    /the key ffffffff signs, and nothing that the key before it signed names it/,
  )
})

test('no key vouches for a log that is not what was signed', async (t) => {
  const { platform, audit } = await signedLog(t)
  await act(platform, 4)
  await audit.checkpoint()
  await tamper(platform, cutTo(2))
  await assert.rejects(audit.rotateKey({ kind: 'system', id: 'test' }), /No checkpoint is signed/)
})

test('keys that are rotated by several at once make one row of keys', async (t) => {
  const { platform, sink, audit } = await signedLog(t)
  await act(platform, 2)
  const other = createAudit(platform, { sinks: [sink] })
  const rotate = (one: typeof audit) => one.rotateKey({ kind: 'system', id: 'test' })
  const made = await Promise.all([rotate(audit), rotate(other), audit.checkpoint(), rotate(audit)])
  assert.equal(new Set(made.flatMap((one) => one?.previous ?? [])).size, 3)
  await act(platform, 1)
  await audit.checkpoint({ now: true })
  const report = await audit.verifyLog()
  assert.ok(report.ok, JSON.stringify(report))
})

test('nothing is signed on top of a file whose newest line nobody signed', async (t) => {
  const { platform, sink, audit, file } = await signedLog(t)
  await act(platform, 5)
  await audit.checkpoint()
  const [{ checkpoint, key } = { checkpoint: '', key: '' }] = await sink.list()
  for (const forged of [
    { checkpoint: checkpoint.replace('\n5\n', '\n4\n'), key },
    { checkpoint, key: key.replace('+', '+0') },
    { checkpoint: 'x', key },
  ]) {
    const before = readFileSync(file)
    appendFileSync(file, `${JSON.stringify(forged)}\n`)
    await act(platform, 1)
    await assert.rejects(
      audit.checkpoint({ now: true }),
      /something else than the checkpoints that it was given/,
    )
    assert.match((await audit.state()).contradiction ?? '', /No checkpoint is signed/)
    writeFileSync(file, before)
  }
  await audit.checkpoint({ now: true })
  assert.ok((await audit.verifyLog()).ok)
})
