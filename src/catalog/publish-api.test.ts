import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Actor } from '#audit'
import type { Platform } from '#platform/module'
import { testPlatform } from '#platform/testing'
import { type Catalog, createCatalog } from './create-catalog.ts'
import type { PublishResult } from './publish-api.ts'
import type { CatalogTables } from './tables.ts'
import { parcelDocument, parcelProduct, replaced } from './testing.ts'

const operator: Actor = { kind: 'operator', id: 'stf_1', name: 'Op', role: 'product', via: 'token' }
const parcel = { document: parcelDocument, product: parcelProduct }
const apiId = 'parcel-tracking/v1'

async function setUp(t: TestContext): Promise<{ platform: Platform; catalog: Catalog }> {
  const platform = await testPlatform(t)
  const catalog = createCatalog(platform)
  t.after(() => catalog.close())
  return { platform, catalog }
}

const eventsOf = async (platform: Platform): Promise<string[]> => {
  const { rows } = await platform.database.pool.query<{ type: string; action: string | null }>(
    `select type, payload ->> 'action' as action from platform.outbox order by position`,
  )
  return rows.map(({ type, action }) => action ?? type)
}

const revisionsOf = (platform: Platform) =>
  platform.database
    .as<CatalogTables>()
    .selectFrom('catalog.api_revision')
    .select(['api_id', 'revision', 'document', 'published_by'])
    .orderBy('revision')
    .execute()

function accepted(result: PublishResult) {
  assert.ok(!('faults' in result), JSON.stringify(result))
  return result
}

const changed = { ...parcel, document: replaced(parcelDocument, ['One parcel', 'A parcel']) }

test('publishes once: the same two texts again change nothing and tell nobody', async (t) => {
  const { platform, catalog } = await setUp(t)
  const first = accepted(await catalog.publish(parcel, operator))
  assert.deepEqual([first.apiId, first.created, first.changed], [apiId, true, true])
  const again = accepted(await catalog.publish(parcel, operator))
  assert.deepEqual([again.created, again.changed, again.eventId], [false, false, undefined])
  assert.deepEqual(await eventsOf(platform), ['api.published', 'api.changed'])
  const next = accepted(await catalog.publish(changed, operator))
  assert.deepEqual([next.created, next.changed], [false, true])
  assert.deepEqual(await eventsOf(platform), [
    ...['api.published', 'api.changed'],
    ...['api.updated', 'api.changed'],
  ])
  const revisions = await revisionsOf(platform)
  assert.deepEqual(
    revisions.map((r) => [r.revision, r.document === parcelDocument, r.published_by]),
    [
      [1, true, 'stf_1'],
      [2, false, 'stf_1'],
    ],
  )
})

test('publishes nothing of an API that has one fault', async (t) => {
  const { platform, catalog } = await setUp(t)
  const broken = replaced(parcelDocument, ['operationId: readParcel\n', 'x-a: b\n'])
  const result = await catalog.publish({ ...parcel, document: broken }, operator)
  assert.ok('faults' in result && result.faults.length === 1)
  assert.equal(await catalog.get(apiId), undefined)
  assert.deepEqual(await eventsOf(platform), [])
  accepted(await catalog.publish(parcel, operator))
  await catalog.publish({ ...parcel, document: broken }, operator)
  assert.equal((await catalog.get(apiId))?.operations[0]?.operationId, 'readParcel')
})

test('serves what is published from the document, in its order and by environment', async (t) => {
  const { catalog } = await setUp(t)
  const product = `${parcelProduct}upstream: { production: 'https://core.example/api/' }\ntimeoutMs: 900\nconsent: { basis: consent }\nlimits: { rate: [{ limit: 5, windowSeconds: 1 }] }\n`
  accepted(await catalog.publish({ ...parcel, product }, operator))
  const sandbox = await catalog.apiEntry(apiId, 'sandbox')
  const production = await catalog.apiEntry(apiId, 'production')
  assert.deepEqual(sandbox?.upstream, { kind: 'simulated', timeoutMs: 900 })
  assert.deepEqual(production?.upstream, {
    kind: 'http',
    targets: [{ url: 'https://core.example/api' }],
    timeoutMs: 900,
  })
  assert.equal(production?.consent, 'consent')
  assert.deepEqual(production?.rate, [{ limit: 5, windowSeconds: 1 }])
  assert.deepEqual(Object.keys(Object(production?.schemas.ErrorInfo).properties), [
    ...['status', 'code', 'message'],
  ])
  // What only people read would cost every gateway memory.
  assert.ok(!JSON.stringify(sandbox?.schemas).includes('"examples"'))
  assert.ok(JSON.stringify((await catalog.get(apiId))?.schemas).includes('"examples"'))
})

test('an API without a production upstream is not served in production, and says so', async (t) => {
  const { catalog } = await setUp(t)
  accepted(await catalog.publish(parcel, operator))
  assert.equal((await catalog.apiEntry(apiId, 'production'))?.upstream.kind, 'none')
})

