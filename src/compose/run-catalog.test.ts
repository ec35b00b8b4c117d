import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { manualClock } from '#platform/clock'
import { ownInstallation, testPlatform } from '#platform/testing'
import { prepareDatabase } from './prepare-database.ts'
import { runCatalogPublish, runCatalogValidate } from './run-catalog.ts'

const document = (name: string) =>
  JSON.stringify({
    openapi: '3.0.3',
    info: { title: name, version: '1.0.0' },
    servers: [{ url: `{apiRoot}/${name}/v1` }],
    security: [{ openId: [`${name}:read`] }],
    paths: {
      '/things': {
        get: { operationId: 'readThings', responses: { 200: { description: 'Things' } } },
      },
    },
    components: {
      securitySchemes: {
        openId: { type: 'openIdConnect', openIdConnectUrl: 'https://example.com/openid' },
      },
    },
  })

async function installed(t: TestContext) {
  const env = { WAYLEAVE_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') }
  const { config, database } = await testPlatform(t, { env })
  await ownInstallation(database)
  await prepareDatabase(config, database.url)
  return { config, database }
}

const product =
  'domain: Connectivity\nowner: { team: Parcels, contact: parcels@operator.example }\n'

function folders(t: TestContext, manifests: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(path.join(tmpdir(), 'wayleave-publish-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return Object.entries(manifests).map(([name, manifest]) => {
    const folder = path.join(root, name)
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'openapi.json'), document(name))
    writeFileSync(path.join(folder, 'product.yaml'), `${product}${manifest}`)
    return folder
  })
}

const bound = 'operations: { readThings: { weight: 2 } }\n'
const lost = 'deprecation: { sunsetAt: "2999-01-01T00:00:00Z", successor: nothing/v2 }\n'

