import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkApi } from './check-api.ts'
import { parcelDocument, parcelProduct, replaced } from './testing.ts'

const coordinates =
  'type: object, properties: { latitude: { type: number }, longitude: { type: number } }'

const document = replaced(parcelDocument, [
  'required: [id, secret, size, phone, code]\n      properties:\n',
  `required: [id, secret, size, phone, code]
      properties:
        names: { type: object, properties: { first: { type: string } } }
        contacts: { type: object, additionalProperties: { type: string } }
        people: { type: object, properties: { kin: { type: object, additionalProperties: { type: string } } } }
        free: { type: object }
        found: { type: object, properties: { at: { type: string, format: date }, how: { type: string, enum: [CELL, WIFI] } } }
        area: { type: object, properties: { areaType: { type: string, enum: [CIRCLE] }, radius: { type: number }, center: { ${coordinates} } } }
        position: { ${coordinates} }
`,
])

const check = (field: string, action: string) =>
  checkApi({
    document,
    product: `${parcelProduct}operations: { announceParcel: { masks: [{ field: '${field}', action: ${action} }] } }\n`,
  })

for (const [field, action] of [
  ['names', 'mask'],
  ['contacts', 'remove'],
  ['people.kin', 'remove'],
  ['area', 'coarsen'],
  ['area.center', 'coarsen'],
  ['position.latitude', 'coarsen'],
  ['found.at', 'coarsen'],
] as const)
  test(`takes ${action} of ${field}`, async () => {
    const checked = await check(field, action)
    assert.ok(checked.ok, JSON.stringify(checked))
  })

for (const [field, actions, message] of [
  ['contacts', ['mask', 'hash', 'coarsen'], /is a map, whose names .* choose remove/],
  ['people', ['mask', 'hash', 'coarsen'], /has `kin` in it, a map/],
  ['free', ['mask', 'hash'], /is a map/],
  ['found', ['coarsen'], /has `how` in it, one of a list of values/],
  ['area.center.latitude', ['coarsen'], /coarsen the whole area/],
  ['area.center.longitude', ['coarsen'], /coarsen the whole area/],
  ['area.center.*', ['coarsen'], /coarsen the whole area/],
] as const)
  for (const action of actions)
    test(`refuses ${action} of ${field}, which would leave what it is to hide or break a promise`, async () => {
      const checked = await check(field, action)
      assert.ok(!checked.ok)
      assert.match(checked.faults.map((fault) => fault.message).join('\n'), message)
    })
