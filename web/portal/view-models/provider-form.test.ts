import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultsByField, providerBody, providerFields } from './provider-form.ts'

test('what is typed becomes what the server takes, and comes back as it was', () => {
  const fields = {
    ...providerFields(undefined),
    issuer: ' https://login.acme.example ',
    clientId: 'wayleave',
    clientSecret: ' with space',
    defaultRole: '',
    roleClaim: 'groups',
    roles: 'a=b = developer\n\n money=finance \n',
    acrValues: ' urn:mfa  urn:phr ',
  }
  const body = providerBody(fields)
  assert.deepEqual(JSON.parse(JSON.stringify(body)), {
    issuer: 'https://login.acme.example',
    clientId: 'wayleave',
    clientSecret: ' with space',
    mode: 'optional',
    roleClaim: 'groups',
    roles: [
      { value: 'a=b', role: 'developer' },
      { value: 'money', role: 'finance' },
    ],
    acrValues: ['urn:mfa', 'urn:phr'],
    secondFactor: 'provider',
  })
  const kept = { ...Object(body), changedAt: '2026-01-01T00:00:00Z' }
  assert.equal(providerFields(kept).roles, 'a=b = developer\nmoney = finance')
  assert.equal(providerFields(kept).clientSecret, '')
})

test('a line without a role is sent as it is, and its fault comes back to its line', () => {
  const [row] = providerBody({ ...providerFields(undefined), roles: 'builders' }).roles as unknown[]
  assert.deepEqual(row, { value: '', role: 'builders' })
  assert.deepEqual(
    faultsByField([
      { path: '/roles/1/role', message: 'is not right' },
      { path: '/issuer', message: 'must be an https address' },
    ]),
    { roles: 'Line 2: is not right.', issuer: 'It must be an https address.' },
  )
})
