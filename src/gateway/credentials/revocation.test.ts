import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineClock } from '#platform/testing-clock'
import {
  application,
  contract,
  customer,
  subscription,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

const key = testKey()
type Context = Parameters<typeof testUpstream>[0]

async function setup(t: Context) {
  const upstream = await testUpstream(t)
  const { url, snapshot } = await testGateway(t, [simSwap(upstream.url), key.entry, ...customer(1)])
  const token = key.token(1)
  const now = await machineClock()
  const call = async (): Promise<{ status: number; ms: number }> => {
    const startedAt = now()
    const response = await fetch(`${url}/sim-swap/v2/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ phoneNumber: '+99012345678', maxAge: 24 }),
    })
    await response.text()
    return { status: response.status, ms: now() - startedAt }
  }
  assert.equal((await call()).status, 200)
  return { snapshot, call }
}

/** Far below what a call waits that may be ahead of the feed. */
const atOnceMs = 700

for (const [what, status, change] of [
  ['a credential is deleted', 401, [application(1, { credentialIds: ['crd_other'] })]],
  ['the application is suspended', 403, [application(1, { state: 'suspended' })]],
  ['the contract is suspended', 403, [contract(1, { state: 'suspended' })]],
  ['the subscription is suspended', 403, [subscription(1, { state: 'suspended' })]],
] as const) {
  test(`when ${what}, a token of a moment ago is refused at once`, async (t) => {
    const { snapshot, call } = await setup(t)
    snapshot.put(...change)
    const refused = await call()
    assert.equal(refused.status, status)
    assert.ok(refused.ms < atOnceMs, `${refused.ms} ms`)
  })
}

for (const [what, status, entry] of [
  ['the application is deleted', 401, application(1)],
  ['the contract has ended', 403, contract(1)],
  ['the subscription has ended', 403, subscription(1)],
] as const) {
  test(`when ${what}, a token of a moment ago is refused at once`, async (t) => {
    const { snapshot, call } = await setup(t)
    snapshot.remove(entry)
    const refused = await call()
    assert.equal(refused.status, status)
    assert.ok(refused.ms < atOnceMs, `${refused.ms} ms`)
  })
}
