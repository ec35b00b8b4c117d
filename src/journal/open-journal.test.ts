import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testFolder } from '#platform/testing-folder'
import { diskFiles, type JournalFiles } from './journal-files.ts'
import { listSegments } from './list-segments.ts'
import { readSegment } from './segment.ts'
import { append, eventually, openTestJournal, testRecord } from './testing.ts'

const recordsIn = (folder: string) =>
  listSegments(folder).flatMap((segment) => readSegment(readFileSync(segment.path)).records)

function fullDisk(): JournalFiles & { room: number; writes: number } {
  const files = {
    ...diskFiles,
    room: Number.POSITIVE_INFINITY,
    writes: 0,
    write(fd: number, bytes: Buffer, offset: number, position: number): number {
      files.writes += 1
      if (files.room <= 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      const length = Math.min(bytes.length - offset, files.room)
      files.room -= length
      return diskFiles.write(fd, bytes.subarray(0, offset + length), offset, position)
    },
    freeBytes: () => files.room,
  }
  return files
}

test('all records of one turn of the event loop are one write, and no callback runs before it', async (t) => {
  const folder = testFolder(t)
  const files = fullDisk()
  const journal = await openTestJournal(folder, { files })
  await append(journal, testRecord('exc_first'))
  files.writes = 0
  const seen: number[] = []
  await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      append(journal, testRecord(`exc_${i}`)).then(() => seen.push(files.writes)),
    ),
  )
  assert.equal(files.writes, 1)
  assert.deepEqual(new Set(seen), new Set([1]))
  assert.equal(recordsIn(folder).length, 51)
  await journal.stop()
})

test('a full disk refuses whole groups, leaves no part of them, and writing goes on when there is room', async (t) => {
  const folder = testFolder(t)
  const files = fullDisk()
  const journal = await openTestJournal(folder, { files })
  await append(journal, testRecord('exc_kept'))
  files.room = 300
  const refused = await Promise.allSettled(
    ['a', 'b', 'c'].map((id) => append(journal, testRecord(`exc_${id}`))),
  )
  assert.deepEqual(
    refused.map((result) => result.status),
    ['rejected', 'rejected', 'rejected'],
  )
  assert.equal(journal.healthy(), false)
  await assert.rejects(append(journal, testRecord('exc_while_full')))
  files.room = Number.POSITIVE_INFINITY
  await eventually(() => journal.healthy())
  await append(journal, testRecord('exc_after'))
  await journal.stop()
  assert.deepEqual(
    recordsIn(folder).map((record) => record.id),
    ['exc_kept', 'exc_after'],
  )
  for (const segment of listSegments(folder)) assert.ok(readSegment(readFileSync(segment.path)).ok)
})

test('below its reserve of space the journal says so before a call is lost', async (t) => {
  const files = fullDisk()
  const journal = await openTestJournal(testFolder(t), {
    files,
    reserveBytes: 1_000,
    segmentMs: 20,
  })
  files.room = 900
  await eventually(() => !journal.healthy())
  await journal.stop()
})

test('with sync=always nothing is acknowledged before the disk has it, and a failed sync counts nothing', async (t) => {
  const folder = testFolder(t)
  let pending: ((error: Error | null) => void)[] = []
  let manual = true
  const files: JournalFiles = {
    ...diskFiles,
    sync: (fd, done) => (manual ? void pending.push(done) : diskFiles.sync(fd, done)),
  }
  const journal = await openTestJournal(folder, { files, sync: 'always' })
  let acknowledged = false
  const first = append(journal, testRecord('exc_first')).then(() => {
    acknowledged = true
  })
  await eventually(() => pending.length === 1)
  const second = append(journal, testRecord('exc_second'))
  const third = append(journal, testRecord('exc_third'))
  await eventually(() => recordsIn(folder).length === 3)
  assert.equal(acknowledged, false)
  pending.shift()?.(null)
  await first
  await eventually(() => pending.length === 1)
  const outcome = Promise.allSettled([second, third])
  pending.shift()?.(new Error('EIO'))
  assert.deepEqual(
    (await outcome).map((result) => result.status),
    ['rejected', 'rejected'],
  )
  manual = false
  pending = []
  await eventually(() => journal.healthy())
  await append(journal, testRecord('exc_fourth'))
  await journal.stop()
  assert.deepEqual(
    recordsIn(folder).map((record) => record.id),
    ['exc_first', 'exc_fourth'],
  )
})

