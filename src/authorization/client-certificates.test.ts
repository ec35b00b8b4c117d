import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { connect } from 'node:net'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  allowInsecureRequests,
  clientCredentialsGrant,
  customFetch,
  discovery,
  TlsClientAuth,
} from 'openid-client'
import { openCertificateAuthorities } from '#platform/client-certificates/certificate-authorities'
import { createLog } from '#platform/log'
import {
  makeCertificate,
  makeRevocationList,
  type TestCertificate,
} from '#platform/testing-certificates'
import { machineClock } from '#platform/testing-clock'
import { testFolder } from '#platform/testing-folder'
import {
  type Answer,
  basic,
  claimsOf,
  sandboxId,
  sandboxSecret,
  testServers,
  testSettings,
} from './testing.ts'
import { boundTo, itself, secureCall, testMutualTls } from './testing-mutual-tls.ts'

const hour = 3_600_000
const mine = await makeCertificate({ name: 'CN=mine' })
const stranger = await makeCertificate({ name: 'CN=mine' })
const expired = await makeCertificate({ notAfter: new Date(Date.now() - hour) })
const early = await makeCertificate({ notBefore: new Date(Date.now() + hour) })
const weak = await makeCertificate({ kind: 'RSA-2048 SHA-1' })
const ca = await makeCertificate({ name: 'CN=Operator CA', authority: {} })
const middle = await makeCertificate({
  name: 'CN=Middle',
  issuer: ca,
  authority: { pathLength: 0 },
})
const otherCa = await makeCertificate({ name: 'CN=Operator CA', authority: {} })
const dnsNames = ['api.bank.example']
const bank = await makeCertificate({ name: 'CN=bank', issuer: ca, dnsNames })
const below = await makeCertificate({ name: 'CN=bank 2', issuer: middle, dnsNames })
const forged = await makeCertificate({ name: 'CN=bank', issuer: otherCa, dnsNames })
const otherName = await makeCertificate({ issuer: ca, dnsNames: ['evil.example'] })
const selfSigned = await makeCertificate({ name: 'CN=bank', dnsNames })
const named = { credentialId: 'crd_name', subjectAlternativeName: 'DNS:api.bank.example' }

const grant = { grant_type: 'client_credentials', scope: 'sim-swap:check', client_id: sandboxId }
const token = '/sandbox/token'

async function operatorAuthorities(t: TestContext, revoked: readonly TestCertificate[] = []) {
  const folder = testFolder(t)
  const caFile = path.join(folder, 'ca.pem')
  const crlFile = path.join(folder, 'crl.pem')
  const revoke = async (list: readonly TestCertificate[]): Promise<void> =>
    writeFileSync(crlFile, await makeRevocationList(ca, list))
  writeFileSync(caFile, ca.pem)
  await revoke(revoked)
  const authorities = await openCertificateAuthorities({
    ...{ caFile, crlFile, keptFile: path.join(folder, 'kept.json'), lookEveryMs: 5 },
    log: createLog({ name: 'test', level: 'silent' }),
    nowMs: Date.now,
  })
  t.after(() => authorities.stop())
  return { authorities, caFile, revoke }
}

const refused = ({ status, body }: Answer, description: RegExp): void => {
  assert.deepEqual([status, body.error], [401, 'invalid_client'], JSON.stringify(body))
  assert.match(String(body.error_description), description)
}

test('a registered certificate authenticates its client, and binds a token where the settings say so', async (t) => {
  const { secure, set } = await testMutualTls(t, { certificates: [itself(mine)] })
  const plain = await secure(token, grant, { certificate: mine })
  assert.equal(claimsOf(plain).crd, 'crd_cert')
  assert.equal(boundTo(plain), undefined)
  set({ senderConstraint: 'certificate', certificates: [itself(mine)] })
  const given = await secure(token, grant, { certificate: mine })
  assert.equal(boundTo(given), mine.thumbprint)
  assert.equal(given.body.token_type, 'Bearer')
  const own = { token: String(given.body.access_token), client_id: sandboxId }
  const seen = await secure('/sandbox/introspect', own, { certificate: mine })
  assert.deepEqual(seen.body.cnf, { 'x5t#S256': mine.thumbprint })
})

