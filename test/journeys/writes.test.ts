import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  accessToken,
  type Registration,
  signUp,
  temporaryFolder,
  wayleave,
} from '../support/product.ts'
import { type SharedProduct, sharedProduct } from '../support/shared-product.ts'

describe('writes in the sandbox: done once, their maker’s, and masked', () => {
  let product: SharedProduct
  let first: Registration
  let second: Registration
  const cleanUps: (() => Promise<void> | void)[] = []

  before(async () => {
    product = await sharedProduct({ after: (fn) => void cleanUps.push(fn) })
    const folder = path.join(temporaryFolder({ after: (fn) => void cleanUps.push(fn) }), 'orders')
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'openapi.yaml'), document)
    writeFileSync(path.join(folder, 'product.yaml'), manifest)
    const published = await wayleave(product, 'catalog', 'publish', folder)
    assert.equal(published.code, 0, published.stderr)
    first = (await signUp(product)).body
    second = (await signUp(product)).body
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const call = async (
    { firstCall, credentials }: Registration,
    method: string,
    pathname: string,
    more: { body?: object; key?: string; scope?: string } = {},
  ): Promise<{ status: number; replayed: boolean; body: Record<string, unknown> }> => {
    const { clientId, clientSecret } = credentials
    const scope = more.scope ?? 'orders:write'
    const token = await accessToken(firstCall.tokenUrl, clientId, clientSecret, scope)
    const response = await fetch(
      `${product.wellKnown.environments.sandbox.gateway}/orders/v1${pathname}`,
      {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(more.body !== undefined && { 'content-type': 'application/json' }),
          ...(more.key !== undefined && { 'idempotency-key': more.key }),
        },
        ...(more.body !== undefined && { body: JSON.stringify(more.body) }),
      },
    )
    const text = await response.text()
    return {
      status: response.status,
      replayed: response.headers.get('idempotency-replayed') === 'true',
      body: JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>,
    }
  }
  const order = { phoneNumber: '+99012345678', item: 'a book' }

  test('a write with a key is done once, and needs one here', async () => {
    assert.equal((await call(first, 'POST', '/orders', { body: order })).status, 400)
    const made = await call(first, 'POST', '/orders', { body: order, key: 'journey-1' })
    assert.equal(made.status, 201)
    const again = await call(first, 'POST', '/orders', { body: order, key: '"journey-1"' })
    assert.deepEqual([again.status, again.replayed], [201, true])
    assert.equal(again.body.orderId, made.body.orderId)
    const other = await call(first, 'POST', '/orders', {
      body: { ...order, item: 'a lamp' },
      key: 'journey-1',
    })
    assert.deepEqual([other.status, other.body.code], [422, 'IDEMPOTENCY_KEY_REUSED'])
    const elsewhere = await call(second, 'POST', '/orders', { body: order, key: 'journey-1' })
    assert.deepEqual([elsewhere.status, elsewhere.replayed], [201, false])
    assert.notEqual(elsewhere.body.orderId, made.body.orderId)
  })

  test('what one partner made is not there for another', async () => {
    const made = await call(first, 'POST', '/orders', { body: order, key: 'journey-2' })
    const where = `/orders/${String(made.body.orderId)}`
    assert.deepEqual((await call(first, 'GET', where)).body, made.body)
    const foreign = await call(second, 'GET', where)
    const absent = await call(second, 'GET', '/orders/nothing-like-it')
    assert.equal(foreign.status, 404)
    assert.deepEqual(foreign.body, absent.body)
    const ids = ((await call(first, 'GET', '/orders')).body.orders as { orderId: string }[]).map(
      ({ orderId }) => orderId,
    )
    assert.equal(ids.includes(String(made.body.orderId)), true)
    const theirs = (await call(second, 'GET', '/orders')).body.orders as { orderId: string }[]
    assert.ok(theirs.every(({ orderId }) => !ids.includes(orderId)))
  })

  test('a field is shown to a token whose scope reveals it, and masked for any other', async () => {
    const made = await call(first, 'POST', '/orders', { body: order, key: 'journey-3' })
    assert.equal(made.body.phoneNumber, '+*********78')
    const scope = 'orders:write orders:numbers:read'
    const again = await call(first, 'POST', '/orders', { body: order, key: 'journey-3', scope })
    assert.equal(again.replayed, true)
    assert.equal(again.body.phoneNumber, '+99012345678')
  })

  test('a call names its subscriber, once', async () => {
    const { phoneNumber: _, ...rest } = order
    const nobody = await call(first, 'POST', '/orders', { body: rest, key: 'journey-4' })
    assert.deepEqual([nobody.status, nobody.body.code], [422, 'MISSING_IDENTIFIER'])
  })
})

const manifest = `domain: Billing
owner:
  team: Orders
  contact: orders@example.com
operations:
  createOrder:
    idempotency: required
    masks: [{ field: phoneNumber, action: mask, revealedBy: ['orders:numbers:read'] }]
  readOrder:
    masks: [{ field: phoneNumber, action: mask, revealedBy: ['orders:numbers:read'] }]
`

const document = `openapi: 3.0.3
info: {title: Orders, version: 1.0.0, license: {name: Apache 2.0}}
servers:
  - url: '{apiRoot}/orders/v1'
    variables: {apiRoot: {default: http://localhost:9091}}
paths:
  /orders:
    post:
      operationId: createOrder
      security: [{openId: ['orders:write']}, {openId: ['orders:write', 'orders:numbers:read']}]
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/NewOrder'}}}
      responses:
        '201':
          description: The order
          content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
    get:
      operationId: listOrders
      security: [{openId: ['orders:write']}]
      responses:
        '200':
          description: The orders
          content:
            application/json:
              schema:
                type: object
                required: [orders]
                properties: {orders: {type: array, items: {$ref: '#/components/schemas/Order'}}}
  /orders/{orderId}:
    get:
      operationId: readOrder
      security: [{openId: ['orders:write']}]
      parameters:
        - {name: orderId, in: path, required: true, schema: {type: string, maxLength: 64}}
      responses:
        '200':
          description: The order
          content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
components:
  securitySchemes:
    openId: {type: openIdConnect, openIdConnectUrl: https://example.com/.well-known/openid-configuration}
  schemas:
    PhoneNumber: {type: string, pattern: '^\\+[1-9][0-9]{4,14}$', example: '+99012345678'}
    NewOrder:
      type: object
      required: [item]
      properties:
        phoneNumber: {$ref: '#/components/schemas/PhoneNumber'}
        item: {type: string, maxLength: 100}
    Order:
      type: object
      required: [orderId]
      properties:
        orderId: {type: string, maxLength: 64}
        phoneNumber: {$ref: '#/components/schemas/PhoneNumber'}
        item: {type: string, maxLength: 100}
`
