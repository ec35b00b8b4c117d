import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitsBody, limitsForm, masksBody, masksForm, nextKey } from './contract-terms.ts'
import { errorsAt, unplaced } from './field-errors.ts'
import { endBody, movesOf, reasonableDay, successorsOf } from './version-lifecycle.ts'

const limits = {
  rate: [
    { limit: 5, windowSeconds: 1 },
    { limit: 100, windowSeconds: 60 },
  ],
  quota: { limit: 1_000, period: 'month' as const },
  spike: { limit: 5, windowMs: 500 },
  concurrency: 10,
}

test('limits go through the form as they are, and what is emptied is not limited', () => {
  assert.deepEqual(limitsBody(limitsForm({ ...limits, source: 'plan' })), limits)
  const form = limitsForm({ ...limits, source: 'plan' })
  const emptied = { ...form, quota: '', spike: '', spikeMs: '', concurrency: '' } as const
  assert.deepEqual(limitsBody(emptied), { rate: limits.rate })
})

test('a spike without its length reaches the server without it, so that the length is asked for', () => {
  const form = { ...limitsForm({ ...limits, source: 'plan' }), spikeMs: '' as const }
  assert.equal(JSON.parse(JSON.stringify(limitsBody(form))).spike.windowMs, null)
})

test('a grid goes along with coarsen only, and a field without the spaces around it', () => {
  const rows = masksForm([
    { apiId: '*', field: ' area ', action: 'coarsen', gridMetres: 500 },
    { apiId: 'a/v1', field: 'device', action: 'mask' },
  ])
  const [first, second] = rows
  assert.ok(first !== undefined && second !== undefined)
  assert.deepEqual(masksBody([first, { ...second, gridMetres: 5 }]), {
    masks: [
      { apiId: '*', field: 'area', action: 'coarsen', gridMetres: 500 },
      { apiId: 'a/v1', field: 'device', action: 'mask' },
    ],
  })
  assert.equal(nextKey(rows), 2)
  assert.equal(nextKey([]), 0)
})

test('violations come to their fields, and what has no field to the head of the form', () => {
  const fault = {
    status: 400,
    code: 'INVALID_ARGUMENT',
    message: 'all of it',
    violations: [
      { path: '/rate/0/limit', message: 'must be >= 1' },
      { path: '/bandwidth', message: 'is not known' },
    ],
  }
  const at = errorsAt(fault)
  assert.equal(at('/rate/0/limit'), 'must be >= 1')
  assert.equal(at('/rate/1/limit'), undefined)
  assert.equal(
    unplaced(fault, (place) => place.startsWith('/rate'))?.message,
    '/bandwidth is not known',
  )
  assert.equal(
    unplaced(fault, () => true),
    undefined,
  )
  const whole = { ...fault, violations: [] }
  assert.equal(
    unplaced(whole, () => true),
    whole,
  )
})

test('a version may become what the catalog lets it become', () => {
  const at = '2027-01-01T00:00:00Z'
  assert.deepEqual(movesOf({ lifecycle: 'draft' }), {
    publish: true,
    deprecate: false,
    retire: false,
    takesBack: false,
  })
  assert.deepEqual(movesOf({ lifecycle: 'published' }), {
    publish: false,
    deprecate: true,
    retire: true,
    takesBack: false,
  })
  assert.equal(movesOf({ lifecycle: 'published', retirement: { sunsetAt: at } }).takesBack, true)
  assert.equal(movesOf({ lifecycle: 'deprecated' }).takesBack, true)
  assert.equal(movesOf({ lifecycle: 'retired' }).publish, true)
})

test('an end is sent as the beginning of its day in UTC, without what was left empty', () => {
  assert.deepEqual(endBody({ sunset: '2027-06-30', deprecated: '', successor: 'a/v2' }), {
    state: 'deprecated',
    sunsetAt: '2027-06-30T00:00:00Z',
    successor: 'a/v2',
  })
  assert.equal(reasonableDay(new Date('2026-01-01T12:00:00Z')), '2026-07-03')
})

test('successors are versions that partners can go to, the same API first', () => {
  const version = (id: string, lifecycle: 'published' | 'draft' | 'retired' = 'published') => ({
    id,
    name: id.split('/')[0] ?? '',
    lifecycle,
  })
  const all = [version('b/v1'), version('a/v1'), version('a/v2'), version('a/v3', 'draft')]
  assert.deepEqual(successorsOf(version('a/v1'), all), ['a/v2', 'b/v1'])
})
