import assert from 'node:assert/strict'
import { test } from 'node:test'
import { customer, testGateway, testKey, testUpstream } from './testing.ts'
import { payments, simSwap } from './testing-entries.ts'

const key = testKey()

const call = async (url: string, n: number): Promise<{ status: number; message: string }> => {
  const response = await fetch(`${url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.token(n)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ phoneNumber: '+99012345678', maxAge: 24 }),
  })
  const { message = '' } = (await response.json()) as { message?: string }
  return { status: response.status, message }
}

test('a rate that an API sets is for each contract on its own, and a refused call takes no place of the contract', async (t) => {
  const upstream = await testUpstream(t)
  const api = { ...simSwap(upstream.url), rate: [{ limit: 3, windowSeconds: 60 }] }
  const terms = { rate: [{ limit: 5, windowSeconds: 60 }] }
  const { url } = await testGateway(t, [
    api,
    payments(upstream.url),
    key.entry,
    ...customer(1, terms),
    ...customer(2, terms),
  ])
  const first = await Promise.all(Array.from({ length: 8 }, () => call(url, 1)))
  assert.equal(first.filter(({ status }) => status === 200).length, 3)
  assert.equal(first.filter(({ status }) => status === 429).length, 5)
  assert.match((await call(url, 1)).message, /5 in 60 s, and 3 in 60 s of sim-swap\/v2/)
  assert.equal((await call(url, 2)).status, 200)
  const response = await fetch(`${url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'application/json' },
    body: '{}',
  })
  assert.match(response.headers.get('ratelimit') ?? '', /"60s";r=2/)
  await response.text()
})

test('a production call whose legal basis is consent is refused without one, and never reaches the upstream', async (t) => {
  const upstream = await testUpstream(t)
  const api = { ...simSwap(upstream.url), consent: 'consent' as const }
  const entries = [api, key.entry, ...customer(1)]
  const production = await testGateway(t, entries, { environment: 'production' })
  const refused = await call(production.url, 1)
  assert.equal(refused.status, 403)
  assert.match(refused.message, /rests on consent/)
  assert.equal(upstream.requests.length, 0)
  const sandbox = await testGateway(t, entries)
  assert.equal((await call(sandbox.url, 1)).status, 200)
})
