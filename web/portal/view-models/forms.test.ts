import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvitationAcceptance, NewRegistration } from '#identity/schema'
import { checkForm, errorsByField, forms, safeReturn } from './forms.ts'

const good = {
  organisation: 'Acme',
  name: 'Ada',
  email: 'ada@acme.example',
  password: 'correct horse battery',
}

test('the sign-up form asks exactly for what the server asks for, within the same limits', () => {
  const fields = forms['sign-up'].fields
  assert.deepEqual(fields.map((f) => f.name).sort(), Object.keys(NewRegistration.properties).sort())
  const limits = NewRegistration.properties as Readonly<
    Record<string, { minLength?: number; maxLength?: number }>
  >
  for (const field of fields) assert.equal(field.maxLength, limits[field.name]?.maxLength)
  const password = fields.find((f) => f.name === 'password')
  assert.equal(password?.minLength, limits.password?.minLength)
  assert.ok((password?.minLength ?? 0) > 1)
})

test('the invitation asks for the rest of what the server asks for', () => {
  const names = forms['accept-invitation'].fields.map((f) => f.name)
  assert.deepEqual([...names, 'token'].sort(), Object.keys(InvitationAcceptance.properties).sort())
})

test('every fault is told at once, each at its field', () => {
  assert.deepEqual(Object.keys(checkForm('sign-up', {})).sort(), [
    'email',
    'name',
    'organisation',
    'password',
  ])
  assert.deepEqual(checkForm('sign-up', good), {})
  assert.match(checkForm('sign-up', { ...good, password: 'short' }).password ?? '', /7 more/)
  assert.match(checkForm('sign-up', { ...good, email: 'nobody' }).email ?? '', /name@company/)
})

test('an old password may be shorter than a new one may be', () => {
  assert.deepEqual(checkForm('sign-in', { email: 'a@b.example', password: 'old' }), {})
})

test("the server's violations come to their fields, the others to the head of the form", () => {
  const placed = errorsByField(forms['sign-up'].fields, [
    { path: '/email', message: 'must match format "email"' },
    { path: '/password', message: 'is too common' },
    { path: '/password', message: 'is your name' },
    { path: '/token', message: 'is required' },
  ])
  assert.equal(placed.fields.email, 'Must match format "email".')
  assert.equal(placed.fields.password, 'Is too common. Is your name.')
  assert.deepEqual(placed.rest, ['/token: is required'])
})

test('after signing in, only an address of this origin is gone to', () => {
  for (const bad of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    'javascript:x',
    '',
    null,
    '/a\nb',
  ])
    assert.equal(safeReturn(bad, '/app'), '/app')
  assert.equal(safeReturn('/app/calls?page=2', '/app'), '/app/calls?page=2')
})
