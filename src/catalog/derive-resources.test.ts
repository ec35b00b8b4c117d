import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveResources, openIds } from './derive-resources.ts'
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
    deriveResources(operations, {}).map(({ operationId, terms }) => {
      if (terms?.resource === undefined) return [operationId, undefined]
      const { derived: _, ...rule } = terms.resource
      return [operationId, rule]
    }),
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

const asking = (one: SnapshotOperation, name: string): SnapshotOperation => ({
  ...one,
  requestBody: {
    required: true,
    content: {
      'application/json': { type: 'object', properties: { [name]: { type: 'string' } } },
    },
  },
})
const order = {
  type: 'object',
  properties: { orderId: { type: 'string' }, vehicleId: { type: 'string' } },
}
const vehicle = { type: 'object', properties: { vehicleId: { type: 'string' } } }

test('a thing that an answer only names is not made by it, whatever stands first in the document', () => {
  const vehicles = [
    operation('GET', '/vehicles/{vehicleId}', '200', vehicle),
    operation('GET', '/vehicles', '200', listOf(vehicle)),
  ]
  const orders = [
    operation('POST', '/orders', '201', order),
    operation('GET', '/orders', '200', listOf(order)),
    operation('GET', '/orders/{orderId}', '200', order),
    operation('GET', '/latest-order', '200', order),
  ]
  for (const operations of [
    [...vehicles, ...orders],
    [...orders, ...vehicles],
    [vehicles[0] as SnapshotOperation, ...orders],
  ]) {
    const found = rules(operations)
    assert.equal(found['GET /vehicles/{vehicleId}'], undefined)
    assert.equal(found['GET /vehicles'], undefined)
    assert.deepEqual(found['POST /orders'], { role: 'create', name: 'order', field: 'orderId' })
    const list = { role: 'list', name: 'order', items: '', field: 'orderId' }
    assert.deepEqual(found['GET /orders'], list)
    assert.deepEqual(found['GET /latest-order'], list)
    assert.equal(found['GET /orders/{orderId}']?.name, 'order')
  }
})

test('no rule comes of an order that nothing reads, of a thing put elsewhere, or of an id that callers choose', () => {
  const read = operation('GET', '/vehicles/{vehicleId}', '200', vehicle)
  for (const making of [
    operation('POST', '/orders', '201', order),
    asking(operation('POST', '/reservations', '201', vehicle), 'vehicleId'),
    operation('POST', '/garages/{garageId}/vehicles', '201', vehicle),
  ])
    assert.deepEqual(
      Object.values(
        rules([
          read,
          making,
          operation('GET', '/garages/{garageId}/vehicles/{vehicleId}', '200', vehicle),
        ]),
      ),
      [undefined, undefined, undefined],
    )
  const put = operation('PUT', '/vehicles/{vehicleId}', '201', vehicle)
  const made = operation('POST', '/vehicles', '201', vehicle)
  assert.deepEqual(Object.values(rules([read, put, made])), [undefined, undefined, undefined])
})

test('a thing that names others is a thing of its own where both are made', () => {
  const found = rules([
    operation('POST', '/vehicles', '201', vehicle),
    operation('GET', '/vehicles/{vehicleId}', '200', vehicle),
    operation('POST', '/orders', '201', order),
    operation('GET', '/orders', '200', listOf(order)),
    operation('GET', '/orders/{orderId}', '200', order),
    operation('GET', '/dashboard', '200', {
      type: 'object',
      properties: { latest: listOf(order), vehicleId: { type: 'string' } },
    }),
  ])
  assert.equal(found['POST /orders']?.field, 'orderId')
  assert.equal(found['GET /orders']?.field, 'orderId')
  assert.equal(found['POST /vehicles']?.name, 'vehicle')
})

test('an id that says nothing of its thing is one of its collection only', () => {
  const found = rules([
    operation('POST', '/orders', '201', withId),
    operation('GET', '/orders/{id}', '200', withId),
    operation('GET', '/vehicles/{id}', '200', { type: 'object', properties: {} }),
  ])
  assert.equal(found['GET /orders/{id}']?.name, 'orders')
  assert.equal(found['GET /vehicles/{id}'], undefined)
})

test('a job that answers with what is read of it is its caller’s', () => {
  const job = { type: 'object', properties: { operationId: { type: 'string' } } }
  const found = rules([
    operation('POST', '/download', '202', job),
    operation('POST', '/enable', '202', job),
    operation('GET', '/operations/{operationId}', '200', job),
  ])
  assert.equal(found['POST /download']?.role, 'create')
  assert.equal(found['POST /enable']?.field, 'operationId')
  assert.equal(found['GET /operations/{operationId}']?.role, 'access')
})

test('one thing that is found otherwise than by its id is shown to its maker only', () => {
  const found = rules([
    operation('POST', '/qos-assignments', '201', payment),
    operation('POST', '/payments', '201', payment),
    operation('GET', '/payments/{paymentId}', '200', payment),
    operation('POST', '/retrieve-payment', '200', payment),
    operation('GET', '/newest', '200', payment),
  ])
  const rule = { role: 'list', name: 'payment', items: '', field: 'paymentId' }
  assert.deepEqual(found['POST /retrieve-payment'], rule)
  assert.deepEqual(found['GET /newest'], rule)
})

test('an id in a path that no rule speaks of is told to those who publish', () => {
  const refund = { type: 'object', properties: { refundId: { type: 'string' } } }
  const operations = deriveResources(
    [
      operation('POST', '/payments/{paymentId}/refunds', '201', refund),
      operation('GET', '/payments/{paymentId}/refunds/{refundId}', '200', refund),
      operation('GET', '/countries/{code}', '200', undefined),
    ],
    {},
  )
  assert.deepEqual(openIds(operations), [
    { parameter: 'paymentId', path: '/payments/{paymentId}/refunds' },
  ])
})
