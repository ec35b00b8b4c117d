import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { FastifyPluginAsync } from 'fastify'
import { parse } from 'yaml'
import type { Actor } from '#audit'
import { refuseByRole } from '#identity/testing'
import { createHttpServer, type HttpServer } from '#platform/http-server'
import { testPlatform } from '#platform/testing'
import { type Catalog, createCatalog } from './create-catalog.ts'
import { parcelDocument, parcelProduct, replaced } from './testing.ts'

const roles = ['administrator', 'engineer', 'product', 'partner-success', 'auditor'] as const
const staff = (role: (typeof roles)[number]): Actor => ({
  kind: 'operator',
  id: 'stf_1',
  name: 'Op',
  role,
  via: 'token',
})

const mounted =
  (catalog: Catalog): FastifyPluginAsync =>
  async (scope) => {
    await catalog.routes(scope as unknown as HttpServer)
  }

/** The guard belongs to `identity`; here the header says who asks. */
async function setUp(t: TestContext) {
  const platform = await testPlatform(t)
  const catalog = createCatalog(platform)
  t.after(() => catalog.close())
  const server = createHttpServer({ log: platform.log })
  server.decorateRequest('actor')
  server.addHook('onRequest', async (request) => {
    const role = roles.find((one) => one === request.headers['x-role'])
    request.actor = role === undefined ? { kind: 'anonymous' } : staff(role)
    refuseByRole(request)
  })
  await server.register(mounted(catalog), { prefix: '/management/v1' })
  t.after(() => server.close())
  const call = async (
    method: 'GET' | 'POST',
    url: string,
    options: { role?: string; body?: object; accept?: string } = {},
  ) => {
    const response = await server.inject({
      method,
      url: `/management/v1${url}`,
      headers: {
        ...(options.role !== undefined && { 'x-role': options.role }),
        ...(options.accept !== undefined && { accept: options.accept }),
      },
      ...(options.body !== undefined && { payload: options.body }),
    })
    return response
  }
  return { call, platform, catalog }
}

const parcel = { document: parcelDocument, product: parcelProduct }
const version = '/apis/parcel-tracking/versions/v1'

test('POST /apis answers 201 for a new version, 200 for the same and for another text of it', async (t) => {
  const { call } = await setUp(t)
  const created = await call('POST', '/apis', { role: 'product', body: parcel })
  assert.equal(created.statusCode, 201, created.body)
  assert.equal(created.headers.location, `/management/v1${version}`)
  const body = created.json()
  assert.deepEqual(
    [body.id, body.name, body.version, body.lifecycle, body.changed, body.warnings.length],
    ['parcel-tracking/v1', 'parcel-tracking', 'v1', 'published', true, 1],
  )
  const same = await call('POST', '/apis', { role: 'engineer', body: parcel })
  assert.deepEqual([same.statusCode, same.json().changed], [200, false])
  const other = { ...parcel, document: replaced(parcelDocument, ['One parcel', 'A parcel']) }
  const next = await call('POST', '/apis', { role: 'administrator', body: other })
  assert.deepEqual([next.statusCode, next.json().changed], [200, true])
})

test('POST /apis answers 400 with every fault, its file, line and column', async (t) => {
  const { call } = await setUp(t)
  const document = replaced(parcelDocument, ['operationId: readParcel\n', 'x-a: b\n'])
  const response = await call('POST', '/apis', {
    role: 'product',
    body: { document, product: 'domain: Identity\n' },
  })
  assert.equal(response.statusCode, 400)
  const { code, message, violations } = response.json()
  assert.equal(code, 'INVALID_ARGUMENT')
  assert.match(message, /^Nothing was published: there are 2 faults\./)
  assert.deepEqual(
    violations.map((v: { path: string }) => v.path),
    ['openapi.yaml:26:5 #/paths/~1parcels~1{parcelId}/get', 'product.yaml:1:1 #'],
  )
})

test('POST /apis takes a document of the longest length, and none that is longer', async (t) => {
  const { call } = await setUp(t)
  const document = `${parcelDocument}${'# filler that only takes room\n'.repeat(70_000)}`
  const long = { ...parcel, document: document.slice(0, 1_999_000) }
  const accepted = await call('POST', '/apis', { role: 'product', body: long })
  assert.equal(accepted.statusCode, 201, accepted.body.slice(0, 300))
  const longer = { ...parcel, document: document.padEnd(2_000_001, '#') }
  assert.equal((await call('POST', '/apis', { role: 'product', body: longer })).statusCode, 400)
  const endless = { ...parcel, document: '#'.repeat(3_200_000) }
  assert.equal((await call('POST', '/apis', { role: 'product', body: endless })).statusCode, 413)
})

