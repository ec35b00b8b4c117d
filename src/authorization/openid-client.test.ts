import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import { basic, sandboxId, sandboxSecret, testServers, testSettings } from './testing.ts'

const callback = 'https://app.example/callback'
const purpose = 'dpv:FraudPreventionAndDetection'
const scope = `openid offline_access ${purpose} sim-swap:check`
const settings = {
  ...testSettings,
  redirectUris: [callback],
  refreshTokens: true,
  grants: [
    { grantType: 'client_credentials', scopes: '*' },
    { grantType: 'authorization_code', purpose, scopes: '*' },
  ],
} as const

/** A client that nobody here wrote, on two servers in turn behind one address. */
async function walk(t: Parameters<typeof testServers>[0], change: Partial<typeof settings> = {}) {
  const servers = await testServers(t, { subscribers: true })
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const key = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }
  servers.clients.set(sandboxId, {
    settings: { ...settings, ...change },
    keys: [{ credentialId: 'crd_key', jwk: key }],
  })
  let turn = 0
  const across: client.CustomFetch = (url, options) => {
    const there = new URL(url)
    there.port = String(servers.servers[turn++ % 2]?.port())
    there.hostname = '127.0.0.1'
    return fetch(there, options as RequestInit)
  }
  const options = { execute: [client.allowInsecureRequests], [client.customFetch]: across }
  const discover = (authentication: client.ClientAuth, clientId = sandboxId) =>
    client.discovery(
      new URL(servers.issuer('sandbox')),
      clientId,
      undefined,
      authentication,
      options,
    )
  const signed = () => discover(client.PrivateKeyJwt({ key: privateKey, kid: 'k1' }))
  /** The browser: it follows one redirect and is read by the partner. */
  const browse = async (url: URL) => {
    const answer = await across(url.href, { redirect: 'manual' } as never)
    return new URL(answer.headers.get('location') ?? (await answer.text()))
  }
  return { ...servers, discover, signed, browse, across, privateKey }
}

const pkce = async () => {
  const verifier = client.randomPKCECodeVerifier()
  return {
    verifier,
    parameters: {
      redirect_uri: callback,
      scope,
      state: client.randomState(),
      nonce: client.randomNonce(),
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    },
  }
}

const expecting = ({ verifier, parameters }: Awaited<ReturnType<typeof pkce>>) => ({
  pkceCodeVerifier: verifier,
  expectedState: parameters.state,
  expectedNonce: parameters.nonce,
  idTokenExpected: true,
})

test('code, refresh, introspection and revocation with a secret', async (t) => {
  const { discover, browse } = await walk(t)
  const config = await discover(client.ClientSecretBasic(sandboxSecret))
  const mine = await pkce()
  const back = await browse(client.buildAuthorizationUrl(config, mine.parameters))
  const tokens = await client.authorizationCodeGrant(config, back, expecting(mine))
  assert.equal(tokens.claims()?.sub, decodeJwt(tokens.access_token).sub)
  const live = await client.tokenIntrospection(config, tokens.access_token)
  assert.equal(live.active, true)
  assert.equal(live.client_id, sandboxId)
  assert.equal(live.sbj, undefined)
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  assert.equal(decodeJwt(refreshed.access_token).gnt, decodeJwt(tokens.access_token).gnt)
  assert.equal(
    (await client.tokenIntrospection(config, refreshed.refresh_token ?? '')).active,
    true,
  )
  await client.tokenRevocation(config, tokens.access_token)
  assert.deepEqual(await client.tokenIntrospection(config, tokens.access_token), { active: false })
  assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, true)
  await client.tokenRevocation(config, refreshed.refresh_token ?? '')
  assert.deepEqual(await client.tokenIntrospection(config, refreshed.access_token), {
    active: false,
  })
  await assert.rejects(
    client.refreshTokenGrant(config, refreshed.refresh_token ?? ''),
    /invalid_grant|.*/,
  )
})

