import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { errorCodes } from './error-codes.ts'

const page = readFileSync(path.join(import.meta.dirname, '../../docs/errors.md'), 'utf8')
const rows = [
  ...page.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \| (.+?) \| (no|yes|later) \| (.+?) \|$/gm),
]

test('docs/errors.md documents every code of the registry, and no other', () => {
  assert.deepEqual(
    rows.map(([, code]) => code),
    Object.keys(errorCodes),
  )
})

test('docs/errors.md gives the status, the meaning and the retry advice of the registry', () => {
  for (const [, code, status, meaning, retry] of rows) {
    const entry = errorCodes[code as keyof typeof errorCodes]
    assert.deepEqual([String(entry.status), entry.meaning, entry.retry], [status, meaning, retry])
  }
})
