import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthorizationSettings } from '#partners/schema'
import {
  bodyOf,
  certificateHelp,
  constraintsFor,
  faultsByField,
  formOf,
  methodsFor,
  withFapi,
} from './sign-in-settings.ts'

const settings: AuthorizationSettings = {
  applicationId: 'app_1',
  revision: 3,
  redirectUris: ['https://a.example/cb', 'https://b.example/cb'],
  postLogoutRedirectUris: [],
  jwksUri: 'https://a.example/jwks',
  authenticationMethods: ['client_secret_basic', 'private_key_jwt'],
  offeredMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  grants: [
    { grantType: 'client_credentials', scopes: '*' },
    {
      grantType: 'authorization_code',
      purpose: 'dpv:FraudPreventionAndDetection',
      scopes: ['a:b', 'c:d'],
    },
  ],
  refreshTokens: true,
  profile: 'standard',
  senderConstraint: 'none',
  requirePar: false,
  requireSignedRequest: false,
}

test('what is read and sent without a change is what was there', () => {
  const { applicationId: _, offeredMethods: __, ...sent } = settings
  assert.deepEqual(bodyOf(formOf(settings), 3), sent)
})

test('lists are read however people part them, and an empty list of scopes is every scope', () => {
  const form = {
    ...formOf(settings),
    redirectUris: ' https://a.example/\n\n  https://b.example/ ',
    jwksUri: ' ',
  }
  form.grants = [
    { row: 0, purpose: '', grantType: 'client_credentials', scopes: 'a, b,a  c' },
    { row: 1, purpose: '', grantType: 'client_credentials', scopes: ' ' },
  ]
  const body = bodyOf(form, 0)
  assert.deepEqual(body.redirectUris, ['https://a.example/', 'https://b.example/'])
  assert.equal('jwksUri' in body, false)
  assert.deepEqual(body.grants, [
    { grantType: 'client_credentials', scopes: ['a', 'b', 'c'] },
    { grantType: 'client_credentials', scopes: '*' },
  ])
})

test('whoever chooses certificates is told where to show them, or that nobody takes them', () => {
  assert.match(
    certificateHelp('https://id.example:8093/sandbox'),
    /https:\/\/id.example:8093\/sandbox\/token with client_id/,
  )
  assert.match(certificateHelp(undefined), /takes no certificates/)
})

test('what the operator does not offer cannot be chosen, and is told of where it was', () => {
  const form = formOf(settings)
  const chosen = { ...form, authenticationMethods: ['tls_client_auth'] }
  const offered = settings.offeredMethods
  const names = (list: readonly { value: string }[]): string[] => list.map(({ value }) => value)
  assert.deepEqual(names(methodsFor(form, offered)).toSorted(), offered)
  const labels = methodsFor(chosen, offered).map(({ label }) => label)
  assert.deepEqual(
    labels.filter((label) => label.endsWith('not offered by the operator')).length,
    1,
  )
  const both = { ...form, authenticationMethods: ['tls_client_auth', 'private_key_jwt'] }
  assert.deepEqual(names(methodsFor(both, offered)).toSorted(), offered)
  assert.deepEqual(names(constraintsFor(form, offered)), ['none', 'dpop', 'either'])
  const some = [...offered, 'self_signed_tls_client_auth']
  assert.deepEqual(names(methodsFor(form, some)).includes('self_signed_tls_client_auth'), true)
  assert.equal(names(constraintsFor(form, some)).includes('certificate'), true)
  assert.equal(names(constraintsFor(withFapi(form, true), some)).includes('none'), false)
})

test('FAPI 2.0 takes secrets away and asks for bound tokens and pushed requests', () => {
  const form = withFapi(formOf(settings), true)
  assert.deepEqual(form.authenticationMethods, ['private_key_jwt'])
  assert.deepEqual([form.requirePar, form.senderConstraint], [true, 'either'])
  const only = withFapi(
    { ...formOf(settings), authenticationMethods: ['client_secret_post'] },
    true,
  )
  assert.deepEqual(only.authenticationMethods, ['private_key_jwt'])
})

test('a fault stands at the field that it is about, and says which line is meant', () => {
  const faults = faultsByField(
    [
      { path: '/redirectUris/1', message: 'must be https' },
      { path: '/redirectUris', message: 'needs an address' },
      { path: '/grants/1/scopes/1', message: 'is a scope of no API' },
      { path: '/grants/1/purpose', message: 'is needed' },
      { path: '/revision', message: 'must be there' },
    ],
    formOf(settings),
  )
  assert.deepEqual(faults, {
    redirectUris: 'https://b.example/cb must be https. Needs an address',
    'grants.1.scopes': 'c:d is a scope of no API',
    'grants.1.purpose': 'Is needed',
    '': 'Must be there',
  })
})
