import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ApiEntry } from '#snapshot'
import { simSwap } from '../testing-entries.ts'
import { LimitSimulation } from './testing-limits.ts'

const api = simSwap('http://127.0.0.1:1') as ApiEntry
const startMs = 1_000_000
const lastsMs = 9_000

/** Anything that can happen to three gateways and the messages between them and the store. */
const story = fc.record({
  limit: fc.integer({ min: 3, max: 60 }),
  windowMs: fc.constantFrom(200, 1_000, 2_000, 4_000, 61_000),
  delays: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 9 }),
  /** for each gateway, how far apart its calls are, what they weigh, and when there are none */
  streams: fc.array(
    fc.record({
      everyMs: fc.integer({ min: 3, max: 150 }),
      weight: fc.integer({ min: 1, max: 3 }),
      onMs: fc.integer({ min: 20, max: 4_000 }),
      offMs: fc.integer({ min: 0, max: 3_000 }),
      fromMs: fc.integer({ min: 0, max: 3_000 }),
    }),
    { minLength: 5, maxLength: 5 },
  ),
  starts: fc.array(
    fc.record({
      atMs: fc.integer({ min: 0, max: 6_000 }),
      clockMs: fc.integer({ min: -5_000, max: 90_000 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  fates: fc.array(
    fc.record({
      atMs: fc.integer({ min: 500, max: 8_000 }),
      node: fc.integer({ min: 0, max: 4 }),
      kind: fc.constantFrom('pause', 'leave', 'kill'),
      forMs: fc.integer({ min: 1, max: 5_000 }),
    }),
    { maxLength: 5 },
  ),
})

type Story = typeof story extends fc.Arbitrary<infer T> ? T : never

async function play(told: Story): Promise<LimitSimulation> {
  const terms =
    told.windowMs % 1_000 === 0
      ? { rate: [{ limit: told.limit, windowSeconds: told.windowMs / 1_000 }] }
      : { spike: { limit: told.limit, windowMs: told.windowMs } }
  const simulation = new LimitSimulation(terms)
  let turn = 0
  simulation.delayMs = () => {
    turn += 1
    return told.delays[turn % told.delays.length] ?? 1
  }
  simulation.start(0)
  for (const { atMs, clockMs } of told.starts)
    simulation.at(startMs + atMs, () => void simulation.start(clockMs))
  for (const { atMs, node, kind, forMs } of told.fates)
    simulation.at(startMs + atMs, () => {
      const one = simulation.nodes[node]
      if (kind === 'pause') one?.pause(forMs)
      else if (kind === 'leave') one?.leave()
      else one?.kill()
    })
  told.streams.forEach(({ everyMs, weight, onMs, offMs, fromMs }, node) => {
    const call = (): void => {
      const phaseMs = (simulation.nowMs - startMs - fromMs) % (onMs + offMs)
      if (phaseMs < onMs) simulation.nodes[node]?.call(weight, api)
      if (simulation.nowMs < startMs + lastsMs) simulation.at(simulation.nowMs + everyMs, call)
    }
    simulation.at(startMs + fromMs, call)
  })
  await simulation.runUntil(startMs + lastsMs)
  return simulation
}

test('gateways that start, leave, stand still and are killed at any moment never admit more than the limit in any window', async () => {
  let admitted = 0
  await fc.assert(
    fc.asyncProperty(story, async (told) => {
      const simulation = await play(told)
      admitted += simulation.admitted.length
      assert.ok(simulation.mostIn(told.windowMs) <= told.limit)
    }),
    { numRuns: 120 },
  )
  assert.ok(admitted > 2_000, 'the stories admit too little to prove anything')
})

for (const windowMs of [1_000, 2_000, 4_000, 61_000]) {
  test(`what a gateway admitted alone before it was killed counts for the next one, in a window of ${windowMs} ms`, async () => {
    for (const killedMs of [1_000, 1_300, 1_499, 1_900]) {
      const limit = 20
      const simulation = new LimitSimulation({ rate: [{ limit, windowSeconds: windowMs / 1_000 }] })
      const first = simulation.start(0)
      simulation.at(startMs + killedMs - 5, () => {
        for (let i = 0; i < 40; i += 1) first.call(1, api)
      })
      simulation.at(startMs + killedMs, () => first.kill())
      simulation.at(startMs + killedMs + 1, () => void simulation.start(7))
      for (let ms = killedMs; ms < 6_000; ms += 5)
        simulation.at(startMs + ms, () => simulation.nodes[1]?.call(1, api))
      await simulation.runUntil(startMs + 6_000)
      assert.equal(simulation.admitted.filter(({ node }) => node === 0).length, limit)
      assert.ok(simulation.mostIn(windowMs) <= limit)
      if (windowMs <= 2_000) assert.ok(simulation.admitted.some(({ node }) => node === 1))
    }
  })
}

for (const windowMs of [1_000, 4_000]) {
  test(`three busy gateways use a window of ${windowMs} ms up to the documented bound`, async () => {
    const limit = 100
    const simulation = new LimitSimulation({ rate: [{ limit, windowSeconds: windowMs / 1_000 }] })
    simulation.delayMs = () => 2
    for (const clockMs of [0, 400, 9_000]) simulation.start(clockMs)
    const lastMs = 20 * windowMs
    for (let ms = 3_000; ms < 3_000 + lastMs; ms += 3)
      simulation.at(startMs + ms, () => simulation.nodes[Math.floor(ms / 3) % 3]?.call(1, api))
    await simulation.runUntil(startMs + 3_000 + lastMs)
    assert.ok(simulation.mostIn(windowMs) <= limit)
    const leaseMs = Math.min(1_000, windowMs / 20)
    const turnMs = windowMs + leaseMs + windowMs / 64 + 4 * 2
    const least = limit * Math.floor(lastMs / turnMs)
    const admitted = simulation.admitted.length
    assert.ok(admitted >= least, `${admitted} of ${least}`)
  })
}

test('calls under way are never more than the limit, whichever gateways join, leave and are killed, and slots come back', async () => {
  await fc.assert(
    fc.asyncProperty(story, fc.integer({ min: 5, max: 400 }), async (told, holdMs) => {
      const simulation = new LimitSimulation({ concurrency: told.limit })
      simulation.start(0)
      for (const { atMs, clockMs } of told.starts)
        simulation.at(startMs + atMs, () => void simulation.start(clockMs))
      for (const { atMs, node, kind } of told.fates)
        simulation.at(startMs + atMs, () => {
          if (kind === 'kill') simulation.nodes[node]?.kill()
        })
      told.streams.forEach(({ everyMs }, node) => {
        const call = (): void => {
          simulation.nodes[node]?.call(1, api, holdMs)
          if (simulation.nowMs < startMs + lastsMs) simulation.at(simulation.nowMs + everyMs, call)
        }
        simulation.at(startMs, call)
      })
      await simulation.runUntil(startMs + lastsMs)
      assert.ok(simulation.mostUnderWay <= told.limit)
      // Nobody else is left to hold any: one that comes later has them all.
      for (const node of simulation.nodes) node.kill()
      const heir = simulation.start(3)
      await simulation.runUntil(startMs + lastsMs + 5_000)
      const before = simulation.admitted.length
      for (let i = 0; i < told.limit + 5; i += 1) heir.call(1, api, 1_000)
      await simulation.runUntil(startMs + lastsMs + 5_500)
      assert.equal(simulation.admitted.length - before, told.limit)
    }),
    { numRuns: 30 },
  )
})

test('in a window that spans the loss of the store no more is admitted than the limit and the shares of the others, and later only the shares', async () => {
  let most = 0
  for (const limit of [8, 10, 57]) {
    const windowMs = 2_000
    const count = 4
    const simulation = new LimitSimulation({ rate: [{ limit, windowSeconds: windowMs / 1_000 }] })
    for (let i = 0; i < count; i += 1) simulation.start(i * 1_000)
    const lostMs = 6_000
    // One gateway uses up the limit, then the store goes, then all are called.
    simulation.at(startMs + lostMs - 30, () => {
      for (let i = 0; i < limit; i += 1) simulation.nodes[0]?.call(1, api)
    })
    simulation.at(startMs + lostMs, () => {
      simulation.storeUp = false
    })
    for (let ms = lostMs; ms < lostMs + 10_000; ms += 5)
      simulation.at(startMs + ms, () => {
        for (const node of simulation.nodes) node.call(1, api)
      })
    await simulation.runUntil(startMs + lostMs + 10_000)
    const share = Math.ceil(limit / count)
    assert.ok(simulation.mostIn(windowMs) <= limit + (count - 1) * share)
    most = Math.max(most, simulation.mostIn(windowMs) - count * share)
    const later = simulation.admitted.filter(({ ms }) => ms > startMs + lostMs + windowMs + 1_500)
    simulation.admitted.splice(0, simulation.admitted.length, ...later)
    assert.equal(simulation.mostIn(windowMs), count * share)
  }
  assert.ok(most > 0, 'nothing was admitted twice: the documented bound is too wide')
})
