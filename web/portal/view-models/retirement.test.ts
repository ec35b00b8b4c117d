import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retirementOf } from './retirement.ts'

const id = 'sim-swap/v2'
const sunsetAt = '2027-06-30T22:30:00.000Z'

test('a version that goes on says nothing of an end', () => {
  assert.equal(retirementOf({ id, lifecycle: 'published' }), undefined)
})

test('a deprecated version says until when it answers and where to go, in UTC', () => {
  const retirement = {
    deprecatedAt: '2026-06-01T00:00:00.000Z',
    sunsetAt,
    successor: 'sim-swap/v3',
  }
  assert.deepEqual(retirementOf({ id, lifecycle: 'deprecated', retirement }), {
    tone: 'warn',
    title: 'This version is deprecated',
    text: 'It answers until 30 June 2027, 22:30 UTC; from then on every call gets 410 GONE.',
    successor: { id: 'sim-swap/v3', href: '/apis/sim-swap/v3' },
  })
})

test('an end that was announced says when it begins', () => {
  const retirement = { deprecatedAt: '2027-01-01T00:00:00.000Z', sunsetAt }
  const view = retirementOf({ id, lifecycle: 'published', retirement })
  assert.match(view?.text ?? '', /^It will be deprecated on 1 January 2027. It answers until/)
})

test('without dates it is said that there are none', () => {
  assert.match(retirementOf({ id, lifecycle: 'deprecated' })?.text ?? '', /No date is set/)
})

test('a retired version says since when it does not answer', () => {
  const view = retirementOf({ id, lifecycle: 'retired', retirement: { sunsetAt } })
  assert.equal(view?.tone, 'bad')
  assert.match(view?.text ?? '', /^Since 30 June 2027, 22:30 UTC/)
})
