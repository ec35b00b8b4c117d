import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Actor } from '#audit'
import { testPlatform } from '#platform/testing'
import { createCatalog } from './create-catalog.ts'
import type { MaskOfApi } from './mask-faults.ts'
import { parcelDocument, parcelProduct } from './testing.ts'

const operator: Actor = { kind: 'operator', id: 'stf_1', name: 'Op', role: 'product', via: 'token' }
const apiId = 'parcel-tracking/v1'

test('a mask is held against what is published, for one API and for every one', async (t) => {
  const catalog = createCatalog(await testPlatform(t))
  t.after(() => catalog.close())
  await catalog.publish({ document: parcelDocument, product: parcelProduct }, operator)
  const draft = parcelDocument.replace('/parcel-tracking/v1', '/parcel-tracking/v2')
  await catalog.publish({ document: draft, product: `${parcelProduct}state: draft\n` }, operator)
  const cases: [MaskOfApi, 'apiId' | 'field' | undefined, RegExp][] = [
    [{ apiId, field: 'sender', action: 'remove' }, undefined, /^$/],
    [{ apiId: '*', field: 'sender', action: 'mask' }, undefined, /^$/],
    [{ apiId, field: 'phone', action: 'mask' }, undefined, /^$/],
    [{ apiId, field: 'sendr', action: 'mask' }, 'field', /did you mean `sender`/],
    [{ apiId: '*', field: 'sendr', action: 'mask' }, 'field', /in no response of any/],
    [{ apiId, field: 'phone', action: 'remove' }, 'field', /is required in the response 201/],
    [
      { apiId: '*', field: 'phone', action: 'remove' },
      'field',
      /required.*\(parcel-tracking\/v1\)/,
    ],
    [{ apiId, field: 'a..b', action: 'mask' }, 'field', /must be a field path/],
    [{ apiId: 'parcel-tracking/v2', field: 'sender', action: 'mask' }, 'apiId', /not published/],
    [{ apiId: 'none/v1', field: 'sender', action: 'mask' }, 'apiId', /not published/],
  ]
  const found = await catalog.maskFaults(cases.map(([mask]) => mask))
  assert.equal(found.length, cases.length)
  for (const [index, [mask, at, message]] of cases.entries()) {
    assert.equal(found[index]?.at, at, JSON.stringify(mask))
    assert.match(found[index]?.message ?? '', message)
  }
})
