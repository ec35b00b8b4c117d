import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiEntry } from '#snapshot'
import { simSwap } from '../testing-entries.ts'
import { memoryLimitStore } from './memory-limit-store.ts'
import { LimitSimulation } from './testing-limits.ts'

const api = simSwap('http://127.0.0.1:1') as ApiEntry
const startMs = 1_000_000
/** the first gateway has all slots by then */
const othersMs = startMs + 4_000
const lastsMs = 5_000

type Load = { limit: number; count: number; clients: number; holdMs: number; retryMs: number }

/** Each gateway's clients call without a pause; the first one's were there first. */
async function saturate({ limit, count, clients, holdMs, retryMs }: Load) {
  const simulation = new LimitSimulation({ concurrency: limit })
  for (let i = 0; i < count; i += 1) simulation.start(i * 500)
  const client = (node: number): void =>
    simulation.nodes[node]?.call(1, api, holdMs, (admitted) => {
      const nextMs = simulation.nowMs + (admitted ? 0 : retryMs)
      if (nextMs < othersMs + lastsMs) simulation.at(nextMs, () => client(node))
    })
  for (let node = 0; node < count; node += 1)
    simulation.at(node === 0 ? othersMs - 1_000 : othersMs, () => {
      for (let i = 0; i < clients; i += 1) client(node)
    })
  await simulation.runUntil(othersMs + lastsMs)
  const admitted = simulation.admitted.filter(({ ms }) => ms >= othersMs)
  const of = (node: number) => admitted.filter((call) => call.node === node)
  const all = simulation.nodes.map(({ index }) => of(index))
  return { simulation, all, admitted: admitted.length }
}

const loads: readonly Load[] = [
  { limit: 1, count: 2, clients: 3, holdMs: 40, retryMs: 10 },
  { limit: 1, count: 3, clients: 3, holdMs: 40, retryMs: 10 },
  { limit: 2, count: 2, clients: 4, holdMs: 40, retryMs: 10 },
  { limit: 2, count: 3, clients: 4, holdMs: 40, retryMs: 10 },
  { limit: 3, count: 5, clients: 4, holdMs: 100, retryMs: 10 },
  { limit: 6, count: 2, clients: 8, holdMs: 40, retryMs: 10 },
  { limit: 6, count: 3, clients: 8, holdMs: 40, retryMs: 10 },
  { limit: 50, count: 2, clients: 50, holdMs: 200, retryMs: 50 },
  { limit: 50, count: 3, clients: 34, holdMs: 200, retryMs: 50 },
]

/** A store with members that share, and what they ask it. */
function shared(members: readonly string[], limit: number) {
  let nowMs = startMs
  const store = memoryLimitStore(() => nowMs)
  const beat = (member: string, release = false) =>
    store.answer({ ...question, member, beat: true, release })
  for (const member of members) beat(member)
  beat('a', true)
  return {
    pass(ms: number) {
      nowMs += ms
    },
    hold: (member: string, floor: number, want: number, held?: number) => {
      const slots = [{ key: 'c', limit, floor, want, ...(held === undefined ? {} : { held }) }]
      return store.answer({ ...question, member, slots }).slots[0]
    },
  }
}

const question = { release: false, beat: false, leaving: false, epoch: '', windows: [], slots: [] }

test('who holds more than a fair part is told to use fewer once another is refused, and that one gets no more before it has', () => {
  const { hold } = shared(['a', 'b'], 5)
  assert.equal(hold('a', 0, 5, 0), 5)
  // Nobody else wants any.
  assert.equal(hold('a', 5, 9, 5), 5)
  assert.equal(hold('b', 0, 1, 0), 0)
  assert.equal(hold('a', 5, 5, 5), 4)
  assert.equal(hold('b', 0, 7, 0), 0)
  assert.equal(hold('a', 5, 5, 4), 3)
  assert.equal(hold('b', 0, 7, 0), 0)
  // Two have ended: they are for the other, as long as that wants them.
  assert.equal(hold('a', 3, 9, 3), 3)
  assert.equal(hold('b', 0, 7, 0), 2)
  assert.equal(hold('a', 3, 9, 3), 3)
  assert.equal(hold('b', 0, 0, 2), 0)
  assert.equal(hold('a', 3, 9, 3), 5)
})

test('who does not come for what it was refused is forgotten, and one of the version before is neither told to use fewer nor waited for', () => {
  const { hold, pass } = shared(['a', 'b'], 5)
  hold('a', 0, 5, 0)
  hold('b', 0, 7, 0)
  assert.equal(hold('a', 5, 5, 5), 3)
  assert.equal(hold('a', 3, 9, 3), 3)
  pass(250)
  assert.equal(hold('a', 3, 9, 3), 5)
  hold('b', 0, 7, 0)
  pass(999)
  assert.equal(hold('a', 5, 5, 5), 3)
  pass(1)
  assert.equal(hold('a', 5, 5, 5), 5)
  assert.equal(hold('b', 0, 7), 0)
  assert.equal(hold('a', 5, 5, 5), 5)
  hold('b', 0, 7, 0)
  assert.equal(hold('a', 5, 5), 5)
})

