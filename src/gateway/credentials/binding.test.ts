import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { eventually } from '#journal/testing'
import { openCertificateAuthorities } from '#platform/client-certificates/certificate-authorities'
import {
  makeCertificate,
  makeRevocationList,
  type TestCertificate,
} from '#platform/testing-certificates'
import { testFolder } from '#platform/testing-folder'
import type { ApplicationEntry, OperationTerms, SnapshotEntry } from '#snapshot'
import type { GatewayOptions } from '../create-gateway.ts'
import {
  application,
  audience,
  contract,
  plan,
  silent,
  subscription,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { simSwap } from '../testing-entries.ts'
import { hashOf, testProofKey } from './testing-proofs.ts'

const key = testKey()
const server = await makeCertificate({ name: 'CN=localhost', dnsNames: ['localhost'] })
const client = await makeCertificate({ name: 'CN=client' })
const stranger = await makeCertificate({ name: 'CN=stranger' })
const expired = await makeCertificate({ notAfter: new Date(Date.now() - 60_000) })
const early = await makeCertificate({ notBefore: new Date(Date.now() + 3_600_000) })
const weak = await makeCertificate({ kind: 'RSA-2048 SHA-1' })
const ca = await makeCertificate({ name: 'CN=Operator CA', authority: {} })
const middle = await makeCertificate({
  name: 'CN=Middle',
  issuer: ca,
  authority: { pathLength: 0 },
})
const name = 'api.bank.example'
const issued = await makeCertificate({ name: 'CN=bank', issuer: ca, dnsNames: [name] })
const below = await makeCertificate({ name: 'CN=bank 2', issuer: middle, dnsNames: [name] })
const tlsUrl = 'https://localhost:8084'
const body = JSON.stringify({ phoneNumber: '+99012345678' })

const registered = (...certificates: TestCertificate[]) =>
  certificates.map(({ thumbprint }, i) => ({ credentialId: `crd_c${i}`, thumbprint }))

async function started(
  t: TestContext,
  terms: OperationTerms | undefined,
  more: { application?: Partial<ApplicationEntry>; gateway?: Partial<GatewayOptions> } = {},
) {
  const upstream = await testUpstream(t)
  const api = simSwap(upstream.url)
  const [documented] = api.operations
  const entries: SnapshotEntry[] = [
    {
      ...api,
      operations: documented === undefined ? [] : [{ ...documented, ...(terms && { terms }) }],
    },
    key.entry,
    application(1, more.application),
    plan(),
    contract(1),
    subscription(1),
  ]
  const under = await testGateway(t, entries, {
    tlsUrl,
    tls: { host: '127.0.0.1', port: 0, key: server.key, cert: server.pem },
    ...more.gateway,
  })
  const port = under.gateway.tlsPort() ?? assert.fail()
  return { ...under, upstream, secure: (options: Call = {}) => secureCall(port, options) }
}

type Call = {
  certificate?: TestCertificate
  chain?: readonly TestCertificate[]
  headers?: Record<string, string | string[]>
  agent?: import('node:https').Agent
}
type Answer = { status: number; challenge: string; body: string }

const secureCall = (port: number, { certificate, chain, headers, agent }: Call): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        method: 'POST',
        path: '/sim-swap/v2/check',
        rejectUnauthorized: false,
        agent: agent ?? false,
        ...(certificate && {
          key: certificate.key,
          cert: certificate.pem + (chain ?? []).map(({ pem }) => pem).join(''),
        }),
        headers: { host: 'localhost', 'content-type': 'application/json', ...headers },
      },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            challenge: String(response.headers['www-authenticate']),
            body: text,
          }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })

const bearer = (claims: Record<string, unknown> = {}) => ({
  authorization: `Bearer ${key.token(1, claims)}`,
})
const boundTo = ({ thumbprint }: TestCertificate) => ({ cnf: { 'x5t#S256': thumbprint } })

