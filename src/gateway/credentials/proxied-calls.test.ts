import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { makeCertificate, type TestCertificate } from '#platform/testing-certificates'
import type { OperationTerms } from '#snapshot'
import {
  application,
  audience,
  contract,
  plan,
  subscription,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { simSwap } from '../testing-entries.ts'
import { hashOf, testProofKey } from './testing-proofs.ts'

const key = testKey()
const server = await makeCertificate({ name: 'CN=localhost', dnsNames: ['localhost'] })
const client = await makeCertificate()
const stranger = await makeCertificate()
const tlsUrl = 'https://api.example'
const here = ['127.0.0.0/8']

async function started(
  t: TestContext,
  trustedProxies: readonly string[],
  terms: OperationTerms = { clientCertificate: true },
) {
  const upstream = await testUpstream(t)
  const api = simSwap(upstream.url)
  const operations = api.operations.map((one) => ({ ...one, terms }))
  const certificates = [{ credentialId: 'crd_c', thumbprint: client.thumbprint }]
  const under = await testGateway(
    t,
    [
      { ...api, operations },
      key.entry,
      application(1, { certificates }),
      plan(),
      contract(1),
      subscription(1),
    ],
    {
      trustedProxies,
      tlsUrl,
      foreignHosts: ['live.example'],
      hosts: { names: ['localhost', 'api.example'], ownAddresses: false },
      tls: { host: '127.0.0.1', port: 0, key: server.key, cert: server.pem },
    },
  )
  const send = (fields: readonly string[], token = key.token(1)) =>
    raw(under.gateway.port(), [`Authorization: Bearer ${token}`, ...fields])
  return { ...under, upstream, send }
}

/** The status of a request whose header fields are just these. */
function raw(
  port: number,
  fields: readonly string[],
  shown?: TestCertificate | 'none',
): Promise<number> {
  const body = '{"phoneNumber":"+99012345678"}'
  const request = [
    'POST /sim-swap/v2/check HTTP/1.1',
    'Host: localhost',
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...fields,
    '',
    body,
  ].join('\r\n')
  return new Promise((resolve, reject) => {
    const socket =
      shown === undefined
        ? connect(port, '127.0.0.1')
        : connectTls({
            port,
            host: '127.0.0.1',
            servername: 'localhost',
            rejectUnauthorized: false,
            ...(shown === 'none' ? {} : { key: shown.key, cert: shown.pem }),
          })
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(Number(text.split(' ')[1])))
    socket.write(request)
  })
}

const certField = ({ der }: TestCertificate) => `Client-Cert: :${der.toString('base64')}:`

for (const [what, status, fields] of [
  ['the registered certificate', 200, [certField(client)]],
  [
    'it in another case of the name',
    200,
    [certField(client).replace('Client-Cert', 'cLIENT-cERT')],
  ],
  ['another certificate', 401, [certField(stranger)]],
  ['none', 401, []],
  ['two of them', 400, [certField(client), certField(client)]],
  ['another and the registered one', 400, [certField(stranger), certField(client)]],
  ['a list of two', 400, [`${certField(client)}, ${certField(stranger).slice(13)}`]],
  ['PEM', 400, [`Client-Cert: ${encodeURIComponent(client.pem)}`]],
  ['base64 without colons', 400, [`Client-Cert: ${client.der.toString('base64')}`]],
  ['bytes that are no certificate', 400, ['Client-Cert: :AAAA:']],
  ['an empty field', 400, ['Client-Cert: ']],
  [
    'a certificate with a byte more',
    400,
    [`Client-Cert: :${Buffer.concat([client.der, Buffer.from([0])]).toString('base64')}:`],
  ],
  [
    'a chain beside it',
    200,
    [certField(client), `Client-Cert-Chain: :${stranger.der.toString('base64')}:`],
  ],
  ['a chain alone', 400, [`Client-Cert-Chain: :${client.der.toString('base64')}:`]],
  ['a chain that is malformed', 400, [certField(client), 'Client-Cert-Chain: x']],
  ['a look-alike', 401, [certField(client).replace('Client-Cert', 'Client_Cert')]],
] as const)
  test(`a trusted proxy passes on ${what}: ${status}`, async (t) => {
    const { send, upstream } = await started(t, here)
    assert.equal(await send(fields), status)
    for (const { headers } of upstream.requests)
      assert.ok(!Object.keys(headers).some((name) => name.startsWith('client')))
  })

