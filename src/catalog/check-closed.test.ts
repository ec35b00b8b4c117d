import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkClosed } from './check-closed.ts'
import { checkedFile } from './faults.ts'

const document = `openapi: 3.1.0
paths:
  /loans:
    get:
      responses:
        '200':
          content:
            application/json:
              schema: { $ref: '#/components/schemas/Loan' }
`
const at = ['paths', '/loans', 'get']
const path = [...at, 'responses', '200', 'content', 'application/json']

/** What is checked of an operation that answers with a loan. */
function faultsOf(loan: object) {
  const file = checkedFile('openapi.yaml', document)
  const schema = { $ref: '#/$defs/Loan' }
  const response = { status: '200', headers: [] }
  const operation = { operationId: 'readLoans', parameters: [], requestBody: undefined }
  const terms = { scopes: [], examples: [], requestExample: undefined, billable: 'never' as const }
  checkClosed(
    file,
    {
      profile: '0.8',
      schemas: { Loan: { type: 'object', properties: { id: loan } } },
      operations: [
        {
          ...{ ...operation, ...terms, method: 'GET', path: '/loans' },
          responses: [{ ...response, content: { 'application/json': schema } }],
        },
      ],
    },
    [
      {
        ...{ ...operation, scopes: [] },
        at: { at, operation: {}, method: 'get', template: '/loans', parameters: [], served: true },
        responses: [
          {
            ...{ ...response, description: '' },
            content: [{ mediaType: 'application/json', schema, source: {}, path }],
          },
        ],
      },
    ],
  )
  return file.faults()
}

test('what a gateway could not compile is a fault of the document, where the schema is used', () => {
  assert.deepEqual(faultsOf({ type: 'string', pattern: '^[a-z]+$' }), [])
  for (const broken of [
    { type: 'string', pattern: '([a-z]+' },
    { $ref: '#/$defs/Nothing' },
    { type: 'strange' },
  ]) {
    const [fault, ...more] = faultsOf(broken)
    assert.deepEqual(more, [])
    assert.equal(fault?.line, 9)
    assert.match(fault?.message ?? '', /^cannot be compiled for gateways: /)
  }
})
