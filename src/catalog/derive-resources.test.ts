import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveResources } from './derive-resources.ts'
import type { JsonSchema, ResourceRule, SnapshotOperation } from './entry.ts'

const operation = (
  method: SnapshotOperation['method'],
  path: string,
  status: string,
  schema: JsonSchema | undefined,
): SnapshotOperation => ({
  operationId: `${method} ${path}`,
  method,
  path,
  scopes: [],
  parameters: [],
  requestBody: undefined,
  responses: [
    { status, content: schema === undefined ? {} : { 'application/json': schema }, headers: [] },
  ],
  examples: [],
  requestExample: undefined,
  billable: 'success',
})

const payment = { type: 'object', properties: { paymentId: { type: 'string' } } }
const withId = { type: 'object', properties: { id: { type: 'string' } } }
const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items })

const rules = (operations: SnapshotOperation[]): Record<string, ResourceRule | undefined> =>
  Object.fromEntries(
    deriveResources(operations, {}).map(({ operationId, terms }) => [operationId, terms?.resource]),
  )

test('what is made with an id and read under a parameter of that name is its maker’s', () => {
  assert.deepEqual(
    rules([
      operation('POST', '/payments', '201', payment),
      operation('POST', '/payments/prepare', '201', payment),
      operation('GET', '/payments', '200', listOf(payment)),
      operation('POST', '/retrieve-payments', '200', {
        type: 'object',
        properties: { found: listOf(payment), total: { type: 'integer' } },
      }),
      operation('GET', '/payments/{paymentId}', '200', payment),
      operation('POST', '/payments/{paymentId}/confirm', '202', payment),
    ]),
    {
      'POST /payments': { role: 'create', name: 'payment', field: 'paymentId' },
      'POST /payments/prepare': { role: 'create', name: 'payment', field: 'paymentId' },
      'GET /payments': { role: 'list', name: 'payment', items: '', field: 'paymentId' },
      'POST /retrieve-payments': {
        role: 'list',
        name: 'payment',
        items: 'found',
        field: 'paymentId',
      },
      'GET /payments/{paymentId}': { role: 'access', name: 'payment', parameter: 'paymentId' },
      'POST /payments/{paymentId}/confirm': {
        role: 'access',
        name: 'payment',
        parameter: 'paymentId',
      },
    },
  )
})

test('a plain id is one of the collection that it was made in, and of no other', () => {
  const found = rules([
    operation('POST', '/subscriptions', '201', withId),
    operation('POST', '/others', '201', withId),
    operation('GET', '/subscriptions', '200', listOf(withId)),
    operation('GET', '/subscriptions/{subscriptionId}', '200', withId),
  ])
  assert.equal(found['POST /subscriptions']?.role, 'create')
  assert.equal(found['POST /others'], undefined)
  assert.equal(found['GET /subscriptions']?.field, 'id')
})

test('a part of a thing is made and read within it', () => {
  const refund = { type: 'object', properties: { refundId: { type: 'string' } } }
  const within = { name: 'payment', parameter: 'paymentId' }
  const found = rules([
    operation('POST', '/payments', '202', payment),
    operation('POST', '/payments/{paymentId}/refunds', '201', refund),
    operation('GET', '/payments/{paymentId}/refunds', '200', listOf(refund)),
    operation('GET', '/payments/{paymentId}/refunds/{refundId}', '200', refund),
  ])
  assert.deepEqual(found['POST /payments/{paymentId}/refunds'], {
    role: 'create',
    name: 'refund',
    field: 'refundId',
    within,
  })
  assert.deepEqual(found['GET /payments/{paymentId}/refunds']?.within, within)
  assert.deepEqual(found['GET /payments/{paymentId}/refunds/{refundId}'], {
    role: 'access',
    name: 'refund',
    parameter: 'refundId',
    within,
  })
})

test('nothing is derived where nothing is made, and where a manifest says itself what is', () => {
  const read = operation('GET', '/profiles/{name}', '200', {
    type: 'object',
    properties: { name: { type: 'string' } },
  })
  const search = operation('POST', '/search', '200', payment)
  assert.deepEqual(Object.values(rules([read, search])), [undefined, undefined])
  const make = operation('POST', '/payments', '201', payment)
  const told = {
    ...operation('GET', '/payments/{paymentId}', '200', payment),
    terms: { resource: { role: 'access' as const, name: 'x', parameter: 'paymentId' } },
  }
  assert.equal(rules([make, told])['POST /payments'], undefined)
})