async function plainCall(url: string, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(`${url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  const challenge = String(response.headers.get('www-authenticate'))
  return { status: response.status, challenge, body: await response.text() }
}

test('a TLS address takes clients without a certificate, and with any, where none is asked for', async (t) => {
  const { secure, journal } = await started(t, undefined)
  assert.equal((await secure({ headers: bearer() })).status, 200)
  for (const certificate of [client, expired, weak])
    assert.equal((await secure({ certificate, headers: bearer() })).status, 200)
  assert.deepEqual(
    journal.records.map((record) => record.bound),
    [undefined, undefined, undefined, undefined],
  )
})

for (const [what, status, options] of [
  ['the registered certificate', 200, { certificate: client }],
  ['no certificate', 401, {}],
  ['another certificate', 401, { certificate: stranger }],
  ['a registered certificate that has expired', 401, { certificate: expired }],
  ['a registered certificate that is not valid yet', 401, { certificate: early }],
  ['a registered certificate that is signed with SHA-1', 401, { certificate: weak }],
] as const)
  test(`an operation that needs a certificate answers ${status} to ${what}`, async (t) => {
    const certificates = registered(client, expired, early, weak)
    const { secure, journal } = await started(
      t,
      { clientCertificate: true },
      { application: { certificates } },
    )
    const answer = await secure({ ...options, headers: bearer() })
    assert.equal(answer.status, status)
    // No scheme of HTTP asks for a certificate: the message does. The token is sound, so nothing is said against it.
    if (status === 401) {
      assert.match(answer.challenge, /^Bearer, DPoP algs="[\w ]+"$/)
      assert.match(answer.body, /access token and a registered client certificate are needed/)
    }
    const [record] = journal.records
    assert.equal(record?.bound, status === 200 ? 'certificate' : undefined)
    assert.equal(record?.refusedBy, status === 200 ? undefined : 'bind')
  })

test('a certificate is worth nothing on the plain address', async (t) => {
  const { url } = await started(
    t,
    { clientCertificate: true },
    { application: { certificates: registered(client) } },
  )
  assert.equal((await plainCall(url, bearer())).status, 401)
})

for (const [what, status, options] of [
  ['with its certificate', 200, { certificate: client }],
  ['without it', 401, {}],
  ['with another one', 401, { certificate: stranger }],
] as const)
  test(`a token that is bound to a certificate is ${status === 200 ? 'accepted' : 'refused'} ${what}, also where nothing asks for one`, async (t) => {
    const { secure, url } = await started(t, undefined)
    const answer = await secure({ ...options, headers: bearer(boundTo(client)) })
    assert.equal(answer.status, status)
    // RFC 8705 section 3
    if (status === 401) assert.match(answer.challenge, /^Bearer error="invalid_token", DPoP algs=/)
    assert.equal((await plainCall(url, bearer(boundTo(client)))).status, 401)
  })

test('a bound token ends with its certificate: when it was deleted, and when it expires on an open connection', async (t) => {
  let nowMs = Date.now()
  const clock = { now: () => new Date(nowMs) }
  const short = await makeCertificate({ notAfter: new Date(nowMs + 100_000) })
  const certificates = registered(client, short)
  const { secure, snapshot } = await started(t, undefined, {
    application: { certificates },
    gateway: { clock },
  })
  const { Agent } = await import('node:https')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const exp = Math.floor(nowMs / 1_000) + 600
  const headers = bearer({ ...boundTo(short), exp })
  assert.equal((await secure({ certificate: short, headers, agent })).status, 200)
  nowMs += 102_000
  assert.equal((await secure({ certificate: short, headers, agent })).status, 401)
  const other = bearer({ ...boundTo(client), exp })
  assert.equal((await secure({ certificate: client, headers: other })).status, 200)
  snapshot.put(application(1, { certificates: registered(short) }))
  assert.equal((await secure({ certificate: client, headers: other })).status, 401)
})

for (const [what, claims] of [
  ['is malformed', { cnf: { jkt: 'x' } }],
  ['is nothing', { cnf: null }],
  ['is empty', { cnf: {} }],
  ['is of a kind that nobody knows', { cnf: { kid: 'a' } }],
  ['is partly of such a kind', { cnf: { 'x5t#S256': client.thumbprint, kid: 'a' } }],
] as const)
  test(`a token whose binding ${what} is refused`, async (t) => {
    const { secure } = await started(t, undefined)
    assert.equal((await secure({ certificate: client, headers: bearer(claims) })).status, 401)
  })

test("certificates of the operator's CA are accepted by their registered name, also through an intermediate", async (t) => {
  const folder = testFolder(t)
  const caFile = path.join(folder, 'ca.pem')
  const crlFile = path.join(folder, 'crl.pem')
  writeFileSync(caFile, ca.pem)
  writeFileSync(crlFile, await makeRevocationList(ca, []))
  const authorities = await openCertificateAuthorities({
    caFile,
    crlFile,
    keptFile: path.join(folder, 'kept.json'),
    log: silent,
    nowMs: Date.now,
    lookEveryMs: 5,
  })
  const self = await makeCertificate({ name: 'CN=bank', dnsNames: [name] })
  const rogue = await makeCertificate({ name: 'CN=Operator CA', authority: {} })
  const forged = await makeCertificate({ name: 'CN=bank', issuer: rogue, dnsNames: [name] })
  const notAuthority = await makeCertificate({ name: 'CN=x', issuer: issued, dnsNames: [name] })
  const tooDeep = await makeCertificate({ name: 'CN=Deep', issuer: middle, authority: {} })
  const deepest = await makeCertificate({ name: 'CN=y', issuer: tooDeep, dnsNames: [name] })
  const otherName = await makeCertificate({ issuer: ca, dnsNames: ['api.other.example'] })
  const wildcard = await makeCertificate({ issuer: ca, dnsNames: ['*.bank.example'] })
  const late = await makeCertificate({ issuer: ca, dnsNames: [name], notAfter: new Date(0) })
  const certificates = [{ credentialId: 'crd_ca', subjectAlternativeName: `DNS:${name}` }]
  const { secure } = await started(
    t,
    { clientCertificate: true },
    { application: { certificates }, gateway: { authorities } },
  )
  const status = async (certificate: TestCertificate, ...chain: TestCertificate[]) =>
    (await secure({ certificate, chain, headers: bearer() })).status
  assert.equal(await status(issued), 200)
  assert.equal(await status(below, middle), 200)
  assert.equal(await status(below), 401, 'without its intermediate')
  assert.equal(await status(self), 401, 'self-signed with the name')
  assert.equal(await status(forged, rogue), 401, 'of another CA with the same name')
  assert.equal(await status(notAuthority, issued), 401, 'issued by a client')
  assert.equal(await status(deepest, tooDeep, middle), 401, 'longer than its authority allows')
  assert.equal(await status(otherName), 401, 'another name')
  assert.equal(await status(wildcard), 401, 'a wildcard')
  assert.equal(await status(late), 401, 'expired')
  const { Agent } = await import('node:https')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const open = () => secure({ certificate: issued, headers: bearer(), agent })
  assert.equal((await open()).status, 200)
  writeFileSync(crlFile, await makeRevocationList(ca, [issued]))
  // The same connection stays open: what counts is the list of the moment.
  await eventually(async () => (await open()).status === 401)
  assert.equal(await status(below, middle), 200)
  writeFileSync(crlFile, await makeRevocationList(ca, [middle]))
  await eventually(async () => (await status(below, middle)) === 401)
})

test('a connection is not resumed: its certificate is shown anew each time', async (t) => {
  const { gateway } = await started(t, undefined)
  const port = gateway.tlsPort() ?? assert.fail()
  const connect = (session?: Buffer) =>
    new Promise<{ session: Buffer | undefined; reused: boolean }>((resolve, reject) => {
      let latest = session
      let reused = false
      const socket = connectTls({
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        rejectUnauthorized: false,
        key: client.key,
        cert: client.pem,
        ...(session && { session }),
      })
      socket.on('secureConnect', () => {
        reused = socket.isSessionReused()
      })
      socket.on('session', (made) => {
        latest = made
      })
      socket.on('error', reject)
      socket.on('data', () => socket.end())
      socket.on('close', () => resolve({ session: latest, reused }))
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    })
  const first = await connect()
  assert.ok(first.session)
  assert.equal((await connect(first.session)).reused, false)
})

const proofKey = testProofKey()
const jkt = hashOf(
  JSON.stringify({ crv: 'P-256', kty: 'EC', x: proofKey.jwk.x, y: proofKey.jwk.y }),
)
const dpopToken = key.token(1, { cnf: { jkt } })
const htu = `${audience}/sim-swap/v2/check`
const proof = (claims = {}, header = {}) =>
  proofKey.proof({ htu, ath: hashOf(dpopToken), ...claims }, header)

test('a token that is bound to a key is accepted with a proof, once for each proof', async (t) => {
  const { url, journal, upstream } = await started(t, undefined)
  const headers = { authorization: `DPoP ${dpopToken}`, dpop: proof() }
  assert.equal((await plainCall(url, headers)).status, 200)
  const again = await plainCall(url, headers)
  assert.equal(again.status, 401)
  assert.match(again.challenge, /DPoP error="invalid_dpop_proof", algs="ES256 /)
  assert.deepEqual(
    journal.records.map((record) => record.bound),
    ['dpop', undefined],
  )
  assert.equal(upstream.requests.length, 1)
  assert.ok(!('dpop' in (upstream.requests[0]?.headers ?? {})))
})

test('on the TLS address a proof names that address, and it may be on both', async (t) => {
  const { secure } = await started(t, undefined)
  const call = async (to: string) =>
    (await secure({ headers: { authorization: `DPoP ${dpopToken}`, dpop: proof({ htu: to }) } }))
      .status
  assert.equal(await call(`${tlsUrl}/sim-swap/v2/check`), 200)
  assert.equal(await call('HTTPS://LOCALHOST:8084/sim-swap/v2/check?x=1'), 200)
  assert.equal(await call(htu), 401)
  assert.equal(await call('https://localhost:8083/sim-swap/v2/check'), 401)
})

const plainToken = key.token(1)
for (const [what, status, challenge, headers] of [
  [
    'a bound token as Bearer',
    401,
    /DPoP error="invalid_token"/,
    { authorization: `Bearer ${dpopToken}`, dpop: proof() },
  ],
  [
    'a bound token without a proof',
    401,
    /invalid_dpop_proof/,
    { authorization: `DPoP ${dpopToken}` },
  ],
  [
    'two proofs',
    401,
    /invalid_dpop_proof/,
    { authorization: `DPoP ${dpopToken}`, dpop: `${proof()}, ${proof()}` },
  ],
  [
    'a proof of another token',
    401,
    /invalid_dpop_proof/,
    { authorization: `DPoP ${dpopToken}`, dpop: proof({ ath: hashOf(plainToken) }) },
  ],
  [
    'a proof of another key',
    401,
    /invalid_dpop_proof/,
    {
      authorization: `DPoP ${dpopToken}`,
      dpop: testProofKey().proof({ htu, ath: hashOf(dpopToken) }),
    },
  ],
  [
    'a proof whose key is not its own',
    401,
    /invalid_dpop_proof/,
    {
      authorization: `DPoP ${dpopToken}`,
      dpop: testProofKey().proof({ htu, ath: hashOf(dpopToken) }, { jwk: proofKey.jwk }),
    },
  ],
  [
    'an unbound token with a proof',
    401,
    /^Bearer, DPoP error="invalid_token", algs/,
    { authorization: `DPoP ${plainToken}`, dpop: proof({ ath: hashOf(plainToken) }) },
  ],
  [
    'an unbound token as Bearer beside a proof',
    200,
    /null/,
    { authorization: `Bearer ${plainToken}`, dpop: 'anything' },
  ],
  [
    'the scheme in another case',
    200,
    /null/,
    { authorization: `dpop ${dpopToken}`, dpop: proof() },
  ],
] as const)
  test(`${what}: ${status}`, async (t) => {
    const { url } = await started(t, undefined)
    const answer = await plainCall(url, headers)
    assert.equal(answer.status, status)
    assert.match(answer.challenge, challenge)
  })

test('of fifty equal proofs at once one works, and none when it cannot be told', async (t) => {
  const { url, proofs } = await started(t, undefined)
  const fifty = async () => {
    const headers = { authorization: `DPoP ${dpopToken}`, dpop: proof() }
    const answers = await Promise.all(Array.from({ length: 50 }, () => plainCall(url, headers)))
    return answers.map(({ status }) => status).sort()
  }
  assert.deepEqual(await fifty(), [200, ...Array<number>(49).fill(401)])
  proofs.down = true
  assert.deepEqual(await fifty(), [...Array<number>(49).fill(401), 503])
})

test('where tokens must be bound, an unbound one is refused and bound ones are not', async (t) => {
  const { url, secure } = await started(t, { senderConstrained: true })
  assert.equal((await plainCall(url, bearer())).status, 401)
  assert.equal(
    (await plainCall(url, { authorization: `DPoP ${dpopToken}`, dpop: proof() })).status,
    200,
  )
  assert.equal(
    (await secure({ certificate: client, headers: bearer(boundTo(client)) })).status,
    200,
  )
})

test('a token that is bound to both needs both', async (t) => {
  const { secure } = await started(t, undefined)
  const token = key.token(1, { cnf: { jkt, 'x5t#S256': client.thumbprint } })
  const headers = () => ({
    authorization: `DPoP ${token}`,
    dpop: proof({ htu: `${tlsUrl}/sim-swap/v2/check`, ath: hashOf(token), jti: randomUUID() }),
  })
  assert.equal((await secure({ certificate: client, headers: headers() })).status, 200)
  assert.equal((await secure({ headers: headers() })).status, 401)
  assert.equal(
    (await secure({ certificate: client, headers: { authorization: `Bearer ${token}` } })).status,
    401,
  )
})
