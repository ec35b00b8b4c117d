import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neededOf, returnOf, ssoFaultOf } from './sso.ts'

test('what failed is told in words, also when the reason is new', () => {
  assert.equal(ssoFaultOf(''), undefined)
  assert.match(ssoFaultOf('?sso=no-role') ?? '', /no role/)
  assert.equal(ssoFaultOf('?sso=<b>'), 'Single sign-on did not work.')
})

test('a second factor is asked for only with a whole ticket, by ways that are known', () => {
  const hash = '#ticket=abc&methods=totp+sms+passkey&expiresAt=2026-01-01T00%3A00%3A00Z'
  assert.deepEqual(neededOf(hash), {
    ticket: 'abc',
    expiresAt: '2026-01-01T00:00:00Z',
    methods: ['passkey', 'totp'],
  })
  for (const part of ['', '#', '#token=abc', '#ticket=abc'])
    assert.equal(neededOf(part), undefined, part)
})

test('only a path of the portal is gone back to', () => {
  const of = (target: string) => returnOf(`?return=${encodeURIComponent(target)}`)
  assert.equal(of('/app/usage?x=1'), '/app/usage?x=1')
  for (const target of ['//evil', '/\\evil', 'https://evil', 'app', '/a b', `/${'x'.repeat(600)}`])
    assert.equal(of(target), undefined, target)
  assert.equal(returnOf(''), undefined)
})