test('POST /apis refuses a body that is not of two texts', async (t) => {
  const { call } = await setUp(t)
  const body = { document: { openapi: '3.0.3' }, products: 'x' }
  const response = await call('POST', '/apis', { role: 'product', body })
  assert.equal(response.statusCode, 400)
  assert.equal(response.json().violations.length, 3)
})

for (const role of ['auditor', 'partner-success']) {
  test(`a member of staff whose role is ${role} changes nothing in the catalog`, async (t) => {
    const { call } = await setUp(t)
    assert.equal((await call('POST', '/apis', { role, body: parcel })).statusCode, 403)
    const change = await call('POST', `${version}/lifecycle`, { role, body: { state: 'retired' } })
    assert.equal(change.statusCode, 403)
  })
}

test('every route that changes something is for operators, the others are public', async (t) => {
  const { platform, catalog } = await setUp(t)
  const access: string[] = []
  const server = createHttpServer({ log: platform.log })
  server.addHook('onRoute', ({ method, url, config }) => {
    if (method !== 'HEAD') access.push(`${String(config?.access)} ${String(method)} ${url}`)
  })
  await server.register(mounted(catalog))
  assert.deepEqual(access, [
    'public GET /purposes',
    'public GET /apis',
    'public GET /apis/:apiName',
    'public GET /apis/:apiName/versions/:version',
    'public GET /apis/:apiName/versions/:version/openapi',
    'api.publish POST /apis',
    'api.change-lifecycle POST /apis/:apiName/versions/:version/lifecycle',
  ])
})

test('a version is shown with its operations, schemas and examples, and without inner addresses', async (t) => {
  const { call } = await setUp(t)
  const product = `${parcelProduct}upstream: { production: 'http://10.0.0.7/api' }\n`
  await call('POST', '/apis', { role: 'product', body: { ...parcel, product } })
  const shown = await call('GET', version)
  assert.equal(shown.statusCode, 200)
  const api = shown.json()
  assert.deepEqual(api.upstreams, { sandbox: 'simulated', production: 'http' })
  assert.ok(!shown.body.includes('10.0.0.7'))
  const announce = api.operations.find(
    (o: { operationId: string }) => o.operationId === 'announceParcel',
  )
  assert.equal(announce.requestBody.mediaType, 'application/json')
  assert.ok(announce.requestBody.example.phone)
  assert.deepEqual(
    announce.responses.map((r: { status: string; examples: unknown[] }) => [
      r.status,
      r.examples.length,
    ]),
    [
      ['201', 1],
      ['4XX', 1],
    ],
  )
  assert.deepEqual(Object.keys(api.schemas.ErrorInfo.properties), ['status', 'code', 'message'])
  const own = await call('GET', version, { role: 'auditor' })
  assert.equal(own.json().upstreams.production, 'http://10.0.0.7/api')
})

test('a draft is for others as if it were not there', async (t) => {
  const { call } = await setUp(t)
  const draft = { ...parcel, product: `${parcelProduct}state: draft\n` }
  await call('POST', '/apis', { role: 'product', body: draft })
  for (const url of ['/apis/parcel-tracking', version, `${version}/openapi`]) {
    const hidden = await call('GET', url)
    const absent = await call('GET', url.replace('parcel', 'parsel'))
    assert.equal(hidden.statusCode, 404)
    assert.deepEqual(hidden.json(), absent.json())
    assert.equal((await call('GET', url, { role: 'auditor' })).statusCode, 200)
  }
  assert.equal((await call('GET', '/apis')).json().pagination.totalCount, 0)
  assert.equal((await call('GET', '/apis?lifecycle=draft')).json().pagination.totalCount, 0)
  assert.equal((await call('GET', '/apis', { role: 'auditor' })).json().pagination.totalCount, 1)
})

