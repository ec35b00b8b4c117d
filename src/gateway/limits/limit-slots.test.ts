import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LimitSlots, type SlotStanding } from './limit-slots.ts'

const shared: SlotStanding = { decidesSlots: () => false, part: (limit) => limit }

test('nothing is left while others have all slots, and what is free once there may be some again', () => {
  const slots = new LimitSlots('ctr_1', 10)
  slots.ask(shared, 0, 1)
  slots.granted(0, 1, 0)
  assert.ok(slots.room(shared, 0) > 0)
  assert.equal(slots.remaining(shared, 0), 0)
  assert.equal(slots.remaining({ ...shared, decidesSlots: () => true }, 0), 10)
  slots.granted(1, 1, 5)
  assert.equal(slots.room(shared, 5), 0)
  assert.equal(slots.remaining(shared, 5), 10)
  slots.take(5)
  assert.equal(slots.remaining(shared, 5), 9)
})
