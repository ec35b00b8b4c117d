import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPhone, withPhone } from './phone-field.ts'

test('the number at the top of a body is read and replaced', () => {
  const body = '{"phoneNumber":"+99010000001","maxAge":240}'
  assert.equal(readPhone(body), '+99010000001')
  assert.deepEqual(JSON.parse(withPhone(body, '+99010000002')), {
    phoneNumber: '+99010000002',
    maxAge: 240,
  })
})

test('the number of a device inside a body is found', () => {
  const body = '{"area":{"radius":1},"device":{"phoneNumber":"+99010000001"}}'
  assert.equal(readPhone(body), '+99010000001')
  assert.equal(readPhone(withPhone(body, '+99010000404')), '+99010000404')
})

test('what is not JSON, or has no number, stays as it was typed', () => {
  for (const body of ['', '{', '[]', '{"a":1}', '{"phoneNumber":5}'])
    assert.equal(withPhone(body, '+99010000002'), body)
})
