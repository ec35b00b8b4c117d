import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OperationPage } from '#portal/schema'
import { errorRows } from './error-rows.ts'

const operation = (responses: OperationPage['responses']): OperationPage => ({
  operationId: 'x',
  method: 'POST',
  path: '/x',
  summary: '',
  description: '',
  scopes: [],
  deprecated: false,
  parameters: [],
  responses,
})

test('each documented code is one row, with the message that says when it comes', () => {
  const rows = errorRows(
    operation([
      {
        status: '200',
        description: 'ok',
        examples: [{ name: 'a', value: { code: 'NOT_AN_ERROR' } }],
      },
      {
        status: '404',
        description: 'Not found',
        examples: [
          { name: 'A', value: { status: 404, code: 'NOT_FOUND', message: 'No such thing.' } },
          { name: 'B', value: { status: 404, code: 'NOT_FOUND', message: 'Again.' } },
        ],
      },
    ]),
    {},
  )
  assert.deepEqual(rows, [{ status: '404', code: 'NOT_FOUND', when: 'No such thing.' }])
})

test('a code without an example is found in the schema, through references and allOf', () => {
  const schemas = {
    Error: {
      allOf: [
        { type: 'object' },
        { properties: { code: { enum: ['INVALID_ARGUMENT', 'OUT_OF_RANGE'] } } },
      ],
    },
  }
  const rows = errorRows(
    operation([
      {
        status: '400',
        description: 'Bad request',
        schema: { $ref: '#/$defs/Error' },
        examples: [
          { name: 'A', value: { status: 400, code: 'INVALID_ARGUMENT', message: 'Malformed.' } },
        ],
      },
    ]),
    schemas,
  )
  assert.deepEqual(rows, [
    { status: '400', code: 'INVALID_ARGUMENT', when: 'Malformed.' },
    { status: '400', code: 'OUT_OF_RANGE', when: 'Bad request' },
  ])
})
