import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultText } from './fault-text.ts'

test('a person reads what is wrong with which field, not where it stands in a request', () => {
  const text = (...violations: [path: string, message: string][]): string =>
    faultText({
      message: violations.map(([path, message]) => `${path}: ${message}`).join('; '),
      violations: violations.map(([path, message]) => ({ path, message })),
    })
  assert.equal(
    text(['/phoneNumber', 'must be a number in international format, such as +99010000001']),
    'Phone number must be a number in international format, such as +99010000001.',
  )
  assert.equal(text(['params/position', 'must be an integer']), 'Position must be an integer.')
  assert.equal(
    text(['/limits/rates/0/calls', 'must be >= 1'], ['/name', 'must be one line']),
    'Calls must be >= 1. Name must be one line.',
  )
  assert.equal(
    text(['/token', 'this link is not valid: ask for another one']),
    'This link is not valid: ask for another one.',
  )
})

test('a refusal in words of its own stays as it is', () => {
  const violations = [{ path: '/domain', message: 'is taken' }]
  assert.equal(
    faultText({ message: 'There is no such partner.', violations: [] }),
    'There is no such partner.',
  )
  assert.equal(
    faultText({ message: 'The domain is of somebody else.', violations }),
    'The domain is of somebody else.',
  )
})
