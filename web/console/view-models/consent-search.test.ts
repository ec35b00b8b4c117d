import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consentSearch } from './consent-search.ts'

const nothing = { environment: 'production', phoneNumber: '', id: '', state: null } as const

test('a search asks for what was entered, and for nothing else', () => {
  assert.deepEqual(consentSearch(nothing), { environment: 'production' })
  assert.deepEqual(
    consentSearch({
      environment: 'sandbox',
      phoneNumber: ' +990 (10) 00-00 01',
      id: ' app_1 ',
      state: 'DENIED',
    }),
    {
      environment: 'sandbox',
      phoneNumber: '+99010000001',
      applicationId: 'app_1',
      state: 'DENIED',
    },
  )
  assert.deepEqual(consentSearch({ ...nothing, id: 'prt_1', state: 'UNKNOWN' }), {
    environment: 'production',
    partnerId: 'prt_1',
  })
})
