import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '#metering/schema'
import { checklist, keptRegistration, withKeys } from './quickstart.ts'

const exchange = (status: number): Exchange => ({
  id: `exc_${status}`,
  correlator: `c/${status}`,
  at: '2026-11-21T10:00:00Z',
  environment: 'sandbox',
  apiId: 'sim-swap/v2',
  operationId: 'checkSimSwap',
  method: 'POST',
  status,
  totalMs: 0.4,
  units: 1,
  requestBytes: 0,
  responseBytes: 0,
})
const base = { requirements: [], memberCount: 1, now: new Date() }
const states = (checks: { id: string; state: string }[]): Record<string, string> =>
  Object.fromEntries(checks.map((c) => [c.id, c.state]))

test('the page listens until the first 2xx, and an error alone is none', () => {
  assert.equal(states(checklist({ ...base, exchanges: [] }))['first-call'], 'listening')
  assert.equal(
    states(checklist({ ...base, exchanges: [exchange(404)] }))['first-call'],
    'listening',
  )
  assert.equal(states(checklist({ ...base, exchanges: [exchange(204)] }))['first-call'], 'done')
})

test('the first call is the oldest one that went well, whatever came after', () => {
  const [first] = checklist({ ...base, exchanges: [exchange(500), exchange(201), exchange(200)] })
  assert.match(first?.detail ?? '', /^200 from sim-swap\/v2 checkSimSwap in 1 ms/)
  assert.equal(first?.link?.to, '/app/calls?correlator=c%2F200')
})

test('production says what is still open', () => {
  const requirements = [
    { id: 'a', title: 'Verify', done: true },
    { id: 'b', title: 'Accept', done: false },
  ]
  const open = checklist({ ...base, exchanges: [], requirements }).at(-1)
  assert.equal(open?.state, 'open')
  assert.match(open?.detail ?? '', /Accept/)
  assert.doesNotMatch(open?.detail ?? '', /Verify/)
  const done = requirements.map((r) => ({ ...r, done: true }))
  assert.equal(checklist({ ...base, exchanges: [], requirements: done }).at(-1)?.state, 'done')
})

test('a sample has the values that are known and places for the others', () => {
  const code = "-u 'YOUR_CLIENT_ID:YOUR_CLIENT_SECRET'"
  assert.equal(
    withKeys(code, { clientId: 'c', clientSecret: undefined }),
    "-u 'c:YOUR_CLIENT_SECRET'",
  )
})

test('what is broken in the tab’s memory is ignored', () => {
  assert.equal(keptRegistration({ getItem: () => '{' }), undefined)
  assert.equal(keptRegistration({ getItem: () => null }), undefined)
})
