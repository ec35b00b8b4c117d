import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { checkApi } from './check-api.ts'
import type { CompiledApi } from './compiled-api.ts'
import type { JsonSchema, SnapshotOperation } from './entry.ts'
import { recordOf, valueAt } from './json.ts'
import { parcelDocument, parcelProduct, replaced } from './testing.ts'

async function compiled(document = parcelDocument, product = parcelProduct): Promise<CompiledApi> {
  const result = await checkApi({ document, product })
  assert.ok(result.ok, JSON.stringify(result.ok ? '' : result.faults))
  return result.api
}

const operation = (api: CompiledApi, id: string): SnapshotOperation => {
  const found = api.operations.find((one) => one.operationId === id)
  assert.ok(found, id)
  return found
}

/** As a gateway compiles it: alone, with every definition beside it. */
function validatorOf(api: CompiledApi, schema: JsonSchema | undefined) {
  assert.ok(schema !== undefined)
  const ajv = addFormats.default(new Ajv2020({ strict: false }))
  return ajv.compile({ allOf: [schema], $defs: api.schemas })
}

const requestOf = (api: CompiledApi, id: string) =>
  validatorOf(api, operation(api, id).requestBody?.content['application/json'])

const answerOf = (api: CompiledApi, id: string, status: string) =>
  validatorOf(
    api,
    operation(api, id).responses.find((r) => r.status === status)?.content['application/json'],
  )

const id = '123e4567-e89b-42d3-a456-426614174000'

test('operations have their address, parameters of the path included, and callbacks are none', async () => {
  const api = await compiled()
  assert.equal(api.basePath, '/parcel-tracking/v1')
  assert.deepEqual(
    api.operations.map((one) => `${one.method} ${one.path} ${one.operationId}`),
    [
      'GET /parcels/{parcelId} readParcel',
      'DELETE /parcels/{parcelId} forgetParcel',
      'POST /parcels announceParcel',
    ],
  )
  const parameters = operation(api, 'readParcel').parameters
  assert.deepEqual(
    parameters.map((p) => [p.in, p.name, p.required, p.explode]),
    [
      ['header', 'x-correlator', false, undefined],
      ['query', 'fields', false, false],
      ['path', 'parcelId', true, undefined],
      ['query', 'lang', false, undefined],
    ],
  )
})

test('scopes are alternatives of sets; an alternative without scopes does not open what others close', async () => {
  const api = await compiled()
  assert.deepEqual(operation(api, 'readParcel').scopes, [['parcel-tracking:read']])
  assert.deepEqual(operation(api, 'forgetParcel').scopes, [
    ['parcel-tracking:write', 'parcel-tracking:delete'],
    ['parcel-tracking'],
  ])
  assert.deepEqual(api.scopes, [
    'parcel-tracking',
    'parcel-tracking:delete',
    'parcel-tracking:read',
    'parcel-tracking:write',
  ])
})

test('the manifest overrides scopes and billing by operation', async () => {
  const api = await compiled(
    parcelDocument,
    `${parcelProduct}scopes: { readParcel: [[a, b], [c]] }\nbillable: { readParcel: never }\n`,
  )
  assert.deepEqual(operation(api, 'readParcel').scopes, [['a', 'b'], ['c']])
  assert.equal(operation(api, 'readParcel').billable, 'never')
  assert.equal(operation(api, 'forgetParcel').billable, 'success')
})

