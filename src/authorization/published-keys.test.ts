import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { AppError } from '#platform/app-error'
import { assertion, assertionForm, testKey, testServers } from './testing.ts'

test('a client signs with a key that it publishes, the token names that credential, and the address is read only for it', async (t) => {
  const { clients, post, issuer } = await testServers(t, { count: 1 })
  const clientId = 'wl_sbx_publisheskeys00000000'
  const key = testKey('ES256', 'published')
  const client = clients.add({ clientId, environment: 'sandbox' })
  clients.set(clientId, {
    settings: { ...client.settings, jwksUri: 'https://partner.example/jwks' },
  })
  const asked: (string | undefined)[] = []
  clients.publishedKeys = async (_client, kid) => {
    asked.push(kid)
    return kid === 'published' ? [{ credentialId: 'jku_1', jwk: key.jwk }] : []
  }
  const claims = { iss: clientId, sub: clientId, aud: `${issuer('sandbox')}/token` }
  const answer = await post('/sandbox/token', assertionForm(await assertion(key, claims)))
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.equal(decodeJwt(String(answer.body.access_token)).crd, 'jku_1')
  const unknown = await assertion(key, claims, { kid: 'another' })
  const refused = await post('/sandbox/token', assertionForm(unknown))
  assert.equal(refused.status, 401)
  // The same for every client, whether it publishes keys or not.
  assert.equal(
    refused.body.error_description,
    "no active client with this client_id has registered, or publishes where it can be read, the ES256 key 'another' that verifies the assertion in sandbox",
  )
  const stolen = await assertion(testKey('ES256', 'published'), claims)
  assert.equal((await post('/sandbox/token', assertionForm(stolen))).status, 401)
  assert.deepEqual(asked, ['published', 'another', 'published'])
  // A request without a signature asks nobody.
  const form = { grant_type: 'client_credentials', scope: 'sim-swap:check', client_id: clientId }
  assert.equal((await post('/sandbox/token', { ...form, client_secret: 'x' })).status, 401)
  assert.equal(asked.length, 3)
})

test('a client is told when too many wait for published keys, and that it may try again', async (t) => {
  const { clients, post, issuer } = await testServers(t, { count: 1 })
  const clientId = 'wl_sbx_publisheskeys00000000'
  const client = clients.add({ clientId, environment: 'sandbox' })
  clients.set(clientId, {
    settings: { ...client.settings, jwksUri: 'https://partner.example/jwks' },
  })
  clients.publishedKeys = () => Promise.reject(new AppError('UNAVAILABLE', 'Too many wait.'))
  const claims = { iss: clientId, sub: clientId, aud: `${issuer('sandbox')}/token` }
  const signed = await assertion(testKey('ES256', 'published'), claims)
  const answer = await post('/sandbox/token', assertionForm(signed))
  assert.equal(answer.status, 503, JSON.stringify(answer.body))
  assert.equal(answer.body.error, 'temporarily_unavailable')
})