test('tells contracts scopes, plans and prices of what partners may subscribe to', async (t) => {
  const { catalog } = await setUp(t)
  const product = `${parcelProduct}plans: [free, paid]\nprices: { paid: 0.0200 }\n`
  accepted(await catalog.publish({ ...parcel, product }, operator))
  assert.deepEqual(await catalog.publishedApis(), [
    {
      apiId,
      scopes: [
        'parcel-tracking',
        'parcel-tracking:delete',
        'parcel-tracking:read',
        'parcel-tracking:write',
      ],
      prices: { paid: '0.0200' },
      plans: ['free', 'paid'],
    },
  ])
})

test('a draft is served nowhere, and what was published cannot become one', async (t) => {
  const { catalog } = await setUp(t)
  const draft = { ...parcel, product: `${parcelProduct}state: draft\n` }
  assert.equal(accepted(await catalog.publish(draft, operator)).lifecycle, 'draft')
  assert.equal(await catalog.apiEntry(apiId, 'sandbox'), undefined)
  assert.deepEqual(await catalog.publishedApis(), [])
  assert.deepEqual(await catalog.list(), [])
  // A manifest without a state leaves it as it is.
  assert.equal(accepted(await catalog.publish(parcel, operator)).lifecycle, 'draft')
  const published = { ...parcel, product: `${parcelProduct}state: published\n` }
  assert.equal(accepted(await catalog.publish(published, operator)).lifecycle, 'published')
  const back = await catalog.publish(draft, operator)
  assert.ok('faults' in back)
  assert.deepEqual([back.faults[0]?.file, back.faults[0]?.line], ['product.yaml', 5])
  assert.equal((await catalog.apiEntry(apiId, 'sandbox'))?.lifecycle, 'published')
})

test('publications of one version at the same time happen one after the other', async (t) => {
  const { platform, catalog } = await setUp(t)
  const texts = Array.from({ length: 8 }, (_, i) => ({
    ...parcel,
    document: replaced(parcelDocument, ['One parcel', `Parcel ${i % 4}`]),
  }))
  const others = createCatalog(platform)
  t.after(() => others.close())
  const results = await Promise.all(
    texts.map((files, i) => (i % 2 === 0 ? catalog : others).publish(files, operator)),
  )
  assert.equal(results.filter((r) => accepted(r).created).length, 1)
  const revisions = await revisionsOf(platform)
  const wrote = results.filter((r) => accepted(r).changed).length
  assert.deepEqual(
    revisions.map((r) => r.revision),
    Array.from({ length: wrote }, (_, i) => i + 1),
  )
  const told = (await eventsOf(platform)).filter((event) => event === 'api.changed')
  assert.equal(told.length, wrote)
})

function packWith(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-pack-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), text)
  }
  return folder
}

test('the operator pack is loaded as far as it is sound, and again only where it is new', async (t) => {
  const { platform, catalog } = await setUp(t)
  const folder = packWith(t, {
    'parcels/api.yml': parcelDocument,
    'parcels/product.yaml': parcelProduct,
    'broken/openapi.yaml': 'openapi: 3.0.3',
    'broken/product.yaml': parcelProduct,
    'empty/readme.txt': 'nothing',
  })
  const first = await catalog.loadPack(folder)
  assert.deepEqual(
    first.map(({ folder: name, result }) => [name, 'faults' in result, 'message' in result]),
    [
      ['broken', true, false],
      ['empty', false, true],
      ['parcels', false, false],
    ],
  )
  assert.equal((await catalog.list()).length, 1)
  // What an operator has published since stays.
  accepted(await catalog.publish(changed, operator))
  await catalog.loadPack(folder)
  assert.equal((await catalog.get(apiId))?.operations[0]?.summary, 'A parcel')
  assert.equal((await revisionsOf(platform)).length, 2)
  writeFileSync(
    path.join(folder, 'parcels/api.yml'),
    replaced(parcelDocument, ['One parcel', 'The parcel']),
  )
  await catalog.loadPack(folder)
  assert.equal((await catalog.get(apiId))?.operations[0]?.summary, 'The parcel')
})

test('a pack that is not there is an empty one', async (t) => {
  const { catalog } = await setUp(t)
  assert.deepEqual(await catalog.loadPack('/no/such/folder'), [])
})

test('what an older compiler made is made again, without a new revision', async (t) => {
  const { platform, catalog } = await setUp(t)
  accepted(await catalog.publish(parcel, operator))
  await platform.database.pool.query(
    `update catalog.api_version set compiler_version = 0, compiled = '{"upstream":{}}'`,
  )
  await catalog.loadPack('/no/such/folder')
  assert.equal((await catalog.apiEntry(apiId, 'sandbox'))?.operations.length, 3)
  assert.equal((await revisionsOf(platform)).length, 1)
  const told = (await eventsOf(platform)).filter((event) => event === 'api.changed')
  assert.equal(told.length, 2)
})
