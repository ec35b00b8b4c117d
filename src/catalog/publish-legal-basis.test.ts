import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Actor } from '#audit'
import { testPlatform } from '#platform/testing'
import { checkApi } from './check-api.ts'
import { createCatalog } from './create-catalog.ts'
import { createLegalBases } from './legal-basis.ts'
import type { CatalogTables } from './tables.ts'
import { parcelDocument, parcelProduct } from './testing.ts'

const operator: Actor = { kind: 'operator', id: 'stf_1', name: 'Op', role: 'product', via: 'token' }
const fraud = 'dpv:FraudPreventionAndDetection'
const service = 'dpv:RequestedServiceProvision'
const manifest = (consent: string): string => `${parcelProduct}consent: ${consent}\n`

for (const [title, consent, message] of [
  ['a purpose that does not exist', '{ basis: contract, purposes: [dpv:Fraud] }', /no purpose/],
  [
    'a purpose without its prefix',
    '{ basis: contract, purposes: [FraudPreventionAndDetection] }',
    /did you mean `dpv:FraudPreventionAndDetection`/,
  ],
  [
    'the old form of a purpose',
    "{ basis: contract, purposes: ['dpv:FraudPreventionAndDetection#parcels'] }",
    /old form/,
  ],
  ['a purpose twice', `{ basis: contract, purposes: [${fraud}, ${fraud}] }`, /each once/],
  ['no purpose at all', '{ basis: contract, purposes: [] }', /must list purposes/],
  [
    'a scope that no operation asks for',
    '{ basis: contract, rules: [{ scopes: [parcel-tracking:reed], basis: consent }] }',
    /did you mean `parcel-tracking:read`/,
  ],
  [
    'a rule for a purpose that is not allowed',
    `{ basis: contract, purposes: [${fraud}], rules: [{ purposes: [${service}], basis: consent }] }`,
    /not among `consent.purposes`/,
  ],
  [
    'a rule that names nothing',
    '{ basis: contract, rules: [{ basis: consent }] }',
    /neither purposes nor scopes/,
  ],
  [
    'a rule that never holds',
    `{ basis: contract, rules: [{ purposes: [${fraud}], basis: consent }, { purposes: [${fraud}], scopes: ['parcel-tracking:read'], basis: contract }] }`,
    /never holds/,
  ],
  [
    'an end of consents that there are none of',
    '{ basis: contract, expiresAfterDays: 30 }',
    /nothing here rests on one/,
  ],
  ['a consent of no days', '{ basis: consent, expiresAfterDays: 0 }', /from 1 to 3650/],
  ['an unknown key of a rule', '{ basis: contract, rule: [] }', /did you mean `rules`/],
  ['nothing allowed as its basis', '{ basis: not-allowed }', /must be one of contract/],
] as const) {
  test(`refuses a legal basis with ${title}, and says where`, async () => {
    const checked = await checkApi({ document: parcelDocument, product: manifest(consent) })
    assert.ok(!checked.ok)
    assert.equal(checked.faults.length, 1, JSON.stringify(checked.faults))
    assert.match(checked.faults[0]?.message ?? '', message)
    assert.match(checked.faults[0]?.path ?? '', /^#\/consent/)
  })
}

async function setUp(t: TestContext) {
  const platform = await testPlatform(t)
  const catalog = createCatalog(platform)
  t.after(() => catalog.close())
  const publish = async (consent: string, version = 'v1') => {
    const document = parcelDocument.replaceAll('/parcel-tracking/v1', `/parcel-tracking/${version}`)
    const result = await catalog.publish({ document, product: manifest(consent) }, operator)
    assert.ok(!('faults' in result), JSON.stringify(result))
    return result.warnings.filter(({ path }) => path === '#/consent').map(({ message }) => message)
  }
  return { platform, catalog, publish, ...createLegalBases(platform) }
}

test('says the legal basis of a scope for a purpose, and nothing of a scope that nobody publishes', async (t) => {
  const { publish, legalBasisOf, catalog } = await setUp(t)
  await publish(
    `{ basis: legitimate-interest, purposes: [${fraud}, ${service}], rules: [{ purposes: [${service}], scopes: ['parcel-tracking:read'], basis: consent, expiresAfterDays: 9 }] }`,
  )
  const ask = (scope: string, purpose?: string) => legalBasisOf('production', scope, purpose)
  const apiId = 'parcel-tracking/v1'
  assert.deepEqual(await ask('parcel-tracking:read', fraud), {
    apiId,
    basis: 'legitimate-interest',
  })
  const consented = { apiId, basis: 'consent', expiresAfterDays: 9 }
  assert.deepEqual(await ask('parcel-tracking:read', service), consented)
  assert.deepEqual(await ask('parcel-tracking:read'), consented)
  assert.deepEqual(await ask('parcel-tracking:write'), { apiId, basis: 'legitimate-interest' })
  for (const none of ['dpv:Marketing', 'dpv:Nothing', '__proto__', "dpv:x'; drop", ''])
    assert.deepEqual(await ask('parcel-tracking:read', none), { apiId, basis: 'not-allowed' })
  for (const none of ['parcel-tracking', 'nobody:knows', '{a,b}', "'"]) {
    const found = await ask(none, fraud)
    assert.equal(found?.basis, none === 'parcel-tracking' ? 'legitimate-interest' : undefined)
  }
  const entry = await catalog.apiEntry(apiId, 'production')
  assert.equal(entry?.consent, 'consent')
  assert.equal(entry?.bases?.['parcel-tracking:read']?.purposes[service]?.basis, 'consent')
})

test('of two versions with one scope the stricter basis counts among those that allow the purpose', async (t) => {
  const { platform, publish, legalBasisOf } = await setUp(t)
  await publish(`{ basis: contract, purposes: [${fraud}, ${service}] }`)
  await publish(`{ basis: consent, purposes: [${fraud}] }`, 'v2')
  const ask = (purpose: string) => legalBasisOf('sandbox', 'parcel-tracking:read', purpose)
  assert.deepEqual(await ask(fraud), { apiId: 'parcel-tracking/v2', basis: 'consent' })
  assert.deepEqual(await ask(service), { apiId: 'parcel-tracking/v1', basis: 'contract' })
  const db = platform.database.as<CatalogTables>()
  await db
    .updateTable('catalog.api_version')
    .set({ lifecycle: 'retired' })
    .where('id', '=', 'parcel-tracking/v2')
    .execute()
  assert.deepEqual(await ask(fraud), { apiId: 'parcel-tracking/v1', basis: 'contract' })
})

test('what an older compiler stored has one basis for everything until it is compiled again', async (t) => {
  const { platform, publish, legalBasisOf } = await setUp(t)
  await publish('{ basis: consent }')
  await platform.database
    .as<CatalogTables>()
    .updateTable('catalog.api_version')
    .set({ bases: null })
    .execute()
  const found = await legalBasisOf('sandbox', 'parcel-tracking:read', fraud)
  assert.deepEqual(found, { apiId: 'parcel-tracking/v1', basis: 'consent' })
})

test('a new text that takes a purpose away or asks for a consent is published with a warning for each scope', async (t) => {
  const { publish } = await setUp(t)
  assert.deepEqual(await publish('{ basis: contract }'), [])
  const warned = await publish(`{ basis: contract, purposes: [${fraud}] }`)
  assert.ok(warned.length > 0)
  assert.match(
    warned[0] ?? '',
    /may not be used any more for dpv:AcademicResearch, .* and 91 others/,
  )
  const asked = await publish(`{ basis: consent, purposes: [${fraud}] }`)
  assert.match(asked[0] ?? '', /now needs the subscriber’s consent for dpv:FraudPrevention/)
  assert.deepEqual(await publish(`{ basis: contract, purposes: [${fraud}, ${service}] }`), [])
})
