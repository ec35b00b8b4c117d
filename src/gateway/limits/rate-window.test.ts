import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RateWindow } from './rate-window.ts'

/** Admits each call if there is room, and gives the times of those admitted. */
function admitted(window: RateWindow, times: readonly number[]): number[] {
  return times.filter((time) => {
    if (window.remaining(time) === 0) return false
    window.take(time)
    return true
  })
}

const mostIn = (times: readonly number[], windowMs: number): number =>
  times.reduce(
    (most, start, i) =>
      Math.max(most, times.slice(i).filter((time) => time < start + windowMs).length),
    0,
  )

const arrivals = (max: number) =>
  fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: max }).map((gaps) => {
    let time = 0
    return gaps.map((gap) => {
      time += gap
      return time
    })
  })

test('up to 256 it is the exact sliding log: admits whenever the window has room, and never else', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), arrivals(120), (limit, times) => {
      const log: number[] = []
      const exact = times.filter((time) => {
        if (log.filter((t) => t > time - 100).length >= limit) return false
        log.push(time)
        return true
      })
      assert.deepEqual(admitted(new RateWindow(limit, 100), times), exact)
    }),
  )
})

test('above 256 it never admits more in any window, and gives places back 1/256 of it late at most', () => {
  const limit = 300
  const windowMs = 1_000
  const window = new RateWindow(limit, windowMs)
  const times = Array.from({ length: 20_000 }, (_, i) => i * 0.37)
  const passed = admitted(window, times)
  assert.ok(mostIn(passed, windowMs) <= limit)
  const ideal = (times.at(-1) ?? 0) / (windowMs / limit)
  assert.ok(passed.length >= ideal * (1 - 2 / 256))
})

test('it tells when the next place comes back, and is right', () => {
  const window = new RateWindow(2, 1_000)
  window.take(100)
  window.take(400)
  assert.equal(window.remaining(500), 0)
  assert.equal(window.untilNextMs(500), 600)
  assert.equal(window.remaining(1_099), 0)
  assert.equal(window.remaining(1_100), 1)
})

test('a changed limit keeps what was admitted', () => {
  const window = new RateWindow(5, 1_000)
  for (let i = 0; i < 5; i += 1) window.take(10)
  window.limit = 6
  assert.equal(window.remaining(20), 1)
  window.limit = 3
  assert.equal(window.remaining(20), 0)
  assert.equal(window.idle(1_011), true)
})
