import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { codeIn, packEntry, startTestSandbox } from './testing.ts'

const verify = '/number-verification/v2/verify'
const share = '/number-verification/v2/device-phone-number'
const number = '+99010000001'
const of = (phoneNumber: string) => ({ headers: { 'x-wayleave-subject': phoneNumber } })
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

test('a number, or its hash in any case, is verified against the one of the handset', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [await packEntry('number-verification')] })
  for (const [body, verified] of [
    [{ phoneNumber: number }, true],
    [{ phoneNumber: '+99010000003' }, false],
    [{ hashedPhoneNumber: hashOf(number) }, true],
    [{ hashedPhoneNumber: hashOf(number).toUpperCase() }, true],
    [{ hashedPhoneNumber: hashOf(number.slice(1)) }, false],
  ] as const) {
    const reply = await call(verify, body, of(number))
    assert.deepEqual([reply.status, reply.body], [200, { devicePhoneNumberVerified: verified }])
  }
})

test('the number of the handset is shared', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [await packEntry('number-verification')] })
  const reply = await call(share, undefined, { method: 'GET', ...of(number) })
  assert.deepEqual([reply.status, reply.body], [200, { devicePhoneNumber: number }])
})

test('a request that is not exactly one number or hash is refused', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [await packEntry('number-verification')] })
  for (const body of [
    {},
    [],
    { phoneNumber: number, hashedPhoneNumber: hashOf(number) },
    { phoneNumber: '99010000001' },
    { hashedPhoneNumber: hashOf(number).slice(1) },
    { hashedPhoneNumber: 7 },
  ]) {
    const reply = await call(verify, body, of(number))
    assert.deepEqual([reply.status, codeIn(reply)], [400, 'INVALID_ARGUMENT'])
  }
})

test('nobody is verified who was not authenticated by the network', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [await packEntry('number-verification')] })
  const code = 'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK'
  const verified = await call(verify, { phoneNumber: number })
  assert.deepEqual([verified.status, codeIn(verified)], [403, code])
  const shared = await call(share, undefined, { method: 'GET' })
  assert.deepEqual([shared.status, codeIn(shared)], [403, code])
})
