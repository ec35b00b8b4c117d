import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { testPlatform } from '#platform/testing'
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

const env = { WAYLEAVE_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') }
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
  const { config } = await testPlatform(t, { env })
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
  const { config, database } = await testPlatform(t, { env })
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
