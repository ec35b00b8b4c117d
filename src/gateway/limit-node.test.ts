import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ApiEntry } from '#snapshot'
import { simSwap } from './testing-entries.ts'
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
    { numRuns: 200 },
  )
  assert.ok(admitted > 2_000, 'the stories admit too little to prove anything')
})