test('a third-party client finds the address for certificates and authenticates there', async (t) => {
  const { servers, issuer, alias, set, portInTurn } = await testMutualTls(t)
  set({ senderConstraint: 'certificate', certificates: [itself(mine)] })
  const seen: string[] = []
  const config = await discovery(
    new URL(issuer('sandbox')),
    sandboxId,
    { use_mtls_endpoint_aliases: true },
    TlsClientAuth(),
    {
      execute: [allowInsecureRequests],
      [customFetch]: async (url, { method, headers, body }) => {
        seen.push(`${method} ${url}`)
        const { pathname } = new URL(url)
        if (!url.startsWith(alias))
          return await fetch(`http://127.0.0.1:${servers[0]?.port()}${pathname}`)
        const where = { method, port: portInTurn(), path: pathname }
        const answer = await secureCall(where, { certificate: mine }, headers, String(body))
        return new Response(answer.text, {
          status: answer.status,
          headers: { 'content-type': String(answer.headers['content-type']) },
        })
      },
    },
  )
  const { access_token, token_type } = await clientCredentialsGrant(config, {
    scope: 'sim-swap:check',
  })
  assert.equal(token_type, 'bearer')
  assert.equal(boundTo({ status: 200, headers: {}, body: { access_token } }), mine.thumbprint)
  assert.equal(seen.at(-1), `POST ${alias}/token`)
})

test('another certificate, and a client that is none, get the same answer no sooner than 40 ms later', async (t) => {
  const { secure, set } = await testMutualTls(t)
  const ask = async (client_id: string, certificate: TestCertificate) => {
    const startedAt = performance.now()
    const answer = await secure(token, { ...grant, client_id }, { certificate })
    assert.ok(performance.now() - startedAt >= 39)
    refused(answer, /no active client .* has registered this certificate/)
    return answer.body
  }
  set({ certificates: [itself(mine)] })
  const wrong = await ask(sandboxId, stranger)
  assert.deepEqual(await ask('wl_sbx_unknownunknownunknow', mine), wrong)
  set({ certificates: [] })
  assert.deepEqual(await ask(sandboxId, mine), wrong)
  set({ certificates: [itself(mine)] }, { state: 'suspended' })
  assert.deepEqual(await ask(sandboxId, mine), wrong)
})

for (const [what, certificate, description] of [
  ['an expired certificate', expired, /not valid at this time/],
  ['one that is not valid yet', early, /not valid at this time/],
  ['a weak one', weak, /weak/],
] as const)
  test(`${what} authenticates nobody and binds nothing, although it is registered`, async (t) => {
    const { secure } = await testMutualTls(t, {
      senderConstraint: 'certificate',
      certificates: [itself(certificate)],
    })
    refused(await secure(token, grant, { certificate }), description)
    const bySecret = await secure(token, grant, { certificate }, basic(sandboxId, sandboxSecret))
    assert.deepEqual([bySecret.status, bySecret.body.error], [400, 'invalid_request'])
    assert.match(String(bySecret.body.error_description), description)
  })

test('a name is of certificates of the operator’s authority only, whatever else is sent along', async (t) => {
  const { authorities } = await operatorAuthorities(t)
  const { secure, set } = await testMutualTls(
    t,
    { certificates: [named] },
    { server: { authorities } },
  )
  const unknown = /has registered this certificate/
  assert.equal(claimsOf(await secure(token, grant, { certificate: bank })).crd, 'crd_name')
  const chain = [middle]
  assert.equal(claimsOf(await secure(token, grant, { certificate: below, chain })).crd, 'crd_name')
  refused(await secure(token, grant, { certificate: below }), unknown)
  for (const certificate of [forged, otherName, selfSigned])
    refused(await secure(token, grant, { certificate, chain: [ca, middle] }), unknown)
  // Whoever of the authority may come with a chain that holds a good certificate of somebody else.
  refused(await secure(token, grant, { certificate: forged, chain: [otherCa, bank] }), unknown)
  set({ certificates: [named], authenticationMethods: ['self_signed_tls_client_auth'] })
  refused(await secure(token, grant, { certificate: bank }), unknown)
  // What was registered itself is known without its issuer, and by it.
  set({ certificates: [itself(bank)], authenticationMethods: ['self_signed_tls_client_auth'] })
  assert.equal((await secure(token, grant, { certificate: bank })).status, 200)
  set({ certificates: [itself(bank)], authenticationMethods: ['tls_client_auth'] })
  assert.equal((await secure(token, grant, { certificate: bank })).status, 200)
  set({ certificates: [itself(mine)], authenticationMethods: ['tls_client_auth'] })
  refused(await secure(token, grant, { certificate: mine }), unknown)
})

