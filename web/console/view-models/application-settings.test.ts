import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grantRows, settingFacts } from './application-settings.ts'

const settings = {
  applicationId: 'app_1',
  revision: 0,
  redirectUris: [],
  postLogoutRedirectUris: [],
  authenticationMethods: ['private_key_jwt', 'tls_client_auth'],
  offeredMethods: [],
  grants: [
    { grantType: 'client_credentials', scopes: '*' },
    { grantType: 'authorization_code', purpose: 'dpv:Marketing', scopes: ['a:b', 'c:d'] },
  ],
  refreshTokens: false,
  profile: 'fapi2',
  senderConstraint: 'dpop',
  requirePar: true,
  requireSignedRequest: false,
} as const

test('an operator reads every setting in words, also what is off', () => {
  const facts = Object.fromEntries(
    settingFacts({ ...settings, ...mutable(settings) }).map(({ label, value }) => [label, value]),
  )
  assert.equal(facts.Profile, 'FAPI 2.0')
  assert.equal(facts['Signs in by'], 'private_key_jwt, tls_client_auth')
  assert.equal(facts['Tokens bound'], 'To a key that signs each call (DPoP)')
  assert.deepEqual([facts['Pushed requests only'], facts['Signed requests only']], ['yes', 'no'])
  assert.equal(facts['Answers go to'], 'nowhere')
  assert.equal(facts.Changed, 'never: as it began')
})

test('each grant is told with its purpose and scopes, and what names none is told as such', () => {
  assert.deepEqual(
    grantRows({ ...settings, ...mutable(settings) }).map(({ purpose, scopes }) => [
      purpose,
      scopes,
    ]),
    [
      ['requests that name none', 'every other scope of its subscriptions'],
      ['dpv:Marketing', 'a:b c:d'],
    ],
  )
})

function mutable({ authenticationMethods, grants }: typeof settings) {
  return {
    redirectUris: [],
    postLogoutRedirectUris: [],
    offeredMethods: [],
    authenticationMethods: [...authenticationMethods],
    grants: grants.map((grant) => ({
      ...grant,
      scopes: grant.scopes === '*' ? ('*' as const) : [...grant.scopes],
    })),
  }
}
