import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import {
  assertion,
  assertionForm,
  basic,
  liveId,
  liveSecret,
  sandboxId,
  sandboxSecret,
  testKey,
  testServers,
} from './testing.ts'

const grant = { grant_type: 'client_credentials', scope: 'sim-swap:check' }

test('issues an RFC 9068 token that verifies against the JWKS', async (t) => {
  const { platform, servers, post, issuer } = await testServers(t)
  const answer = await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.equal(answer.body.token_type, 'Bearer')
  assert.equal(answer.body.expires_in, 600)
  assert.equal(answer.body.scope, 'sim-swap:check')
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers['set-cookie'], undefined)
  assert.equal(answer.headers['access-control-allow-origin'], undefined)
  const token = String(answer.body.access_token)
  const jwks = createRemoteJWKSet(new URL(`http://127.0.0.1:${servers[1]?.port()}/sandbox/jwks`))
  const { payload, protectedHeader } = await jwtVerify(token, jwks, {
    issuer: issuer('sandbox'),
    audience: platform.config.gateways.sandbox.url,
    typ: 'at+jwt',
    algorithms: ['ES256'],
  })
  assert.equal(protectedHeader.alg, 'ES256')
  const { iat = 0, exp, jti, ...rest } = payload
  assert.equal(exp, iat + 600)
  assert.equal(typeof jti, 'string')
  assert.deepEqual(rest, {
    crd: 'crd_wl_sbx_sk_',
    sub: sandboxId,
    client_id: sandboxId,
    scope: 'sim-swap:check',
    iss: issuer('sandbox'),
    aud: platform.config.gateways.sandbox.url,
  })
})

test('keeps nothing of a token in the database', async (t) => {
  const { platform, post } = await testServers(t, { count: 1 })
  await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  const { rows } = await platform.database.pool.query(
    'select count(*) as n from "authorization".used_assertion',
  )
  assert.equal(rows[0].n, 0)
})

test('takes the secret in the header or in the body, and a key, from the same client', async (t) => {
  const { clients, post, issuer } = await testServers(t)
  const keys = [testKey('ES256', 'ec'), testKey('RS256', 'rs'), testKey('PS256', 'ps')]
  clients.set(sandboxId, {
    keys: keys.map(({ jwk }) => ({ credentialId: `crd_${jwk.kid}`, jwk })),
  })
  const crdOf = (answer: { body: Record<string, unknown> }) =>
    decodeJwt(String(answer.body.access_token)).crd
  const header = await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  assert.equal(crdOf(header), 'crd_wl_sbx_sk_')
  const body = await post('/sandbox/token', {
    ...grant,
    client_id: sandboxId,
    client_secret: sandboxSecret,
  })
  assert.equal(crdOf(body), 'crd_wl_sbx_sk_')
  for (const key of keys) {
    for (const aud of [issuer('sandbox'), `${issuer('sandbox')}/token`]) {
      const jws = await assertion(key, { iss: sandboxId, sub: sandboxId, aud })
      const answer = await post('/sandbox/token', assertionForm(jws))
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      assert.equal(crdOf(answer), `crd_${key.jwk.kid}`)
    }
  }
})

test('names the key that verified an assertion without kid, among several that fit', async (t) => {
  const { clients, post, issuer } = await testServers(t)
  const [one, two] = [testKey('ES256', 'one'), testKey('ES256', 'two')]
  clients.set(sandboxId, {
    keys: [one, two].map(({ jwk }) => ({ credentialId: `crd_${jwk.kid}`, jwk })),
  })
  const aud = issuer('sandbox')
  for (const key of [one, two]) {
    const jws = await assertion(
      key,
      { iss: sandboxId, sub: sandboxId, aud },
      { kid: undefined as never },
    )
    assert.equal(decodeProtectedHeader(jws).kid, undefined)
    const answer = await post('/sandbox/token', assertionForm(jws))
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.equal(decodeJwt(String(answer.body.access_token)).crd, `crd_${key.jwk.kid}`)
  }
})