test('a certificate that its authority revokes is refused from then on, registered by name or itself', async (t) => {
  const { authorities, revoke } = await operatorAuthorities(t)
  const certificates = [named, itself(bank)]
  // One connection, which was made before.
  const { secure } = await testMutualTls(t, { certificates }, { count: 1, server: { authorities } })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const kept = { certificate: bank, tls: { agent } }
  assert.equal((await secure(token, grant, kept)).status, 200)
  await revoke([bank])
  const deadline = performance.now() + 30_000
  let answer = await secure(token, grant, kept)
  while (answer.status === 200 && performance.now() < deadline)
    answer = await secure(token, grant, kept)
  refused(answer, /revoked/)
})

test('methods that the settings leave out are refused', async (t) => {
  const { secure, post } = await testMutualTls(t, {
    certificates: [itself(mine)],
    authenticationMethods: ['client_secret_basic'],
  })
  refused(await secure(token, grant, { certificate: mine }), /this certificate/)
  const secret = basic(sandboxId, sandboxSecret)
  assert.equal((await secure(token, grant, { certificate: mine }, secret)).status, 200)
  assert.equal((await post(token, grant, secret)).status, 200)
})

test('a certificate that nothing is asked of may be any, and a client without one uses another method', async (t) => {
  const { secure } = await testMutualTls(t)
  const secret = basic(sandboxId, sandboxSecret)
  const { client_id: _, ...form } = grant
  for (const certificate of [undefined, expired, stranger, weak])
    assert.equal(boundTo(await secure(token, form, { certificate }, secret)), undefined)
  refused(await secure(token, grant), /has to authenticate/)
  const anonymous = await secure(token, form, { certificate: mine })
  assert.deepEqual([anonymous.status, anonymous.body.error], [400, 'invalid_request'])
  assert.match(String(anonymous.body.error_description), /client_id is missing/)
})

test('a certificate in a header counts from trusted proxies only, and there the connection’s own does not', async (t) => {
  const field = (certificate: TestCertificate) => ({
    'client-cert': `:${certificate.der.toString('base64')}:`,
  })
  const settings = { certificates: [itself(mine)] }
  const open = await testMutualTls(t, settings)
  refused(await open.post(token, grant, field(mine)), /has to authenticate/)
  refused(await open.secure(token, grant, {}, field(mine)), /has to authenticate/)
  refused(await open.secure(token, grant, { certificate: stranger }, field(mine)), /certificate/)
  const env = { WAYLEAVE_TRUSTED_PROXIES: '127.0.0.0/8' }
  const { post, secure } = await testMutualTls(t, settings, { env })
  assert.equal((await post(token, grant, field(mine))).status, 200)
  refused(await secure(token, grant, { certificate: mine }), /has to authenticate/)
  refused(await secure(token, grant, { certificate: mine }, field(stranger)), /this certificate/)
  const unreadable = /cannot be read/
  const good = field(mine)['client-cert']
  const twice = `${good}, ${good}`
  for (const text of ['', ':AAAA:', good.slice(1), twice, `:${'A'.repeat(12_000)}:`, `${good};a=1`])
    refused(await post(token, grant, { 'client-cert': text }), unreadable)
  const chained = { ...field(mine), 'client-cert-chain': Array(5).fill(good).join(',') }
  refused(await post(token, grant, chained), unreadable)
  const huge = await secureCall(
    { method: 'POST', path: token, port: open.servers[0]?.tlsPort() },
    {},
    { 'client-cert': `:${'A'.repeat(70_000)}:` },
  ).catch(() => undefined)
  // Whether the answer is read before the connection is gone, is the network's matter.
  assert.ok(huge === undefined || huge.status === 431)
  assert.equal((await open.secure(token, grant, { certificate: mine })).status, 200)
})

