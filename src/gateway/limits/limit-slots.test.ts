import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LimitSlots, type SlotStanding } from './limit-slots.ts'

const shared: SlotStanding = {
  decidesSlots: () => false,
  part: (limit) => limit,
  members: 2,
}

test('nothing is left while others have all slots, and what is free once there may be some again', () => {
  const slots = new LimitSlots('ctr_1', 10)
  slots.granted(slots.ask(shared, 0, 1), 0, 1, 0)
  assert.ok(slots.room(shared, 0) > 0)
  assert.equal(slots.remaining(shared, 0), 0)
  assert.equal(slots.remaining({ ...shared, decidesSlots: () => true }, 0), 10)
  slots.granted(slots.ask(shared, 5, 1), 1, 1, 5)
  assert.equal(slots.room(shared, 5), 0)
  assert.equal(slots.remaining(shared, 5), 10)
  slots.take(5)
  assert.equal(slots.remaining(shared, 5), 9)
})

test('who is to use fewer slots begins no call before it does, and tells at once what has ended', () => {
  const slots = new LimitSlots('ctr_1', 10)
  slots.granted(slots.ask(shared, 0, 4), 4, 4, 0)
  for (let i = 0; i < 4; i += 1) slots.take(1)
  assert.equal(slots.owes(shared, 50, 'lasting'), false)
  slots.granted(slots.ask(shared, 200, 0), 2, 0, 200)
  assert.equal(slots.release(shared, 201), 'now')
  assert.equal(slots.owes(shared, 201, 'lasting'), true)
  assert.notEqual(slots.room(shared, 201), 0)
  assert.equal(slots.release(shared, 202), 'now')
  assert.notEqual(slots.room(shared, 202), 0)
  const ask = slots.ask(shared, 202, 0)
  assert.deepEqual([ask.floor, ask.want, ask.held], [2, 2, 2])
  slots.granted(ask, 2, 0, 203)
  assert.equal(slots.owes(shared, 203, 'lasting'), false)
  assert.equal(slots.release(shared, 204), 'soon')
  assert.equal(slots.room(shared, 204), 0)
})

test('a process that holds more than its part finds out soon whether others want some, and one that does not asks nothing', () => {
  for (const [held, asks] of [
    [5, false],
    [6, true],
  ] as const) {
    const slots = new LimitSlots('ctr_1', 10)
    slots.granted(slots.ask(shared, 0, held), held, held, 0)
    for (let i = 0; i < held; i += 1) slots.take(1)
    assert.equal(slots.owes(shared, 20, 'lasting'), false)
    assert.equal(slots.owes(shared, 150, 'lasting'), asks)
    assert.equal(slots.owes({ ...shared, decidesSlots: () => true }, 150, 'lasting'), false)
  }
})

test('slots that an answer may have brought are told again when it never came', () => {
  const slots = new LimitSlots('ctr_1', 10)
  slots.ask(shared, 0, 3)
  assert.equal(slots.owes(shared, 50, 'lasting'), true)
  slots.granted(slots.ask(shared, 100, 0), 0, 0, 101)
  assert.equal(slots.owes(shared, 200, 'lasting'), false)
})

test('a process that decides by itself tells nobody what has ended', () => {
  const slots = new LimitSlots('ctr_1', 10)
  slots.granted(slots.ask(shared, 0, 2), 2, 2, 0)
  for (let i = 0; i < 2; i += 1) slots.take(1)
  assert.equal(slots.release({ ...shared, decidesSlots: () => true }, 2), undefined)
  // It is told when somebody else comes.
  assert.equal(slots.owes(shared, 3, 'lasting'), true)
})
