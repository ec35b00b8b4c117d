import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CircuitBreaker } from './circuit-breaker.ts'

const settings = { failures: 5, openSeconds: 30 }
const second = 1_000

/** Calls one after the other, each over before the next. */
function run(breaker: CircuitBreaker, outcomes: string, nowMs = 0): void {
  for (const outcome of outcomes)
    if (breaker.waitMs(nowMs) === 0)
      breaker.end(breaker.begin(), outcome === 'x' ? 'failed' : 'fine', nowMs)
}

test('a breaker opens at five failures in a row, and not at four', () => {
  const breaker = new CircuitBreaker(settings)
  run(breaker, 'xxxx.xxxx')
  assert.equal(breaker.state(0), 'closed')
  run(breaker, 'x')
  assert.equal(breaker.state(0), 'open')
  assert.equal(breaker.waitMs(0), 30 * second)
  assert.equal(breaker.waitMs(29 * second), second)
})

test('a breaker opens when more than half of at least twenty calls in ten seconds failed', () => {
  const breaker = new CircuitBreaker(settings)
  run(breaker, '.x'.repeat(15))
  assert.equal(breaker.state(0), 'closed')
  run(breaker, 'x')
  assert.equal(breaker.state(0), 'open')
  const slow = new CircuitBreaker(settings)
  for (let i = 0; i < 60; i += 1) run(slow, i % 3 === 0 ? '.' : 'x', i * second)
  assert.equal(slow.state(60 * second), 'closed', 'ten calls in ten seconds are too few to judge')
})

test('what was open is tried by one call at a time, and opens twice as long when that one fails', () => {
  const breaker = new CircuitBreaker(settings)
  run(breaker, 'xxxxx')
  assert.equal(breaker.state(30 * second), 'half-open')
  const probe = breaker.begin()
  assert.ok(breaker.waitMs(30 * second) > 0, 'a second call must not go through beside the first')
  breaker.end(probe, 'failed', 31 * second)
  assert.equal(breaker.waitMs(31 * second), 60 * second)
  const next = breaker.begin()
  breaker.end(next, 'nothing', 91 * second)
  assert.equal(breaker.waitMs(91 * second), 0, 'a client that left says nothing of the target')
  breaker.end(breaker.begin(), 'fine', 91 * second)
  assert.equal(breaker.state(91 * second), 'closed')
})

test('one that fails again soon after it closed stays open longer, and one that held is trusted as before', () => {
  const soon = new CircuitBreaker(settings)
  run(soon, 'xxxxx', 0)
  run(soon, '.', 30 * second)
  run(soon, 'xxxxx', 31 * second)
  assert.equal(soon.waitMs(31 * second), 60 * second)
  const later = new CircuitBreaker(settings)
  run(later, 'xxxxx', 0)
  run(later, '.', 30 * second)
  run(later, 'xxxxx', 70 * second)
  assert.equal(later.waitMs(70 * second), 30 * second)
})

test('a call that began before the breaker opened does not close it, nor open it longer', () => {
  const breaker = new CircuitBreaker(settings)
  const early = breaker.begin()
  const other = breaker.begin()
  run(breaker, 'xxxxx')
  breaker.end(early, 'fine', second)
  breaker.end(other, 'failed', second)
  assert.equal(breaker.state(second), 'open')
  assert.equal(breaker.waitMs(second), 29 * second)
})

test('a target whose failures are wanted is never closed off', () => {
  const breaker = new CircuitBreaker('never')
  run(breaker, 'x'.repeat(1_000))
  assert.equal(breaker.state(0), 'closed')
})

type Step = { afterMs: number; act: 'begin' | 'fine' | 'failed' | 'nothing' }

test('whatever happens: no call while open, one at a time when half open, and never open for ever', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    afterMs: fc.nat({ max: 20_000 }),
    act: fc.constantFrom('begin', 'fine', 'failed', 'failed', 'nothing'),
  })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 200 }),
      fc.integer({ min: 1, max: 8 }),
      (steps, failures) => {
        const breaker = new CircuitBreaker({ failures, openSeconds: 30 })
        const under: { begun: number; probe: boolean }[] = []
        let nowMs = 0
        let inARow = 0
        for (const { afterMs, act } of steps) {
          nowMs += afterMs
          const before = breaker.state(nowMs)
          if (act === 'begin') {
            const mayBegin = breaker.waitMs(nowMs) === 0
            if (before === 'closed') assert.ok(mayBegin)
            if (before === 'open') assert.ok(!mayBegin)
            if (!mayBegin) continue
            if (before === 'half-open') assert.ok(!under.some(({ probe }) => probe))
            under.push({ begun: breaker.begin(), probe: before === 'half-open' })
            continue
          }
          const call = under.shift()
          if (call === undefined) continue
          breaker.end(call.begun, act, nowMs)
          if (act === 'failed') inARow += 1
          else if (act === 'fine') inARow = 0
          if (before === 'closed' && breaker.state(nowMs) === 'open')
            assert.ok(inARow >= 1 && act === 'failed', 'only a failure opens it')
          assert.ok(breaker.waitMs(nowMs) <= 300_000)
        }
        for (const { begun } of under) breaker.end(begun, 'nothing', nowMs)
        assert.equal(breaker.waitMs(nowMs + 300_000), 0)
      },
    ),
  )
})