test('the same field from anybody else is worth nothing and goes nowhere', async (t) => {
  const { send, upstream } = await started(t, [])
  assert.equal(await send([certField(client)]), 401)
  const open = await started(t, ['10.0.0.0/8'], {})
  assert.equal(await open.send([certField(client), 'Client-Cert: x']), 200)
  assert.equal(upstream.requests.length, 0)
  const [sent] = open.upstream.requests
  assert.ok(sent && !Object.keys(sent.headers).some((name) => name.startsWith('client')))
})

test('on the TLS address a proxy speaks for its clients, and its own certificate for nobody', async (t) => {
  const { gateway } = await started(t, here)
  const port = gateway.tlsPort() ?? assert.fail()
  const bearer = `Authorization: Bearer ${key.token(1)}`
  assert.equal(await raw(port, [bearer, certField(client)], 'none'), 200)
  assert.equal(await raw(port, [bearer, certField(client)], stranger), 200)
  assert.equal(await raw(port, [bearer], client), 401)
  const direct = await started(t, [])
  const directPort = direct.gateway.tlsPort() ?? assert.fail()
  assert.equal(await raw(directPort, [bearer, certField(stranger)], client), 200)
  assert.equal(await raw(directPort, [bearer, certField(client)], stranger), 401)
})

test('a token that is bound to a certificate works behind a proxy with just that one', async (t) => {
  const { send } = await started(t, here, {})
  const token = key.token(1, { cnf: { 'x5t#S256': client.thumbprint } })
  assert.equal(await send([certField(client)], token), 200)
  assert.equal(await send([certField(stranger)], token), 401)
  assert.equal(await send([], token), 401)
})

const proofKey = testProofKey()
const { x, y } = proofKey.jwk
const token = key.token(1, {
  cnf: { jkt: hashOf(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y })) },
})
const path = '/sim-swap/v2/check'
for (const [what, proxies, fields, reached, status] of [
  ['nothing', here, [], audience, 200],
  ['nothing, and the TLS address is meant', here, [], tlsUrl, 401],
  ['https', here, ['X-Forwarded-Proto: https'], tlsUrl, 200],
  [
    'https and the host',
    here,
    ['X-Forwarded-Proto: https', 'X-Forwarded-Host: API.example:443'],
    tlsUrl,
    200,
  ],
  [
    'the same in Forwarded',
    here,
    ['Forwarded: for=192.0.2.1;proto=https;host=api.example'],
    tlsUrl,
    200,
  ],
  ['https, and the plain address is meant', here, ['X-Forwarded-Proto: https'], audience, 401],
  [
    'a host that is not ours',
    here,
    ['X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.example'],
    'https://evil.example',
    421,
  ],
  [
    'two different hosts',
    here,
    ['X-Forwarded-Host: api.example', 'Forwarded: host=evil.example'],
    tlsUrl,
    401,
  ],
  ['https, and is not trusted', [], ['X-Forwarded-Proto: https'], tlsUrl, 401],
] as const)
  test(`a proof of an address, when the proxy says ${what}: ${status}`, async (t) => {
    const { gateway } = await started(t, proxies, {})
    const proof = proofKey.proof({ htu: reached + path, ath: hashOf(token) })
    const headers = [`Authorization: DPoP ${token}`, `DPoP: ${proof}`, ...fields]
    assert.equal(await raw(gateway.port(), headers), status)
  })

test('a proxy that brings calls for the other environment is told so', async (t) => {
  const { send } = await started(t, here, {})
  assert.equal(await send(['X-Forwarded-Host: LIVE.example']), 404)
  const untrusted = await started(t, [], {})
  assert.equal(await untrusted.send(['X-Forwarded-Host: live.example']), 200)
})
