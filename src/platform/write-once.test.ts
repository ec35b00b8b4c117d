import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { writeOnce } from './write-once.ts'

test('what is written once stays, closed to others, with nothing left beside it', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-once-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'key')
  writeOnce(file, 'first')
  writeOnce(file, 'second')
  assert.equal(readFileSync(file, 'utf8'), 'first')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), ['key'])
})
