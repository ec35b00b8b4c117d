import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import type { Platform } from '#platform/module'
import { pricePattern } from './price-versions.ts'
import { emitted, member, served, testContracts } from './testing.ts'

const priceRows = async (platform: Platform): Promise<number> => {
  const { rows } = await sql<{ n: number }>`select count(*) as n from contracts.price`.execute(
    platform.database.as<unknown>(),
  )
  return rows[0]?.n ?? -1
}

test('a changed price is a new version for calls from then on; the same price makes none', async (t) => {
  const { platform, world, contracts, tell } = await testContracts(t)
  const priceNow = async () =>
    (await contracts.planEntry('pln_free'))?.prices['sim-swap/v2'] ?? 'none'
  assert.equal(await priceNow(), 'none')
  const rows = await priceRows(platform)
  const setPrice = async (paid: string | undefined) => {
    const api = { apiId: 'sim-swap/v2', scopes: ['sim-swap'], plans: [] }
    world.apis[0] = { ...api, prices: paid === undefined ? {} : { paid } }
    await tell('api.changed', { apiId: 'sim-swap/v2' })
  }
  await setPrice('0.030000000001')
  const first = await contracts.price(await priceNow())
  assert.deepEqual(
    [first?.unit, first?.list, first?.currency, first?.apiId],
    ['0', '0.030000000001', 'EUR', 'sim-swap/v2'],
  )
  assert.equal(await priceRows(platform), rows + 3)
  await setPrice('0.0300000000010'.slice(0, 14))
  await tell('api.changed', { apiId: 'sim-swap/v2' })
  await contracts.prepare()
  assert.equal(await priceRows(platform), rows + 3)
  await setPrice('0.04')
  assert.equal(await priceRows(platform), rows + 6)
  const second = await contracts.price(await priceNow())
  assert.notEqual(second?.priceId, first?.priceId)
  assert.equal(second?.list, '0.04')
  assert.deepEqual(await contracts.price(first?.priceId ?? ''), first)
  await setPrice('0.040')
  assert.equal(await priceRows(platform), rows + 6, '0.040 is 0.04')
  const before = (await emitted(platform, 'plan.changed')).length
  await setPrice(undefined)
  assert.equal(await priceNow(), 'none')
  assert.equal(await priceRows(platform), rows + 6)
  assert.deepEqual((await emitted(platform, 'plan.changed')).slice(before), [
    { planId: 'pln_free' },
    { planId: 'pln_paid' },
    { planId: 'pln_enterprise' },
  ])
})

test('a manifest whose price is not a decimal of 12 places changes nothing', async (t) => {
  const { platform, world, tell } = await testContracts(t)
  const rows = await priceRows(platform)
  for (const paid of ['0.0000000000001', '1e-3', '-1', '', '0,5', '1.', '.5', 'NaN', ' 1']) {
    world.apis[0] = { apiId: 'sim-swap/v2', scopes: ['other'], prices: { paid }, plans: [] }
    await assert.rejects(tell('api.changed', { apiId: 'sim-swap/v2' }), /not a decimal/, paid)
  }
  assert.equal(await priceRows(platform), rows)
})

test('every decimal of up to 18 and 12 digits is a price, and nothing else is', () => {
  const whole = fc.bigInt({ min: 0n, max: 10n ** 18n - 1n })
  const places = fc.stringMatching(/^\d{1,12}$/)
  fc.assert(
    fc.property(whole, fc.option(places), (units, fraction) => {
      assert.match(fraction === null ? `${units}` : `${units}.${fraction}`, pricePattern)
    }),
  )
  fc.assert(
    fc.property(
      fc.string().filter((text) => !/^\d+(\.\d+)?$/.test(text)),
      (text) => {
        assert.doesNotMatch(text, pricePattern)
      },
    ),
  )
})

test('the plans are public, with the price of each API that they offer', async (t) => {
  const { platform, contracts } = await testContracts(t)
  const call = await served(t, platform, contracts.routes)
  const { status, body } = await call({ kind: 'anonymous' }, 'GET', '/plans')
  assert.equal(status, 200)
  assert.deepEqual(
    body.items.map((plan: { name: string }) => plan.name),
    ['free', 'paid', 'enterprise'],
  )
  const [free, paid] = body.items
  assert.deepEqual(
    paid.prices.map((price: { apiId: string; unit: string }) => [price.apiId, price.unit]),
    [
      ['*', '0.0200'],
      ['otp/v1', '0.05'],
      ['sim-swap/v2', '0.0200'],
    ],
  )
  assert.deepEqual(
    free.prices.map((price: { apiId: string; unit: string; list: string }) => [
      price.apiId,
      price.unit,
      price.list,
    ]),
    [
      ['*', '0', '0.0200'],
      ['sim-swap/v2', '0', '0.0200'],
    ],
  )
  assert.equal(paid.sla.credits.length, 3)
  const second = await call(member('prt_1'), 'GET', '/plans?page=2&perPage=2')
  assert.deepEqual(second.body.pagination, { page: 2, perPage: 2, totalCount: 3, totalPages: 2 })
})

test('a new currency of the operator is a new version of every price', async (t) => {
  const { platform, contracts } = await testContracts(t)
  const { createContracts } = await import('./create-contracts.ts')
  const rows = await priceRows(platform)
  const abroad = createContracts(
    { ...platform, config: { ...platform.config, currency: 'KWD' } },
    {
      catalog: { publishedApis: async () => [], maskFaults: async () => [] },
      partners: {
        getApplication: async () => undefined,
        holdApplication: async () => undefined,
        applicationsOf: async () => [],
      },
      identity: { hasVerifiedMember: async () => false },
    },
  )
  await abroad.prepare()
  assert.equal(await priceRows(platform), rows + 3)
  assert.deepEqual(
    (await contracts.plans()).map((plan) => plan.currency),
    ['KWD', 'KWD', 'KWD'],
  )
})
