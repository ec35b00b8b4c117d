import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManagementError } from './management.ts'
import { passkeyFault } from './passkeys.ts'
import { firstCodeOf, otherCodes } from './use-sign-in.ts'

const named = (name: string): Error => Object.assign(new Error('the browser’s own words'), { name })

test('what a browser says of a passkey becomes a sentence; what the page ended itself says nothing', () => {
  const library = (cause: Error): Error => new Error('wrapped', { cause })
  assert.match(passkeyFault(library(named('NotAllowedError')))?.message ?? '', /cancelled/)
  assert.match(passkeyFault(named('InvalidStateError'))?.message ?? '', /has a passkey/)
  assert.match(passkeyFault(library(named('SecurityError')))?.message ?? '', /address/)
  assert.equal(passkeyFault(library(named('AbortError'))), undefined)
  assert.equal(passkeyFault(new Error('anything else'))?.code, 'UNEXPECTED')
  const fault = { status: 429, code: 'TOO_MANY_REQUESTS', message: 'Later.', violations: [] }
  assert.deepEqual(passkeyFault(new ManagementError(fault)), fault)
})

test('after the password the quickest way comes first, and a recovery code only when nothing else is left', () => {
  const needed = { ticket: 't', expiresAt: '2026-01-01T00:00:00Z' }
  assert.equal(firstCodeOf({ ...needed, methods: ['passkey', 'totp', 'recovery-code'] }), 'totp')
  assert.equal(firstCodeOf({ ...needed, methods: ['passkey', 'recovery-code'] }), undefined)
  assert.equal(firstCodeOf({ ...needed, methods: ['recovery-code'] }), 'recovery-code')
  const byPasskey = { ...needed, methods: ['passkey', 'recovery-code'] } as const
  assert.deepEqual(otherCodes({ ...byPasskey, methods: [...byPasskey.methods] }, undefined), [
    'recovery-code',
  ])
  assert.deepEqual(otherCodes({ ...needed, methods: ['totp', 'recovery-code'] }, 'totp'), [
    'recovery-code',
  ])
})