test('segments chain: each footer names the hash of the file before', async (t) => {
  const folder = testFolder(t)
  const journal = await openTestJournal(folder, { segmentBytes: 400, sync: 'interval' })
  for (let i = 0; i < 6; i += 1) await append(journal, testRecord(`exc_${i}`))
  journal.count('unrecorded:401')
  await append(journal, testRecord('exc_last'))
  await journal.stop()
  let previous: string | null = null
  const files = listSegments(folder)
  assert.ok(files.length > 3)
  for (const [i, file] of files.entries()) {
    const read = readSegment(readFileSync(file.path))
    assert.ok(read.ok)
    assert.equal(file.sequence, i)
    assert.equal(read.footer.previous, previous)
    previous = read.sha256
  }
})

test('a journal that was used is sealed within the second, and an unused one writes nothing', async (t) => {
  const folder = testFolder(t)
  const journal = await openTestJournal(folder, { segmentMs: 20 })
  await append(journal, testRecord('exc_1'))
  await eventually(() => listSegments(folder).some((s) => readSegment(readFileSync(s.path)).ok))
  await journal.stop()
  assert.equal(listSegments(folder).length, 1)
})

test('a second gateway of the same id is refused, in this process and in another, until the first ends', async (t) => {
  const folder = testFolder(t)
  const journal = await openTestJournal(folder)
  await assert.rejects(openTestJournal(folder), /another running gateway/)
  const other = writer(folder)
  t.after(() => void other.kill('SIGKILL'))
  assert.equal((await once(other, 'exit'))[0], 1)
  await openTestJournal(folder, { gatewayId: 'gtw_other' }).then((second) => second.stop())
  await journal.stop()
  await openTestJournal(folder).then((again) => again.stop())
})

test('kill -9 while it writes loses no acknowledged record, and none is there twice', async (t) => {
  const folder = testFolder(t)
  const acknowledged = new Set<string>()
  for (let round = 0; round < 4; round += 1) {
    const child = writer(folder)
    const lines = createInterface({ input: child.stdout })
    let seen = 0
    for await (const line of lines) {
      for (const id of line.split(' ')) acknowledged.add(id)
      seen += 1
      if (seen === 20 * (round + 1)) child.kill('SIGKILL')
    }
  }
  const journal = await openTestJournal(folder)
  await journal.stop()
  const ids = listSegments(folder).flatMap((file) => {
    const read = readSegment(readFileSync(file.path))
    assert.ok(read.ok)
    return read.records.map((record) => record.id)
  })
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(acknowledged.size > 500)
  assert.deepEqual(
    [...acknowledged].filter((id) => !ids.includes(id)),
    [],
  )
})

function writer(folder: string) {
  const program = `
    import { openTestJournal, testRecord } from ${JSON.stringify(new URL('./testing.ts', import.meta.url).href)}
    import { writeSync } from 'node:fs'
    const journal = await openTestJournal(${JSON.stringify(folder)}, { segmentBytes: 3000 })
    let n = 0
    const turn = () => {
      const ids = []
      for (let i = 0; i < 20; i += 1) {
        const id = 'exc_' + process.pid + '_' + n++
        journal.append(testRecord(id), (error) => {
          if (error !== undefined) return
          ids.push(id)
          if (ids.length === 20) { writeSync(1, ids.join(' ') + '\\n'); turn() }
        })
      }
    }
    turn()
  `
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}