test('has two secrets alive while one replaces the other, and refuses a deleted one at once', async (t) => {
  const { clients, post } = await testServers(t)
  const old = { credentialId: 'crd_old', hash: clients.secretHash('old-secret') }
  const fresh = { credentialId: 'crd_new', hash: clients.secretHash('new-secret') }
  const ask = (secret: string) => post('/sandbox/token', grant, basic(sandboxId, secret))
  const crd = async (secret: string) => decodeJwt(String((await ask(secret)).body.access_token)).crd
  clients.set(sandboxId, { secrets: [old, fresh] })
  assert.equal(await crd('old-secret'), 'crd_old')
  assert.equal(await crd('new-secret'), 'crd_new')
  clients.set(sandboxId, { secrets: [fresh] })
  assert.equal((await ask('old-secret')).status, 401)
  assert.equal(await crd('new-secret'), 'crd_new')
})

test('acts at once on suspension, deletion and creation', async (t) => {
  const { clients, post } = await testServers(t)
  const ask = () => post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  assert.equal((await ask()).status, 200)
  clients.set(sandboxId, { state: 'suspended' })
  assert.equal((await ask()).status, 401)
  clients.set(sandboxId, { state: 'active' })
  assert.equal((await ask()).status, 200)
  clients.remove(sandboxId)
  assert.equal((await ask()).status, 401)
  clients.add({
    clientId: sandboxId,
    environment: 'sandbox',
    secrets: [{ credentialId: 'crd_again', hash: clients.secretHash(sandboxSecret) }],
  })
  assert.equal((await ask()).status, 200)
})

test('refuses every credential of the other environment', async (t) => {
  const { clients, post, issuer } = await testServers(t)
  const key = testKey('ES256', 'k')
  clients.set(sandboxId, { keys: [{ credentialId: 'crd_k', jwk: key.jwk }] })
  clients.set(liveId, { keys: [{ credentialId: 'crd_l', jwk: key.jwk }] })
  const toLive = await post('/production/token', grant, basic(sandboxId, sandboxSecret))
  const toSandbox = await post('/sandbox/token', grant, basic(liveId, liveSecret))
  // As client libraries write it (RFC 6749, section 2.3.1).
  const encoded = basic(liveId.replaceAll('_', '%5F'), liveSecret.replaceAll('_', '%5F'))
  for (const [answer, prefix] of [
    [toLive, 'wl_sbx_'],
    [toSandbox, 'wl_live_'],
    [await post('/sandbox/token', grant, encoded), 'wl_live_'],
  ] as const) {
    assert.equal(answer.status, 401)
    assert.match(String(answer.body.error_description), new RegExp(prefix))
  }
  for (const [at, id, aud] of [
    ['sandbox', sandboxId, 'production'],
    ['sandbox', liveId, 'sandbox'],
    ['sandbox', liveId, 'production'],
    ['production', sandboxId, 'production'],
    ['production', liveId, 'sandbox'],
  ] as const) {
    const jws = await assertion(key, { iss: id, sub: id, aud: issuer(aud) })
    const answer = await post(`/${at}/token`, assertionForm(jws))
    assert.equal(answer.status, 401, `${id} with aud ${aud} at ${at}`)
    assert.equal(answer.body.error, 'invalid_client')
  }
})

test('signs with different keys in the two environments', async (t) => {
  const { servers, post } = await testServers(t)
  const sandbox = await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  const jwks = createRemoteJWKSet(new URL(`http://127.0.0.1:${servers[0]?.port()}/production/jwks`))
  await assert.rejects(jwtVerify(String(sandbox.body.access_token), jwks), {
    code: 'ERR_JWKS_NO_MATCHING_KEY',
  })
})

