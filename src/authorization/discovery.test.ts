import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, sandboxId, sandboxSecret, testServers } from './testing.ts'
import { testMutualTls } from './testing-mutual-tls.ts'

/** Every endpoint that an authorization server may name, and where it is. */
const endpoints: Readonly<Record<string, string>> = {
  token_endpoint: '/token',
  authorization_endpoint: '/authorize',
  pushed_authorization_request_endpoint: '/par',
  backchannel_authentication_endpoint: '/bc-authorize',
  introspection_endpoint: '/introspect',
  revocation_endpoint: '/revoke',
  userinfo_endpoint: '/me',
  registration_endpoint: '/reg',
  device_authorization_endpoint: '/device/auth',
  end_session_endpoint: '/session/end',
  check_session_iframe: '/session/check',
  challenge_endpoint: '/challenge',
}
const grantTypes = [
  'client_credentials',
  'authorization_code',
  'refresh_token',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'implicit',
  'password',
]
const off = {
  WAYLEAVE_AUTHORIZATION_URL: 'https://id.example',
  WAYLEAVE_AUTHORIZATION_TLS_PORT: '',
}

for (const subscribers of [true, false])
  for (const certificates of [true, false])
    test(`the discovery document lists exactly what is on (subscribers ${subscribers}, certificates ${certificates})`, async (t) => {
      const { servers, post, issuer } = certificates
        ? await testMutualTls(t, {}, { subscribers, count: 1 })
        : await testServers(t, { subscribers, count: 1, env: off })
      const base = `http://127.0.0.1:${servers[0]?.port()}/sandbox`
      const answer = await fetch(`${base}/.well-known/openid-configuration`)
      const document = (await answer.json()) as Record<string, unknown>
      for (const [name, path] of Object.entries(endpoints)) {
        const { status } = await fetch(base + path, { method: 'POST', redirect: 'manual' })
        assert.equal(document[name] !== undefined, status !== 404, `${name} ${status}`)
        if (document[name] !== undefined) assert.equal(document[name], issuer('sandbox') + path)
      }
      const own = basic(sandboxId, sandboxSecret)
      for (const grant_type of grantTypes) {
        const { body } = await post('/sandbox/token', { grant_type }, own)
        const listed = (document.grant_types_supported as string[]).includes(grant_type)
        assert.equal(body.error !== 'unsupported_grant_type', listed, `${grant_type} ${body.error}`)
      }
      const methods = document.token_endpoint_auth_methods_supported as string[]
      assert.equal(methods.includes('self_signed_tls_client_auth'), certificates)
      // Nothing here is of an authority: the operator has named none.
      assert.equal(methods.includes('tls_client_auth'), false)
      assert.deepEqual(
        [
          document.mtls_endpoint_aliases !== undefined,
          document.tls_client_certificate_bound_access_tokens,
          servers[0]?.tlsPort() !== undefined,
        ],
        certificates ? [true, true, true] : [false, undefined, false],
      )
      assert.deepEqual(document.response_types_supported, subscribers ? ['code'] : [])
      // Without this member a client must not sign what it asks the back channel for (CIBA Core, section 4).
      assert.deepEqual(
        document.backchannel_authentication_request_signing_alg_values_supported,
        subscribers ? ['ES256', 'PS256', 'RS256'] : undefined,
      )
      for (const name of Object.keys(document))
        assert.doesNotMatch(name, /claims_parameter|logout|encryption|registration|verified_claims/)
    })
