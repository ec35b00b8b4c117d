import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ContractSnapshot } from './snapshot-entries.ts'
import { emitted, member, served, staff, testContracts } from './testing.ts'

/** A partner with its sandbox contract, and the routes over HTTP. */
async function setUp(t: TestContext) {
  const under = await testContracts(t)
  await under.tell('partner.registered', { partnerId: 'prt_1' })
  const call = await served(t, under.platform, under.contracts.routes)
  const list = await call(member('prt_1'), 'GET', '/contracts')
  const [contract] = list.body.items
  const path = `/contracts/${contract.id}`
  const entry = async (): Promise<ContractSnapshot> => {
    const found = await under.contracts.contractEntry(contract.id)
    assert.ok(found !== undefined)
    return found
  }
  const actions = async () =>
    (await emitted(under.platform, 'audit.action')).map((one) => {
      const { action, detail } = one as { action: string; detail: Record<string, unknown> }
      return { action, detail }
    })
  return { ...under, call, contract, path, entry, actions }
}

const phone = { apiId: 'sim-swap/v2', field: 'device.phoneNumber', action: 'mask' }
const area = { apiId: '*', field: 'area', action: 'coarsen', gridMetres: 5_000 }

test('every plan limits spikes and calls at the same moment, in each environment', async (t) => {
  const { contracts, contract, entry } = await setUp(t)
  for (const plan of await contracts.plans()) {
    for (const limits of [plan, plan.sandbox]) {
      assert.ok((limits.concurrency ?? 0) >= 10, plan.name)
      const { spike, rate } = limits
      assert.ok(spike !== undefined && spike.windowMs >= 100 && spike.windowMs <= 1_000, plan.name)
      // What the rate allows in a second must not be out of reach because of the spike.
      const [second] = rate.filter(({ windowSeconds }) => windowSeconds === 1)
      assert.ok((spike.limit * 1_000) / spike.windowMs >= (second?.limit ?? 0), plan.name)
    }
  }
  assert.deepEqual(contract.limits, {
    rate: [{ limit: 20, windowSeconds: 1 }],
    quota: { limit: 10_000, period: 'day' },
    spike: { limit: 20, windowMs: 500 },
    concurrency: 20,
    source: 'plan',
  })
  assert.deepEqual((await entry()).spike, { limit: 20, windowMs: 500 })
  assert.equal((await entry()).concurrency, 20)
  assert.equal((await entry()).masks, undefined)
})

test('masks of a contract are replaced whole, seen by the partner, and told to gateways', async (t) => {
  const { call, path, entry, platform, actions, contract } = await setUp(t)
  const before = (await emitted(platform, 'contract.changed')).length
  const put = await call(staff(), 'PUT', `${path}/masks`, { masks: [phone, area] })
  assert.deepEqual([put.status, put.body], [200, { masks: [phone, area] }])
  assert.deepEqual((await entry()).masks, [phone, area])
  assert.deepEqual((await call(member('prt_1'), 'GET', `${path}/masks`)).body, {
    masks: [phone, area],
  })
  assert.deepEqual((await call(member('prt_1'), 'GET', path)).body.masks, [phone, area])
  assert.deepEqual((await emitted(platform, 'contract.changed')).slice(before), [
    { contractId: contract.id, environment: 'sandbox' },
  ])
  assert.deepEqual((await actions()).at(-1), {
    action: 'contract.masks_replaced',
    detail: {
      before: [],
      after: ['sim-swap/v2 device.phoneNumber: mask', '* area: coarsen to 5000 m'],
    },
  })
  assert.equal((await call(staff(), 'PUT', `${path}/masks`, { masks: [] })).status, 200)
  assert.equal((await entry()).masks, undefined)
})

test('masks are refused whole, with every fault and its place', async (t) => {
  const { call, path, entry } = await setUp(t)
  const answer = await call(staff(), 'PUT', `${path}/masks`, {
    masks: [
      phone,
      { ...phone, action: 'hash' },
      { apiId: 'none/v1', field: 'area', action: 'remove' },
      { apiId: 'sim-swap/v2', field: 'nothing', action: 'remove' },
      { ...area, apiId: 'otp/v1', action: 'hash' },
    ],
  })
  assert.equal(answer.status, 400)
  assert.deepEqual(
    answer.body.violations.map((one: { path: string }) => one.path),
    ['/masks/1/field', '/masks/4/gridMetres', '/masks/2/apiId', '/masks/3/field'],
  )
  assert.equal((await entry()).masks, undefined)
  for (const body of [
    {},
    { masks: [{ ...phone, action: 'hide' }] },
    { masks: [{ ...phone, x: 1 }] },
  ])
    assert.equal((await call(staff(), 'PUT', `${path}/masks`, body)).status, 400)
})

