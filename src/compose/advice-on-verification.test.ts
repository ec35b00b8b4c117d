import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { adviceOn } from './advice-on-verification.ts'

const guide = readFileSync(
  path.join(import.meta.dirname, '..', '..', 'docs', 'guides', 'evidence.md'),
  'utf8',
)

test('whoever is told that the log does not hold is sent to a part of the guide that is there', () => {
  const advice = (reason: string): string => adviceOn(reason)
  for (const reason of [
    'the log was cut off: it has 6 leaves, and an exported checkpoint (file) of 8 leaves says 8',
    'the log was rewritten: it is not what an exported checkpoint (file) of 8 leaves signed',
    'an exported checkpoint (file) of 6 leaves is not in the database any more',
  ])
    assert.match(advice(reason), /restored from an older copy.*“After a restore”/)
  assert.doesNotMatch(advice('entry 7: its content is not what was hashed'), /restore/)
  for (const text of ['was cut off', 'entry 7'].map(advice)) {
    const [, part = ''] = /“(.*?)” in docs\/guides\/evidence\.md/.exec(text) ?? []
    assert.match(guide, new RegExp(`^###? ${part}$`, 'm'))
  }
})