test('a pushed request with a key, used once and by its client only', async (t) => {
  const { signed, browse } = await walk(t, { requirePar: true as never })
  const config = await signed()
  const mine = await pkce()
  const plain = await browse(client.buildAuthorizationUrl(config, mine.parameters))
  assert.equal(plain.searchParams.get('error'), 'invalid_request')
  const url = await client.buildAuthorizationUrlWithPAR(config, mine.parameters)
  assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
  const answers = await Promise.all(Array.from({ length: 20 }, () => browse(new URL(url))))
  const good = answers.filter((answer) => answer.searchParams.has('code'))
  assert.equal(good.length, 1)
  const back = good[0] ?? url
  const tokens = await client.authorizationCodeGrant(config, back, expecting(mine))
  assert.ok(tokens.id_token)
})

test('a failed authentication is answered alike at every endpoint, and counted', async (t) => {
  const { post } = await walk(t)
  const expected = 'no active client has this client_id and secret in sandbox'
  for (const path of ['par', 'introspect', 'revoke', 'bc-authorize', 'token']) {
    for (const id of [sandboxId, 'wl_sbx_zzzzzzzzzzzzzzzzzzzz']) {
      const started = performance.now()
      const answer = await post(`/sandbox/${path}`, { token: 'x' }, basic(id, 'wrong'))
      assert.deepEqual([answer.status, answer.body.error], [401, 'invalid_client'], path)
      assert.equal(answer.body.error_description, expected, path)
      assert.ok(performance.now() - started >= 39, path)
      const nothing = await post(`/sandbox/${path}`, { token: 'x', client_id: id }, {})
      assert.deepEqual([nothing.status, nothing.body.error], [401, 'invalid_client'], path)
      assert.match(String(nothing.body.error_description), /has to authenticate: with a secret, an/)
    }
  }
})

test('a signed request, used once', async (t) => {
  const { signed, browse, privateKey } = await walk(t, { requireSignedRequest: true as never })
  const config = await signed()
  const mine = await pkce()
  const plain = await browse(client.buildAuthorizationUrl(config, mine.parameters))
  assert.equal(plain.searchParams.get('error'), 'invalid_request')
  const url = await client.buildAuthorizationUrlWithJAR(
    config,
    mine.parameters,
    { key: privateKey, kid: 'k1' },
    {
      [client.modifyAssertion]: (_header, payload) => {
        payload.exp = Number(payload.iat) + 60
      },
    },
  )
  url.searchParams.set('redirect_uri', callback)
  url.searchParams.set('response_type', 'code')
  const back = await browse(url)
  assert.ok(back.searchParams.has('code'), back.href)
  const tokens = await client.authorizationCodeGrant(config, back, expecting(mine))
  assert.ok(tokens.id_token)
  const again = await browse(url)
  assert.equal(again.searchParams.get('error'), 'invalid_request_object', again.href)
})

test('tokens bound to a key by DPoP, from the code to the refresh', async (t) => {
  const { signed, browse } = await walk(t, { senderConstraint: 'dpop' as never })
  const config = await signed()
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const mine = await pkce()
  const url = await client.buildAuthorizationUrlWithPAR(config, mine.parameters, { DPoP })
  const back = await browse(url)
  await assert.rejects(client.authorizationCodeGrant(config, back, expecting(mine)))
  const tokens = await client.authorizationCodeGrant(config, back, expecting(mine), undefined, {
    DPoP,
  })
  assert.equal(tokens.token_type, 'dpop')
  const { cnf } = decodeJwt(tokens.access_token) as { cnf?: { jkt?: string } }
  assert.match(cnf?.jkt ?? '', /^[\w-]{43}$/)
  const own = await client.clientCredentialsGrant(config, { scope: 'sim-swap:check' }, { DPoP })
  assert.deepEqual(decodeJwt(own.access_token).cnf, cnf)
  await assert.rejects(
    client.clientCredentialsGrant(config, { scope: 'sim-swap:check' }),
    (error: client.ResponseBodyError) => error.error === 'invalid_dpop_proof',
  )
  // Who may refresh is decided by the client's own key; what comes of it is bound again.
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token ?? ''))
  const { access_token } = await client.refreshTokenGrant(
    config,
    tokens.refresh_token ?? '',
    undefined,
    { DPoP },
  )
  assert.deepEqual(decodeJwt(access_token).cnf, cnf)
})

