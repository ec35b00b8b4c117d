import assert from 'node:assert/strict'
import { connect, type OutgoingHttpHeaders } from 'node:http2'
import { type TestContext, test } from 'node:test'
import { makeCertificate, type TestCertificate } from '#platform/testing-certificates'
import type { OperationTerms } from '#snapshot'
import {
  application,
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
const tlsUrl = 'https://localhost:8084'
const authorization = `Bearer ${key.token(1)}`

async function started(
  t: TestContext,
  terms: OperationTerms,
  trustedProxies: readonly string[] = [],
) {
  const upstream = await testUpstream(t)
  const api = simSwap(upstream.url)
  const certificates = [{ credentialId: 'crd_c', thumbprint: client.thumbprint }]
  const { gateway } = await testGateway(
    t,
    [
      { ...api, operations: api.operations.map((one) => ({ ...one, terms })) },
      key.entry,
      application(1, { certificates }),
      plan(),
      contract(1),
      subscription(1),
    ],
    {
      tlsUrl,
      trustedProxies,
      tls: { host: '127.0.0.1', port: 0, key: server.key, cert: server.pem },
    },
  )
  const session = (shown?: TestCertificate) => {
    const opened = connect(`https://localhost:${gateway.tlsPort()}`, {
      rejectUnauthorized: false,
      ...(shown && { key: shown.key, cert: shown.pem }),
    })
    t.after(() => opened.destroy())
    return (headers: OutgoingHttpHeaders): Promise<number> =>
      new Promise((resolve, reject) => {
        const stream = opened.request({
          ':method': 'POST',
          ':path': '/sim-swap/v2/check',
          'content-type': 'application/json',
          ...headers,
        })
        stream.on('response', (answer) => resolve(Number(answer[':status'])))
        stream.on('error', reject)
        stream.resume()
        stream.end('{"phoneNumber":"+99012345678"}')
      })
  }
  return { session }
}

test('over HTTP/2 every stream has the certificate of its connection', async (t) => {
  const { session } = await started(t, { clientCertificate: true })
  const call = session(client)
  const answers = await Promise.all(Array.from({ length: 10 }, () => call({ authorization })))
  assert.deepEqual(answers, Array(10).fill(200))
  assert.equal(await session(stranger)({ authorization }), 401)
  assert.equal(await session()({ authorization }), 401)
})

test('over HTTP/2 a token that is bound to a certificate needs it, and a proof works once', async (t) => {
  const { session } = await started(t, {})
  const bound = key.token(1, { cnf: { 'x5t#S256': client.thumbprint } })
  assert.equal(await session(client)({ authorization: `Bearer ${bound}` }), 200)
  assert.equal(await session(stranger)({ authorization: `Bearer ${bound}` }), 401)
  const proofKey = testProofKey()
  const { x, y } = proofKey.jwk
  const jkt = hashOf(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
  const token = key.token(1, { cnf: { jkt } })
  const proof = () => proofKey.proof({ htu: `${tlsUrl}/sim-swap/v2/check`, ath: hashOf(token) })
  const used = proof()
  const call = session()
  const headers = { authorization: `DPoP ${token}` }
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call({ ...headers, dpop: used })),
  )
  assert.deepEqual(answers.sort(), [200, ...Array<number>(19).fill(401)])
  assert.equal(await call({ ...headers, dpop: [proof(), proof()] }), 401)
  assert.equal(await call({ ...headers, dpop: proof() }), 200)
})

test('over HTTP/2 a trusted proxy passes certificates on, one in each request', async (t) => {
  const field = ({ der }: TestCertificate) => `:${der.toString('base64')}:`
  const trusted = (
    await started(t, { clientCertificate: true }, ['127.0.0.0/8', '::1/128'])
  ).session()
  assert.equal(await trusted({ authorization, 'client-cert': field(client) }), 200)
  assert.equal(await trusted({ authorization, 'client-cert': field(stranger) }), 401)
  assert.equal(await trusted({ authorization }), 401)
  assert.equal(await trusted({ authorization, 'client-cert': [field(client), field(client)] }), 400)
  const untrusted = (await started(t, { clientCertificate: true })).session()
  assert.equal(await untrusted({ authorization, 'client-cert': field(client) }), 401)
})
