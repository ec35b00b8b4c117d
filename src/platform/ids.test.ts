import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock, systemClock } from './clock.ts'
import { createIds, idPattern } from './ids.ts'

test('ids are different however many are made, and have the form of their kind', () => {
  const newId = createIds(systemClock)
  const ids = Array.from({ length: 20_000 }, () => newId('exchange'))
  assert.equal(new Set(ids).size, ids.length)
  const pattern = new RegExp(idPattern('exchange'))
  assert.deepEqual(
    ids.filter((id) => !pattern.test(id)),
    [],
  )
})

test('ids of a later moment are later in order, and of a clock that was set back as the clock says', () => {
  const clock = manualClock('2026-03-01T10:00:00.000Z')
  const newId = createIds(clock)
  const first = newId('partner').slice(0, 13)
  assert.equal(newId('partner').slice(0, 13), first)
  clock.advance(1)
  assert.ok(newId('partner').slice(0, 13) > first)
  clock.advance(-1)
  assert.equal(newId('partner').slice(0, 13), first)
})

test('no character of an id is likelier than another', () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  // Bytes in turn: each of the 252 that count is drawn equally often.
  const newId = createIds(systemClock, ((size: number) =>
    Buffer.concat(Array(Math.ceil(size / 256)).fill(every))) as never)
  const counts = new Map<string, number>()
  // 11 characters from 252 a page: 252 ids are 11 whole pages.
  for (let i = 0; i < 252; i += 1)
    for (const character of newId('exchange').slice(13))
      counts.set(character, (counts.get(character) ?? 0) + 1)
  assert.equal(counts.size, 36)
  assert.deepEqual([...new Set(counts.values())], [77])
})