test('an application of the FAPI 2.0 profile: keys, pushed requests and bound tokens only', async (t) => {
  const { signed, browse, post } = await walk(t, { profile: 'fapi2' as never })
  const secret = await post(
    '/sandbox/token',
    { grant_type: 'client_credentials', scope: 'sim-swap:check' },
    basic(sandboxId, sandboxSecret),
  )
  assert.deepEqual([secret.status, secret.body.error], [401, 'invalid_client'])
  const config = await signed()
  await assert.rejects(
    client.clientCredentialsGrant(config, { scope: 'sim-swap:check' }),
    (error: client.ResponseBodyError) => /bound/.test(error.error_description ?? ''),
  )
  const mine = await pkce()
  const plain = await browse(client.buildAuthorizationUrl(config, mine.parameters))
  assert.equal(plain.searchParams.get('error'), 'invalid_request')
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const url = await client.buildAuthorizationUrlWithPAR(config, mine.parameters, { DPoP })
  const back = await browse(url)
  await assert.rejects(client.authorizationCodeGrant(config, back, expecting(mine)))
  const tokens = await client.authorizationCodeGrant(config, back, expecting(mine), undefined, {
    DPoP,
  })
  assert.equal(tokens.token_type, 'dpop')
})

test('a pushed request is nothing to another client', async (t) => {
  const { signed, browse, clients } = await walk(t)
  const other = 'wl_sbx_00000000000000000000'
  clients.add({ clientId: other, environment: 'sandbox', settings })
  const url = await client.buildAuthorizationUrlWithPAR(await signed(), (await pkce()).parameters)
  const stolen = new URL(url)
  stolen.searchParams.set('client_id', other)
  stolen.searchParams.set('redirect_uri', callback)
  const answer = await browse(stolen)
  assert.equal(answer.searchParams.get('code'), null)
  assert.ok((await browse(url)).searchParams.has('code'))
})

test('says nothing of the tokens of others', async (t) => {
  const { signed, discover, clients } = await walk(t)
  const { access_token } = await client.clientCredentialsGrant(await signed(), {
    scope: 'sim-swap:check',
  })
  const thief = { id: 'wl_sbx_00000000000000000000', secret: `wl_sbx_sk_${'C'.repeat(49)}` }
  clients.add({
    clientId: thief.id,
    environment: 'sandbox',
    secrets: [{ credentialId: 'crd_other', hash: clients.secretHash(thief.secret) }],
  })
  const theirs = await discover(client.ClientSecretBasic(thief.secret), thief.id)
  for (const token of [access_token, 'x', `${access_token}x`])
    assert.deepEqual(await client.tokenIntrospection(theirs, token), { active: false })
  await client.tokenRevocation(theirs, access_token)
  const mine = await signed()
  assert.equal((await client.tokenIntrospection(mine, access_token)).active, true)
  // The credential is taken away: its tokens are nothing more.
  clients.set(sandboxId, {
    secrets: [{ credentialId: 'crd_new', hash: clients.secretHash(sandboxSecret) }],
    keys: [],
  })
  const later = await discover(client.ClientSecretBasic(sandboxSecret))
  assert.deepEqual(await client.tokenIntrospection(later, access_token), { active: false })
})

test('a token that has to be bound to a certificate is not given without one', async (t) => {
  const { signed, post } = await walk(t, { senderConstraint: 'certificate' as never })
  const config = await signed()
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  await assert.rejects(client.clientCredentialsGrant(config, { scope: 'sim-swap:check' }))
  await assert.rejects(client.clientCredentialsGrant(config, { scope: 'sim-swap:check' }, { DPoP }))
  const forged = await post(
    '/sandbox/token',
    { grant_type: 'client_credentials', scope: 'sim-swap:check' },
    { ...basic(sandboxId, sandboxSecret), 'client-cert': ':AAAA:' },
  )
  assert.deepEqual([forged.status, forged.body.error], [400, 'invalid_request'])
})