test('one slot goes from one to the next in the order in which they came, for a turn each', () => {
  const { hold, pass } = shared(['a', 'b', 'c'], 1)
  assert.equal(hold('a', 0, 1, 0), 1)
  assert.equal(hold('c', 0, 1, 0), 0)
  pass(1)
  assert.equal(hold('b', 0, 1, 0), 0)
  pass(1)
  assert.equal(hold('a', 1, 1, 1), 0)
  assert.equal(hold('a', 0, 1, 0), 0)
  assert.equal(hold('b', 0, 1, 0), 0)
  assert.equal(hold('c', 0, 1, 0), 1)
  pass(149)
  assert.equal(hold('c', 1, 1, 1), 1)
  pass(1)
  assert.equal(hold('c', 1, 1, 1), 0)
  assert.equal(hold('c', 0, 1, 0), 0)
  pass(1)
  assert.equal(hold('a', 0, 1, 0), 0)
  assert.equal(hold('b', 0, 1, 0), 1)
})

test('gateways whose clients never pause all have slots within a second, three quarters of a fair part at least, and use 85 % of all', async () => {
  for (const load of loads) {
    const { simulation, all, admitted } = await saturate(load)
    const full = (load.limit * lastsMs) / load.holdMs
    const told = JSON.stringify({ ...load, admitted: all.map(({ length }) => length) })
    assert.equal(simulation.mostUnderWay, load.limit, told)
    for (const calls of all) {
      assert.ok((calls[0]?.ms ?? Number.POSITIVE_INFINITY) <= othersMs + 1_000, told)
      assert.ok(calls.length >= (0.75 * full) / load.count, told)
    }
    assert.ok(admitted >= 0.85 * full, told)
  }
})

test('slots go on to others although each call lasts longer than a turn', async () => {
  for (const limit of [1, 6]) {
    const load = { limit, count: 3, clients: 6, holdMs: 700, retryMs: 20 }
    const { simulation, all } = await saturate(load)
    assert.equal(simulation.mostUnderWay, limit)
    const part = (limit * lastsMs) / load.holdMs / load.count
    for (const calls of all) assert.ok(calls.length >= Math.floor(part / 2), `${calls.length}`)
  }
})

test('beside an idle gateway, and beside one with few calls, none is refused within the limit', async () => {
  const limit = 6
  for (const few of [0, 2]) {
    const simulation = new LimitSimulation({ concurrency: limit })
    for (let i = 0; i < 3; i += 1) simulation.start(i * 500)
    const stream = (node: number, everyMs: number, holdMs: number, fromMs: number): void => {
      for (let ms = fromMs; ms < fromMs + lastsMs; ms += everyMs)
        simulation.at(ms, () => simulation.nodes[node]?.call(1, api, holdMs))
    }
    // Never more than five under way in the one, and one in the other.
    stream(0, 20, 95, othersMs)
    if (few > 0) stream(1, 300, 40, othersMs + 7)
    await simulation.runUntil(othersMs + lastsMs + 500)
    assert.deepEqual(simulation.refused, [])
  }
})

test('a slot is kept a moment for a gateway that was refused, and is there again when nobody comes for it', async () => {
  const simulation = new LimitSimulation({ concurrency: 1 })
  for (let i = 0; i < 2; i += 1) simulation.start(i * 500)
  const client = (): void =>
    simulation.nodes[0]?.call(1, api, 40, (admitted) => {
      const nextMs = simulation.nowMs + (admitted ? 0 : 4)
      if (nextMs < othersMs + lastsMs) simulation.at(nextMs, client)
    })
  for (let i = 0; i < 3; i += 1) simulation.at(othersMs - 1_000, client)
  simulation.at(othersMs, () => simulation.nodes[1]?.call(1, api, 40))
  await simulation.runUntil(othersMs + lastsMs)
  assert.deepEqual([...new Set(simulation.admitted.map(({ node }) => node))], [0])
  const times = simulation.admitted.map(({ ms }) => ms).filter((ms) => ms > othersMs - 500)
  const gaps = times.map((ms, i) => ms - (times[i - 1] ?? ms))
  assert.ok(Math.max(...gaps) <= 40 + 250 + 60, `${Math.max(...gaps)}`)
  assert.equal(gaps.filter((gap) => gap > 60).length, 1)
})
