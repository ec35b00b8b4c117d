import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diskFiles } from '#journal'
import { eventually, openTestJournal } from '#journal/testing'
import { testFolder } from '#platform/testing-folder'
import { customer, type TestGateway, testGateway, testKey, testUpstream } from './testing.ts'
import { simSwap } from './testing-entries.ts'

type Context = Parameters<typeof testUpstream>[0]
type Unrecorded = 'refuse' | 'serve-free'

const key = testKey()

/** A gateway with a free and a paid customer, and a disk that can be full. */
async function setUp(t: Context, unrecorded: Unrecorded) {
  const upstream = await testUpstream(t)
  const disk = { full: false }
  const write: typeof diskFiles.write = (...args) => {
    if (!disk.full) return diskFiles.write(...args)
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  }
  const journal = await openTestJournal(testFolder(t), { files: { ...diskFiles, write } })
  const entries = [simSwap(upstream.url), key.entry, ...customer(1, { tier: 'free' })]
  const paid = customer(2, { tier: 'paid' })
  const gateway = await testGateway(t, [...entries, ...paid], { journal, limits: { unrecorded } })
  return { upstream, disk, journal, gateway }
}

async function call(gateway: TestGateway, customerNumber: number): Promise<number> {
  const response = await fetch(`${gateway.url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key.token(customerNumber)}`,
      'content-type': 'application/json',
    },
    body: '{"phoneNumber":"+99012345678"}',
  })
  await response.body?.cancel()
  if (response.status === 503) assert.equal(response.headers.get('retry-after'), '1')
  return response.status
}

test('a full disk refuses every call before it acts, and all are served again when there is room', async (t) => {
  const { upstream, disk, gateway } = await setUp(t, 'refuse')
  assert.deepEqual([await call(gateway, 1), await call(gateway, 2)], [200, 200])
  disk.full = true
  // The first to find out has been served, and is told that it was not: it is not billed.
  assert.equal(await call(gateway, 2), 503)
  const acted = upstream.requests.length
  assert.deepEqual([await call(gateway, 1), await call(gateway, 2)], [503, 503])
  assert.equal(upstream.requests.length, acted)
  assert.equal(gateway.gateway.ready(), false)
  disk.full = false
  await eventually(() => gateway.gateway.ready())
  assert.deepEqual([await call(gateway, 1), await call(gateway, 2)], [200, 200])
})

test('where the operator wants it, a full disk refuses paid contracts and lets free ones go on', async (t) => {
  const { upstream, disk, journal, gateway } = await setUp(t, 'serve-free')
  disk.full = true
  assert.equal(await call(gateway, 2), 503)
  await eventually(() => !journal.healthy())
  const acted = upstream.requests.length
  assert.deepEqual([await call(gateway, 1), await call(gateway, 2)], [200, 503])
  assert.equal(upstream.requests.length, acted + 1)
  assert.equal(gateway.gateway.ready(), true)
})