const scopeCases: [title: string, scope: string | undefined, expected: string | RegExp][] = [
  ['no scope', undefined, /scope is required; it may ask for: location-verification:verify/],
  ['an empty scope', '', /scope is required/],
  ['an unknown scope', 'sim-swap:check kyc-match:match', /with the scope 'kyc-match:match'/],
  ['openid', 'openid sim-swap:check', /'openid'/],
  ['two purposes', 'sim-swap:check dpv:A dpv:B', /at most one purpose/],
  ['a purpose alone', 'dpv:FraudPreventionAndDetection', /a purpose alone permits nothing/],
  ['the obsolete form', 'dpv:FraudPreventionAndDetection#sim-swap:check', /two values/],
  ['a malformed purpose', 'sim-swap:check dpv:', /of the form dpv:Name/],
  ['a character that a scope cannot have', 'sim-swap:check "x"', /invalid characters/],
  ['one scope', 'sim-swap:check', 'sim-swap:check'],
  ['a repeated scope', 'sim-swap:check sim-swap:check', 'sim-swap:check'],
  [
    'a purpose and scopes',
    'dpv:FraudPreventionAndDetection sim-swap:check',
    'dpv:FraudPreventionAndDetection sim-swap:check',
  ],
]
test('grants all of the scope that was asked for, or nothing', async (t) => {
  const { clients, post } = await testServers(t, { count: 1 })
  const ask = (scope: string | undefined) =>
    post(
      '/sandbox/token',
      { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) },
      basic(sandboxId, sandboxSecret),
    )
  for (const [title, scope, expected] of scopeCases) {
    await t.test(title, async () => {
      const answer = await ask(scope)
      if (typeof expected === 'string') {
        assert.equal(answer.status, 200)
        assert.equal(answer.body.scope, expected)
        assert.equal(decodeJwt(String(answer.body.access_token)).scope, expected)
      } else {
        assert.equal(answer.status, 400)
        assert.equal(answer.body.error, 'invalid_scope')
        assert.match(String(answer.body.error_description), expected)
      }
    })
  }
  clients.scopes = []
  assert.match(
    String((await ask('sim-swap:check')).body.error_description),
    /no live subscription yet/,
  )
})

test('is for the gateway of its environment, whatever resource is asked for', async (t) => {
  const { platform, post } = await testServers(t, { count: 1 })
  const ask = (resource: string) =>
    post('/sandbox/token', { ...grant, resource }, basic(sandboxId, sandboxSecret))
  assert.equal((await ask(platform.config.gateways.sandbox.url)).status, 200)
  for (const other of [platform.config.gateways.production.url, 'https://evil.example', 'x']) {
    const answer = await ask(other)
    assert.equal(answer.status, 400)
    assert.equal(answer.body.error, 'invalid_target')
  }
})

test('names the public address in tokens and metadata, whatever the Host header says', async (t) => {
  const { servers, post, platform } = await testServers(t, {
    count: 1,
    env: {
      WAYLEAVE_AUTHORIZATION_URL: 'https://id.example.com/auth',
      // No address for certificates: none are taken, and nothing is said of them.
      WAYLEAVE_AUTHORIZATION_TLS_PORT: '',
    },
  })
  const answer = await post('/sandbox/token', grant, {
    ...basic(sandboxId, sandboxSecret),
    host: 'evil.example',
  })
  assert.equal(
    decodeJwt(String(answer.body.access_token)).iss,
    'https://id.example.com/auth/sandbox',
  )
  const base = `http://127.0.0.1:${servers[0]?.port()}`
  for (const path of [
    '/sandbox/.well-known/openid-configuration',
    '/auth/sandbox/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/auth/sandbox',
  ]) {
    const document = (await (await fetch(base + path)).json()) as Record<string, unknown>
    const url = 'https://id.example.com/auth/sandbox'
    const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
    const algs = ['ES256', 'PS256', 'RS256']
    assert.deepEqual(document, {
      issuer: url,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
      grant_types_supported: ['client_credentials'],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: methods,
      token_endpoint_auth_signing_alg_values_supported: algs,
      dpop_signing_alg_values_supported: algs,
      introspection_endpoint: `${url}/introspect`,
      introspection_endpoint_auth_methods_supported: methods,
      introspection_endpoint_auth_signing_alg_values_supported: algs,
      revocation_endpoint: `${url}/revoke`,
      revocation_endpoint_auth_methods_supported: methods,
      revocation_endpoint_auth_signing_alg_values_supported: algs,
    })
  }
  assert.ok(platform)
})