const own = {
  rate: [
    { limit: 500, windowSeconds: 1 },
    { limit: 10_000, windowSeconds: 60 },
  ],
  quota: { limit: 2_000_000, period: 'month' },
  spike: { limit: 100, windowMs: 100 },
  concurrency: 50,
}

test('limits of its own take the place of all limits of the plan, until they are reset', async (t) => {
  const { call, path, entry, actions } = await setUp(t)
  const put = await call(staff(), 'PUT', `${path}/limits`, own)
  assert.deepEqual([put.status, put.body.limits], [200, { ...own, source: 'contract' }])
  const { rate, quota, spike, concurrency } = await entry()
  assert.deepEqual({ rate, quota, spike, concurrency }, own)
  assert.deepEqual((await actions()).at(-1), {
    action: 'contract.limits_replaced',
    detail: {
      rate: '500 in 1 s, 10000 in 60 s',
      quota: '2000000 a month',
      spike: '100 in 100 ms',
      concurrency: '50',
    },
  })
  await call(staff(), 'PUT', `${path}/limits`, { rate: own.rate })
  const bare = await entry()
  assert.deepEqual([bare.quota, bare.spike, bare.concurrency], [undefined, undefined, undefined])
  assert.equal((await call(staff(), 'DELETE', `${path}/limits`)).status, 204)
  assert.equal((await entry()).rate[0]?.limit, 20)
  assert.equal((await call(member('prt_1'), 'GET', path)).body.limits.source, 'plan')
})

test('another plan brings its own limits: what was agreed before is given up', async (t) => {
  const { call, path, entry, actions } = await setUp(t)
  await call(staff(), 'PUT', `${path}/limits`, own)
  const moved = await call(staff(), 'POST', `${path}/plan`, { planId: 'pln_paid' })
  assert.equal(moved.body.limits.source, 'plan')
  assert.equal((await entry()).rate[0]?.limit, 50)
  assert.equal((await actions()).at(-1)?.detail.ownLimits, 'given up')
})

for (const [title, body] of [
  ['no rate', { quota: own.quota }],
  ['an empty list of rates', { rate: [] }],
  [
    'five rates',
    { rate: Array.from({ length: 5 }, (_, i) => ({ limit: 1, windowSeconds: i + 1 })) },
  ],
  ['two rates of one length', { rate: [own.rate[0], own.rate[0]] }],
  ['a rate of nothing', { rate: [{ limit: 0, windowSeconds: 1 }] }],
  ['half a call', { rate: [{ limit: 1.5, windowSeconds: 1 }] }],
  ['a quota of a week', { rate: own.rate, quota: { limit: 5, period: 'week' } }],
  [
    'a spike that is too short to be counted',
    { rate: own.rate, spike: { limit: 5, windowMs: 50 } },
  ],
  ['no calls at the same moment', { rate: own.rate, concurrency: 0 }],
  ['an unknown limit', { rate: own.rate, bandwidth: 5 }],
] as const) {
  test(`refuses limits with ${title}, and keeps the old ones`, async (t) => {
    const { call, path, entry } = await setUp(t)
    const { status } = await call(staff(), 'PUT', `${path}/limits`, body)
    assert.equal(status, 400)
    assert.equal((await entry()).rate[0]?.limit, 20)
  })
}

test('only staff that manages contracts changes terms, and a stranger learns nothing', async (t) => {
  const { call, path } = await setUp(t)
  for (const role of ['engineer', 'auditor'] as const) {
    assert.equal((await call(staff(role), 'PUT', `${path}/masks`, { masks: [] })).status, 403)
    assert.equal((await call(staff(role), 'PUT', `${path}/limits`, own)).status, 403)
    assert.equal((await call(staff(role), 'DELETE', `${path}/limits`)).status, 403)
  }
  const unknown = await call(member('prt_2'), 'GET', '/contracts/ctr_none/masks')
  const foreign = await call(member('prt_2'), 'GET', `${path}/masks`)
  assert.deepEqual([foreign.status, foreign.body], [404, unknown.body])
  assert.equal((await call(staff(), 'PUT', '/contracts/ctr_none/limits', own)).status, 404)
})
