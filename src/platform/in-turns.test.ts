import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapInTurns, runAtOnce, runInTurns } from './in-turns.ts'
import { oneAtATime } from './one-at-a-time.ts'

test('a long list is mapped in its order, and others have their turns meanwhile', async () => {
  let turns = 0
  const other = setInterval(() => {
    turns += 1
  }, 0)
  const items = Array.from({ length: 200_000 }, (_, i) => i)
  assert.deepEqual(
    await mapInTurns(items, (item, index) => [item, index]),
    items.map((item, index) => [item, index]),
  )
  clearInterval(other)
  assert.ok(turns > 3, `${turns} turns`)
  await assert.rejects(
    mapInTurns(items, (item) => {
      if (item === 600) throw new Error('no')
    }),
    /no/,
  )
})

test('steps come to the same end at once and in turns', async () => {
  function* steps(): Generator<void, string> {
    yield
    yield
    return 'end'
  }
  assert.equal(runAtOnce(steps()), 'end')
  assert.equal(await runInTurns(steps()), 'end')
})

test('works run one at a time in the order in which they came, also behind one that fails', async () => {
  const inTurn = oneAtATime(60_000)
  const seen: string[] = []
  const work = (name: string) => async () => {
    seen.push(`${name} begins`)
    await new Promise(setImmediate)
    seen.push(`${name} ends`)
    if (name === 'b') throw new Error('b fails')
    return name
  }
  const [a, b, c] = ['a', 'b', 'c'].map((name) => inTurn(work(name)))
  await assert.rejects(async () => await b, /b fails/)
  assert.deepEqual([await a, await c], ['a', 'c'])
  assert.deepEqual(
    seen,
    ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  )
})

test('a work that never ends holds up nobody for longer than was said', async () => {
  const inTurn = oneAtATime(20)
  void inTurn(() => Promise.withResolvers<never>().promise)
  assert.equal(await inTurn(async () => 'second'), 'second')
  assert.equal(await inTurn(async () => 'third'), 'third')
})
