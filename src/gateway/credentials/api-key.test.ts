import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { newCheckedText } from '#platform/checked-text'
import type { ApplicationEntry, OperationTerms } from '#snapshot'
import {
  application,
  contract,
  plan,
  sealing,
  subscription,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

const key = testKey()
const apiKey = newCheckedText('wl_sbx_key_', 43)
const second = newCheckedText('wl_sbx_key_', 43)
const live = newCheckedText('wl_live_key_', 43)
const held = (text: string, credentialId: string) => ({
  credentialId,
  hash: sealing.keyedHash('api-key', text),
})
const holder = (more: Partial<ApplicationEntry> = {}) =>
  application(1, {
    credentialIds: ['crd_1', 'crd_k'],
    apiKeys: [held(apiKey, 'crd_k')],
    ...more,
  })

async function started(t: TestContext, terms?: OperationTerms) {
  const upstream = await testUpstream(t)
  const api = simSwap(upstream.url)
  const operations = api.operations.map((one) => ({ ...one, ...(terms && { terms }) }))
  const under = await testGateway(t, [
    { ...api, operations },
    key.entry,
    holder(),
    plan(),
    contract(1),
    subscription(1),
  ])
  const call = async (headers: Record<string, string>, query = '') => {
    const response = await fetch(`${under.url}/sim-swap/v2/check${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ phoneNumber: '+99012345678' }),
    })
    const challenge = response.headers.get('www-authenticate')
    return { status: response.status, challenge, body: await response.text() }
  }
  return { ...under, upstream, call }
}

const both = { credentials: ['access-token', 'api-key'] } as const
const bearer = { authorization: `Bearer ${key.token(1)}` }

test('where the product accepts keys, one is as good as a token; the subscription stands for the scope', async (t) => {
  const { call, journal, upstream } = await started(t, both)
  assert.equal((await call({ 'x-api-key': apiKey })).status, 200)
  assert.equal((await call(bearer)).status, 200)
  assert.deepEqual(
    journal.records.map(({ credential, credentialId, contractId }) => [
      credential,
      credentialId,
      contractId,
    ]),
    [
      ['api-key', 'crd_k', 'ctr_1'],
      ['access-token', 'crd_1', 'ctr_1'],
    ],
  )
  assert.ok(upstream.requests.every(({ headers }) => !('x-api-key' in headers)))
  assert.ok(!JSON.stringify([journal.records, upstream.requests]).includes(apiKey.slice(0, 20)))
})

for (const [what, terms, headers, query] of [
  ['a key where none is accepted', undefined, { 'x-api-key': apiKey }, ''],
  ['a token where only keys are', { credentials: ['api-key'] }, bearer, ''],
  ['a key and a token', both, { ...bearer, 'x-api-key': apiKey }, ''],
  ['an empty key and a token', both, { ...bearer, 'x-api-key': '' }, ''],
  ['two keys', both, { 'x-api-key': `${apiKey}, ${apiKey}` }, ''],
  ['a key of production', both, { 'x-api-key': live }, ''],
  [
    'a mistyped key',
    both,
    { 'x-api-key': `${apiKey.slice(0, -1)}${apiKey.endsWith('a') ? 'b' : 'a'}` },
    '',
  ],
  ['an unknown key', both, { 'x-api-key': second }, ''],
  ['a client secret', both, { 'x-api-key': newCheckedText('wl_sbx_sk_', 43) }, ''],
  ['a key as Bearer', both, { authorization: `Bearer ${apiKey}` }, ''],
  ['a key as password', both, { authorization: `Basic ${btoa(`x:${apiKey}`)}` }, ''],
  ['nothing', both, {}, ''],
] as const)
  test(`${what} is 401, the same answer for every cause`, async (t) => {
    const { call } = await started(t, terms as OperationTerms | undefined)
    const answer = await call(headers, query)
    const nothing = await call({})
    assert.equal(answer.body, nothing.body)
    assert.equal(answer.status, 401)
    // RFC 6750 section 3.1: what came as a token and is none is told from what was no token at all.
    const expected = nothing.challenge?.replace(/^Bearer,/, 'Bearer error="invalid_token",')
    assert.equal(answer.challenge, what === 'a key as Bearer' ? expected : nothing.challenge)
  })

test('the challenges name what the operation accepts', async (t) => {
  const algorithms = 'DPoP algs="ES256 ES384 EdDSA Ed25519 PS256 RS256"'
  for (const [terms, challenge] of [
    [undefined, `Bearer, ${algorithms}`],
    [both, `Bearer, ${algorithms}, ApiKey field="X-API-Key"`],
    [{ credentials: ['api-key'] }, 'ApiKey field="X-API-Key"'],
  ] as const) {
    const { call } = await started(t, terms as OperationTerms | undefined)
    assert.equal((await call({})).challenge, challenge)
  }
})

for (const query of [
  `?api_key=${apiKey}`,
  `?apiKey=${'x'.repeat(20)}`,
  `?token=${apiKey}`,
  '?access_token=abc',
  `?a=1&anything=${encodeURIComponent(apiKey)}`,
])
  test(`a credential in the URL is refused, also beside a good one: ${query.slice(0, 14)}…`, async (t) => {
    const { call, upstream } = await started(t, both)
    for (const headers of [{}, bearer, { 'x-api-key': apiKey }]) {
      const answer = await call(headers, query)
      assert.equal(answer.status, 400)
      assert.ok(!answer.body.includes('wl_'))
    }
    assert.equal(upstream.requests.length, 0)
  })

test('a deleted key is refused at once, and a new one works at once beside the old', async (t) => {
  const { call, snapshot } = await started(t, both)
  snapshot.arriving.push(holder({ apiKeys: [held(apiKey, 'crd_k'), held(second, 'crd_k2')] }))
  assert.equal((await call({ 'x-api-key': second })).status, 200)
  assert.equal((await call({ 'x-api-key': apiKey })).status, 200)
  snapshot.put(holder({ apiKeys: [held(second, 'crd_k2')] }))
  const reads = snapshot.reads
  assert.equal((await call({ 'x-api-key': apiKey })).status, 401)
  assert.equal(snapshot.reads, reads)
  snapshot.put(holder({ apiKeys: [held(second, 'crd_k2')], state: 'suspended' }))
  assert.equal((await call({ 'x-api-key': second })).status, 403)
  snapshot.remove(holder())
  assert.equal((await call({ 'x-api-key': second })).status, 401)
})

test('a flood of made-up keys asks the feed seldom, and does not keep good calls waiting', async (t) => {
  const { call, snapshot } = await started(t, both)
  const made = Array.from({ length: 400 }, () => newCheckedText('wl_sbx_key_', 43))
  const answers = Promise.all(made.map((text) => call({ 'x-api-key': text })))
  assert.equal((await call({ 'x-api-key': apiKey })).status, 200)
  assert.ok((await answers).every(({ status }) => status === 401))
  assert.ok(snapshot.reads < 100, `${snapshot.reads} reads`)
  const { reads } = snapshot
  for (let i = 0; i < 5; i += 1) await call({ 'x-api-key': made[0] ?? '' })
  assert.ok(snapshot.reads <= reads + 1)
})

test('without a subscription a key opens nothing', async (t) => {
  const { call, snapshot } = await started(t, both)
  snapshot.remove(subscription(1))
  assert.equal((await call({ 'x-api-key': apiKey })).status, 403)
})