test('without an address for certificates none are taken, from nobody', async (t) => {
  const env = {
    WAYLEAVE_AUTHORIZATION_URL: 'https://id.example.com',
    WAYLEAVE_AUTHORIZATION_TLS_PORT: '',
    WAYLEAVE_TRUSTED_PROXIES: '127.0.0.0/8',
  }
  const { servers, clients, post } = await testServers(t, {
    env,
    server: { tls: { certificate: { key: '', cert: '' }, port: 0 } },
  })
  clients.set(sandboxId, { settings: { ...testSettings, certificates: [itself(mine)] } })
  assert.equal(servers[0]?.tlsPort(), undefined)
  const headers = { 'client-cert': `:${mine.der.toString('base64')}:` }
  refused(await post(token, grant, headers), /has to authenticate/)
})

test('the address for certificates speaks TLS 1.3, and serves no page that a browser is sent to', async (t) => {
  const { authorities, caFile } = await operatorAuthorities(t)
  const { portInTurn, alias, issuer } = await testMutualTls(
    t,
    {},
    { subscribers: true, server: { authorities }, env: { WAYLEAVE_CLIENT_CA_FILE: caFile } },
  )
  const get = (path: string, tls = {}) =>
    secureCall({ method: 'GET', port: portInTurn(), path }, { tls }, {})
  const { status, text } = await get('/sandbox/.well-known/openid-configuration')
  assert.equal(status, 200)
  const document = JSON.parse(text) as Record<string, unknown>
  assert.deepEqual(document.mtls_endpoint_aliases, {
    token_endpoint: `${alias}/token`,
    pushed_authorization_request_endpoint: `${alias}/par`,
    backchannel_authentication_endpoint: `${alias}/bc-authorize`,
    introspection_endpoint: `${alias}/introspect`,
    revocation_endpoint: `${alias}/revoke`,
  })
  assert.equal(document.tls_client_certificate_bound_access_tokens, true)
  assert.equal(document.token_endpoint, `${issuer('sandbox')}/token`)
  const methods = ['tls_client_auth', 'self_signed_tls_client_auth']
  for (const name of ['token', 'introspection', 'revocation'])
    assert.deepEqual(
      (document[`${name}_endpoint_auth_methods_supported`] as string[]).slice(-2),
      methods,
    )
  for (const path of ['/sandbox/authorize', '/sandbox/consent', '/sandbox/privacy', '/sandbox/x'])
    assert.equal((await get(path)).status, 404, path)
  await assert.rejects(get('/sandbox/jwks', { maxVersion: 'TLSv1.2' }), /protocol version|alert/i)
})

test('a renewed certificate of the server is shown to new connections without a restart', async (t) => {
  const folder = testFolder(t)
  const files = {
    keyFile: path.join(folder, 'key.pem'),
    certificateFile: path.join(folder, 'cert.pem'),
  }
  const made = () => makeCertificate({ name: 'CN=localhost', dnsNames: ['localhost'] })
  const [before, after] = [await made(), await made()]
  writeFileSync(files.keyFile, before.key)
  writeFileSync(files.certificateFile, before.pem)
  const certificate = { key: before.key, cert: before.pem }
  const { portInTurn } = await testMutualTls(
    t,
    {},
    { count: 1, server: { tls: { certificate, files, port: 0 } } },
  )
  const asks = ({ pem }: TestCertificate) =>
    secureCall(
      { method: 'GET', port: portInTurn(), path: '/sandbox/jwks' },
      { tls: { ca: pem } },
      {},
    )
  assert.equal((await asks(before)).status, 200)
  // The key of another certificate is a matter of time: what works stays.
  writeFileSync(files.keyFile, after.key)
  assert.equal((await asks(before)).status, 200)
  writeFileSync(files.certificateFile, after.pem)
  const deadline = performance.now() + 30_000
  while ((await asks(after).catch(() => undefined)) === undefined)
    assert.ok(performance.now() < deadline, 'the renewed certificate is not shown')
})

test('a handshake that nobody ends does not hold up the end of a server', async (t) => {
  const { servers, portInTurn } = await testMutualTls(t, {}, { count: 1 })
  const open = connect(portInTurn() ?? 0, '127.0.0.1')
  const gone = once(open, 'close')
  open.resume()
  await once(open, 'connect')
  // Another connection came after it, so the server has seen it.
  await secureCall({ method: 'GET', port: portInTurn(), path: '/sandbox/jwks' }, {}, {})
  const now = await machineClock()
  const startedAt = now()
  await servers[0]?.stop()
  await gone
  assert.ok(now() - startedAt < 5_000)
})
