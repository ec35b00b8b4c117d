import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { checkApi } from './check-api.ts'

const root = path.join(import.meta.dirname, '..', '..')
const guide = readFileSync(path.join(root, 'docs/guides/publish-an-api.md'), 'utf8')
const blocks = [...guide.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
const simSwap = readFileSync(path.join(root, 'catalog/sim-swap/openapi.yaml'), 'utf8')

const payments = `openapi: 3.0.3
info: { title: Payments, version: 1.0.0 }
servers: [{ url: '{apiRoot}/payments/v1' }]
paths:
  /payments:
    post:
      operationId: createPayment
      security: [{ openId: ['payments:create'] }]
      requestBody:
        content: { application/json: { schema: { $ref: '#/components/schemas/Payment' } } }
      responses:
        '201':
          description: Made
          content: { application/json: { schema: { $ref: '#/components/schemas/Payment' } } }
  /payments/{paymentId}:
    get:
      operationId: readPayment
      security: [{ openId: ['payments:read'] }]
      parameters: [{ name: paymentId, in: path, required: true, schema: { type: string } }]
      responses:
        '200':
          description: One
          content: { application/json: { schema: { $ref: '#/components/schemas/Payment' } } }
components:
  securitySchemes:
    openId: { type: openIdConnect, openIdConnectUrl: 'https://example.com/openid' }
  schemas:
    Payment:
      type: object
      properties:
        paymentId: { type: string, readOnly: true }
        device: { type: object, properties: { phoneNumber: { type: string } } }
`

test('the guide shows manifests', () => {
  assert.ok(blocks.length >= 6, `${blocks.length}`)
})

for (const [index, block] of blocks.entries()) {
  const document = block.includes('Payment') ? payments : simSwap
  const owner = /^domain:/m.test(block)
    ? ''
    : 'domain: Identity\nowner: { team: A, contact: a@operator.example }\n'
  test(`manifest ${index + 1} of the guide has no fault`, async () => {
    const result = await checkApi({ document, product: owner + block })
    assert.deepEqual(result.ok ? [] : result.faults, [])
  })
}