test('the list is filtered by domain and lifecycle, in pages', async (t) => {
  const { call } = await setUp(t)
  for (const [name, domain] of [
    ['a-one/v1', 'Identity'],
    ['a-one/v10', 'Identity'],
    ['a-one/v2', 'Identity'],
    ['b-two/v0.5', 'Billing'],
  ] as const) {
    const document = replaced(parcelDocument, ['parcel-tracking/v1', name])
    const product = parcelProduct.replace('Connectivity', domain)
    const made = await call('POST', '/apis', { role: 'product', body: { document, product } })
    assert.equal(made.statusCode, 201, made.body)
  }
  await call('POST', '/apis/b-two/versions/v0.5/lifecycle', {
    role: 'product',
    body: { state: 'retired' },
  })
  const ids = async (query: string): Promise<string[]> =>
    (await call('GET', `/apis${query}`)).json().items.map((item: { id: string }) => item.id)
  assert.deepEqual(await ids(''), ['a-one/v1', 'a-one/v2', 'a-one/v10'])
  assert.deepEqual(await ids('?domain=Billing'), [])
  assert.deepEqual(
    await ids('?domain=Billing,Identity&lifecycle=retired,published&perPage=2&page=2'),
    ['a-one/v10', 'b-two/v0.5'],
  )
  assert.deepEqual(await ids('?page=9'), [])
  assert.equal((await call('GET', '/apis?domain=Bling')).statusCode, 400)
  assert.equal((await call('GET', '/apis?lifecycle=')).statusCode, 400)
  assert.equal((await call('GET', '/apis?order=up')).statusCode, 400)
  const api = (await call('GET', '/apis/a-one')).json()
  assert.deepEqual(
    api.versions.map((v: { version: string }) => v.version),
    ['v1', 'v2', 'v10'],
  )
})

test('the lifecycle moves where it may, and only an operator’s word moves it', async (t) => {
  const { call, platform } = await setUp(t)
  await call('POST', '/apis', { role: 'product', body: parcel })
  const move = async (state: string, more: object = {}): Promise<number> =>
    (await call('POST', `${version}/lifecycle`, { role: 'product', body: { state, ...more } }))
      .statusCode
  const sunsetAt = new Date(Date.now() + 200 * 86_400_000).toISOString()
  assert.equal(await move('deprecated'), 400, 'without an end')
  assert.equal(await move('deprecated', { sunsetAt }), 200)
  assert.equal(await move('deprecated', { sunsetAt }), 200)
  assert.equal(await move('draft'), 409)
  assert.equal(await move('retired'), 200)
  assert.equal(await move('published'), 200)
  assert.equal(await move('gone'), 400)
  assert.equal((await call('GET', version)).json().lifecycle, 'published')
  const unknown = await call('POST', '/apis/no-such/versions/v1/lifecycle', {
    role: 'product',
    body: { state: 'retired' },
  })
  assert.equal(unknown.statusCode, 404)
  const { rows } = await platform.database.pool.query<{ count: number }>(
    `select count(*)::int as count from platform.outbox where type = 'api.changed'`,
  )
  assert.equal(rows[0]?.count, 4, 'one publication and three moves')
})

test('the document is given back as it was written, with the address of a gateway in it', async (t) => {
  const { call, platform } = await setUp(t)
  await call('POST', '/apis', { role: 'product', body: parcel })
  const { url } = platform.config.gateways.sandbox
  const yaml = await call('GET', `${version}/openapi`)
  assert.match(String(yaml.headers['content-type']), /^application\/yaml/)
  assert.equal(
    yaml.body,
    replaced(parcelDocument, ['default: http://localhost:9091', `default: ${JSON.stringify(url)}`]),
  )
  const json = await call('GET', `${version}/openapi?environment=production`, {
    accept: 'application/json',
  })
  const production = platform.config.gateways.production.url
  const expected = parse(parcelDocument)
  expected.servers[0].variables.apiRoot.default = production
  assert.deepEqual(json.json(), expected)
  assert.deepEqual(Object.keys(json.json()), Object.keys(expected))
  const browser = await call('GET', `${version}/openapi`, {
    accept: 'text/html,application/xml;q=0.9,*/*;q=0.8',
  })
  assert.equal(browser.statusCode, 200)
  const none = await call('GET', `${version}/openapi`, { accept: 'image/png' })
  assert.equal(none.statusCode, 406)
})

test('a document whose server has no variable gets the address of its version', async (t) => {
  const { call, platform } = await setUp(t)
  const document = JSON.stringify({
    ...parse(parcelDocument),
    servers: [{ url: 'https://old.example/parcel-tracking/v1' }],
  })
  await call('POST', '/apis', { role: 'product', body: { ...parcel, document } })
  const expected = `${platform.config.gateways.sandbox.url}/parcel-tracking/v1`
  for (const accept of ['application/json', 'application/yaml']) {
    const response = await call('GET', `${version}/openapi`, { accept })
    assert.equal(parse(response.body).servers[0].url, expected)
  }
})
