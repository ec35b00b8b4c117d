import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evidenceSearch, nothingEntered, whyPath } from './evidence-search.ts'

test('nothing that was entered asks for everything', () => {
  assert.deepEqual(evidenceSearch(nothingEntered), {})
})

test('a number is asked for as it is written in international format, in production unless said otherwise', () => {
  const phoneNumber = '+990 (1000) 00-01'
  assert.deepEqual(evidenceSearch({ ...nothingEntered, phoneNumber }), {
    environment: 'production',
    phoneNumber: '+99010000001',
  })
  assert.equal(
    evidenceSearch({ ...nothingEntered, phoneNumber, environment: 'sandbox' }).environment,
    'sandbox',
  )
})

test('ids, purposes and times are understood as people enter them', () => {
  assert.deepEqual(evidenceSearch({ ...nothingEntered, id: ' app_1 ' }), { applicationId: 'app_1' })
  assert.deepEqual(evidenceSearch({ ...nothingEntered, id: 'prt_1' }), { partnerId: 'prt_1' })
  assert.equal(evidenceSearch({ ...nothingEntered, purpose: 'Marketing' }).purpose, 'dpv:Marketing')
  const from = evidenceSearch({ ...nothingEntered, from: '2030-01-10T10:04' }).from ?? ''
  assert.equal(new Date(from).getTime(), new Date(2030, 0, 10, 10, 4).getTime())
  assert.deepEqual(evidenceSearch({ ...nothingEntered, of: 'action' }), { of: ['action'] })
})

test('a call leads to its own page, everything else to its place in the log', () => {
  const at = '2030-01-10T10:04:00.000Z'
  assert.equal(
    whyPath({ sort: 'exchange', id: 'exc_1', at, what: '' }),
    '/console/evidence/exchanges/exc_1',
  )
  assert.equal(
    whyPath({ sort: 'event', id: 'cns_1/2', at, what: '', position: 7 }),
    '/console/evidence/leaves/7',
  )
})