test('every schema compiles, and refers only to definitions that are there', async () => {
  const api = await compiled()
  const text = JSON.stringify([api.operations, api.schemas])
  for (const [, name] of text.matchAll(/"#\/\$defs\/([^"]+)"/g))
    assert.ok(name !== undefined && name in api.schemas, String(name))
  assert.ok(!/"(nullable|xml|\$id)"|#\/components/.test(text))
  for (const one of api.operations) {
    for (const response of one.responses) {
      for (const schema of Object.values(response.content)) validatorOf(api, schema)
    }
  }
})

test('a discriminator decides which of the extending schemas holds, at any depth', async () => {
  const accepts = answerOf(await compiled(), 'readParcel', '200')
  assert.equal(accepts({ kind: 'LETTER', id, pages: 2 }), true)
  assert.equal(accepts({ kind: 'LETTER', id }), false)
  assert.equal(accepts({ kind: 'LETTER', id, pages: 0 }), false, 'exclusiveMinimum of 3.0')
  assert.equal(accepts({ kind: 'BOX', id, weight: 3.5 }), true)
  assert.equal(accepts({ kind: 'BOX', id, pages: 2 }), false)
  assert.equal(accepts({ kind: 'BOX', id, weight: 1, inside: [{ kind: 'LETTER', id }] }), false)
  assert.equal(
    accepts({ kind: 'BOX', id, weight: 1, inside: [{ kind: 'LETTER', id, pages: 1 }] }),
    true,
  )
})

test('a nullable property may be null, and nothing else that its type forbids', async () => {
  const accepts = answerOf(await compiled(), 'readParcel', '200')
  assert.equal(accepts({ kind: 'LETTER', id, pages: 2, sender: null }), true)
  assert.equal(accepts({ kind: 'LETTER', id, pages: 2, sender: 5 }), false)
  assert.equal(accepts({ kind: 'LETTER', id, pages: 2, sender: 'x' }), false)
})

test('a read-only property is not demanded of a request, and a write-only one is no part of an answer', async () => {
  const api = await compiled()
  const body = { secret: 'long enough', size: 'M', phone: '+990123456789', code: 'AB-123' }
  const request = requestOf(api, 'announceParcel')
  assert.equal(request(body), true)
  assert.equal(request({ ...body, secret: undefined }), false)
  const answer = answerOf(api, 'announceParcel', '201')
  assert.equal(answer({ ...body, secret: undefined, id: 'p-1' }), true)
  assert.equal(answer(body), false, 'an answer has its id')
  const shown = recordOf(valueAt(api.schemas, ['NewParcel.response', 'properties']))
  assert.ok(!('secret' in shown))
})

test('oneOf with a discriminator takes the alternative that the property names', async () => {
  const document = replaced(
    parcelDocument,
    [
      '          oneOf:\n            - { type: object, required: [litres], properties: { litres: { type: integer } } }\n            - { type: string, enum: [S, M, L] }',
      "          oneOf: [{ $ref: '#/components/schemas/Round' }, { $ref: '#/components/schemas/Flat' }]\n          discriminator: { propertyName: shape, mapping: { ROUND: Round } }",
    ],
    [
      '    XCorrelator:',
      '    Round: { type: object, required: [shape, radius], properties: { shape: { type: string }, radius: { type: number } } }\n    Flat: { type: object, required: [shape], properties: { shape: { type: string } } }\n    XCorrelator:',
    ],
  )
  const api = await compiled(document)
  const request = requestOf(api, 'announceParcel')
  const body = { secret: 'long enough', phone: '+990123456789', code: 'AB-123' }
  // As plain `oneOf` a round one would be a flat one too, and so neither.
  assert.equal(request({ ...body, size: { shape: 'ROUND', radius: 1 } }), true)
  assert.equal(request({ ...body, size: { shape: 'ROUND' } }), false)
  assert.equal(request({ ...body, size: { shape: 'Flat' } }), true)
  assert.equal(request({ ...body, size: { shape: 'OVAL' } }), false)
  assert.equal(request({ ...body, size: {} }), false)
})

test('media types lose their parameters, and what people read stays in order', async () => {
  const api = await compiled()
  assert.deepEqual(Object.keys(operation(api, 'announceParcel').requestBody?.content ?? {}), [
    'application/json',
  ])
  const statuses = operation(api, 'readParcel').responses.map((r) => r.status)
  assert.deepEqual(statuses, ['200', '404', 'default'])
})

test('every status has one example, success first, each accepted by its own schema', async () => {
  const api = await compiled()
  const examples = Object.fromEntries(
    api.operations.map((one) => [
      one.operationId,
      one.examples.map((e) => `${e.status} ${e.name}`),
    ]),
  )
  assert.deepEqual(examples, {
    readParcel: ['200 letter', '404 NOT_FOUND', '500 generated'],
    forgetParcel: ['204 empty', '404 NOT_FOUND'],
    announceParcel: ['201 generated', '400 NOT_FOUND'],
  })
  for (const one of api.operations) {
    for (const example of one.examples) {
      const response = one.responses.find((r) =>
        [String(example.status), '4XX', 'default'].includes(r.status),
      )
      const schema = response?.content['application/json']
      if (schema === undefined) assert.equal(example.body, undefined)
      else assert.ok(validatorOf(api, schema)(example.body), JSON.stringify(example))
    }
  }
  const etag = operation(api, 'readParcel').examples[0]?.headers.etag ?? ''
  assert.match(etag, /^"[a-f0-9]{8}"$/)
})

test('an example that its schema does not accept is shown to nobody', async () => {
  const api = await compiled()
  const read = api.documentation.find((one) => one.operationId === 'readParcel')
  assert.deepEqual(
    read?.responses[0]?.examples.map((e) => e.name),
    ['letter'],
  )
})

test('a request is made where the document has none: patterns, formats and choices hold', async () => {
  const api = await compiled()
  const body = recordOf(operation(api, 'announceParcel').requestExample)
  assert.ok(requestOf(api, 'announceParcel')(body), JSON.stringify(body))
  assert.match(String(body.phone), /^\+990/, 'a number that is nobody’s')
  assert.ok(!('id' in body), 'the server gives the id')
})

test('schemas that cannot be met get no example, and the operation a warning', async () => {
  const document = replaced(
    parcelDocument,
    [
      'code: { type: string, pattern',
      'next: { $ref: "#/components/schemas/Endless" }\n        code: { type: string, pattern',
    ],
    ['[id, secret, size, phone, code]', '[id, secret, size, phone, code, next]'],
    [
      '    XCorrelator:',
      "    Endless: { type: object, required: [next], properties: { next: { $ref: '#/components/schemas/Endless' } } }\n    XCorrelator:",
    ],
  )
  const result = await checkApi({ document, product: parcelProduct })
  assert.ok(result.ok)
  const warnings = result.warnings.map((w) => w.message)
  assert.ok(warnings.includes('no valid answer could be made for announceParcel'))
  assert.ok(warnings.includes('no valid request could be made for announceParcel'))
})

test('compiling the same files gives the same result', async () => {
  assert.deepEqual(await compiled(), await compiled())
})