test('publishing prints every warning, and has them in its data', async (t) => {
  const { config } = await installed(t)
  const [folder = ''] = folders(t, { warned: lost })
  const result = await runCatalogPublish(config, [folder])
  assert.equal(result.exitCode ?? 0, 0)
  assert.match(String(result.text), /^warning: .*product\.yaml:3:\d+ #\/deprecation\/successor /m)
  assert.match(String(result.text), /^warned\/v1 published: it is deprecated$/m)
  const { warnings } = result.data as { warnings: { where: string; file: string }[] }
  assert.deepEqual(
    warnings.map(({ where, file }) => [where, file]),
    [[folder, 'product.yaml']],
  )
})

test('of several folders none is published when the catalog refuses one of them', async (t) => {
  const { config, database } = await installed(t)
  const [good = '', other = ''] = folders(t, { good: bound, other: '' })
  assert.equal((await runCatalogPublish(config, [other])).exitCode ?? 0, 0)
  // Only the catalog knows that this one is in use: the files alone have no fault.
  writeFileSync(path.join(other, 'product.yaml'), `${product}state: draft\n`)
  assert.equal((await runCatalogValidate([good, other])).exitCode, 0)
  const result = await runCatalogPublish(config, [good, other])
  assert.equal(result.exitCode, 1)
  assert.match(
    String(result.text),
    /cannot become a draft again[\s\S]*Nothing was published: 1 fault/,
  )
  const { rows } = await database.pool.query('select id from catalog.api_version')
  assert.deepEqual(rows, [{ id: 'other/v1' }])
})

for (const [title, more, message] of [
  [
    'an end in the past',
    'deprecation: { sunsetAt: "2025-01-01T00:00:00Z" }\n',
    /product\.yaml:3:\d+ #\/deprecation\/sunsetAt is in the past/,
  ],
  [
    'a state that its dates contradict',
    'state: published\ndeprecation: { sunsetAt: "2999-01-01T00:00:00Z" }\n',
    /product\.yaml:3:\d+ #\/state is published, and its deprecation has begun/,
  ],
] as const)
  test(`validating and publishing refuse ${title} in the same words`, async (t) => {
    const { config } = await installed(t)
    const [folder = ''] = folders(t, { dated: more })
    const validated = await runCatalogValidate([folder])
    const published = await runCatalogPublish(config, [folder])
    assert.equal(validated.exitCode, 1)
    assert.equal(published.exitCode, 1)
    assert.match(String(validated.text), message)
    const [apis] = (validated.data as { apis: { faults: object[] }[] }).apis
    const { faults } = published.data as { faults: object[] }
    assert.deepEqual(
      apis?.faults.map((fault) => ({ where: folder, ...fault })),
      faults,
    )
  })

test('the clock that validating is given decides what is past, also beside faults of the document', async (t) => {
  const [folder = ''] = folders(t, {
    dated: 'deprecation: { sunsetAt: "2026-05-01T00:00:00Z" }\n',
  })
  const before = await runCatalogValidate([folder], manualClock('2026-01-01T00:00:00Z'))
  assert.equal(before.exitCode, 0)
  assert.match(String(before.text), /^warning: .*gives partners 120 days/m)
  writeFileSync(path.join(folder, 'openapi.json'), document('dated').replace('"200"', '"2000"'))
  const after = await runCatalogValidate([folder], manualClock('2026-06-01T00:00:00Z'))
  assert.match(String(after.text), /sunsetAt is in the past/)
  assert.match(String(after.text), /^2 faults$/m)
})

test('a version that comes to a catalog after its end is taken as retired', async (t) => {
  const { config } = await installed(t)
  const [folder = ''] = folders(t, {
    ended: 'state: retired\ndeprecation: { sunsetAt: "2025-01-01T00:00:00Z" }\n',
  })
  assert.equal((await runCatalogValidate([folder])).exitCode, 0)
  const published = await runCatalogPublish(config, [folder])
  assert.match(String(published.text), /it is retired/)
})

test('what is derived of a document is noted by validating and publishing, for people and programs', async (t) => {
  const { config } = await installed(t)
  const [folder = ''] = folders(t, { lending: '' })
  const answers = { properties: { loanId: { type: 'string' } }, type: 'object' }
  const answer = (status: number) => ({
    [status]: { description: 'A loan', content: { 'application/json': { schema: answers } } },
  })
  const lending = JSON.parse(document('lending'))
  lending.paths = {
    '/loans': {
      post: {
        operationId: 'lend',
        requestBody: {
          content: {
            'application/json': {
              schema: { type: 'object', properties: { phoneNumber: { type: 'string' } } },
            },
          },
        },
        responses: answer(201),
      },
    },
    '/loans/{loanId}': {
      get: {
        operationId: 'readLoan',
        parameters: [{ name: 'loanId', in: 'path', required: true, schema: { type: 'string' } }],
        responses: answer(200),
      },
    },
  }
  writeFileSync(path.join(folder, 'openapi.json'), JSON.stringify(lending, null, 1))
  const validated = await runCatalogValidate([folder])
  const published = await runCatalogPublish(config, [folder])
  const again = await runCatalogPublish(config, [folder])
  const { apis } = validated.data as { apis: { notes: { path: string; message: string }[] }[] }
  assert.deepEqual(
    apis[0]?.notes.map((note) => [note.path, note.message.slice(0, 40)]),
    [
      ['#/paths/~1loans/post', 'derived: the `loan` that it makes is its'],
      ['#/paths/~1loans/post', 'derived: the subscriber of a call is who'],
      ['#/paths/~1loans~1{loanId}/get', 'derived: `{loanId}` names a `loan`: only'],
    ],
  )
  for (const result of [validated, published, again]) {
    assert.equal(result.exitCode ?? 0, 0)
    assert.equal(
      String(result.text).match(/^note: .*openapi\.json:\d+:\d+ .*derived: /gm)?.length,
      3,
    )
  }
  for (const { data } of [published, again])
    assert.equal((data as { notes: object[] }).notes.length, 3)
})
