import type { ApiEntry, SnapshotOperation, SnapshotResponse } from '#snapshot'

/** Documents for tests and the bench, in the shape that the catalog compiles. */

const phoneNumber = { type: 'string', pattern: '^\\+[1-9][0-9]{4,14}$', maxLength: 16 }

const errorResponse = (status: number, codes: readonly string[]): SnapshotResponse => ({
  status: String(status),
  headers: ['x-correlator'],
  content: {
    'application/json': {
      allOf: [
        { $ref: '#/$defs/ErrorInfo' },
        {
          type: 'object',
          properties: { status: { enum: [status] }, code: { enum: codes } },
        },
      ],
    },
  },
})

const errors = [
  errorResponse(400, ['INVALID_ARGUMENT', 'OUT_OF_RANGE']),
  errorResponse(401, ['UNAUTHENTICATED']),
  errorResponse(403, ['PERMISSION_DENIED']),
  errorResponse(404, ['NOT_FOUND', 'IDENTIFIER_NOT_FOUND']),
  errorResponse(422, ['SERVICE_NOT_APPLICABLE', 'MISSING_IDENTIFIER']),
]

const operation = (more: Partial<SnapshotOperation>): SnapshotOperation => ({
  operationId: 'operation',
  method: 'POST',
  path: '/operation',
  scopes: [],
  parameters: [],
  requestBody: undefined,
  responses: errors,
  examples: [],
  requestExample: undefined,
  billable: 'success',
  ...more,
})

const json = (schema: object): Readonly<Record<string, Record<string, unknown>>> => ({
  'application/json': { ...schema },
})

export const simSwap = (upstreamUrl: string, more: Partial<ApiEntry> = {}): ApiEntry => ({
  kind: 'api',
  id: 'sim-swap/v2',
  name: 'sim-swap',
  version: 'v2',
  title: 'SIM Swap',
  domain: 'Identity',
  lifecycle: 'published',
  owner: { team: 'Identity', contact: 'identity@example.com' },
  basePath: '/sim-swap/v2',
  profile: '0.6',
  upstream: { kind: 'http', targets: [{ url: upstreamUrl }], timeoutMs: 10_000 },
  operations: [
    operation({
      operationId: 'checkSimSwap',
      path: '/check',
      scopes: [['sim-swap:check'], ['sim-swap']],
      requestBody: { required: true, content: json({ $ref: '#/$defs/CreateCheckSimSwap' }) },
      responses: [
        {
          status: '200',
          headers: ['x-correlator', 'x-total'],
          content: json({ $ref: '#/$defs/CheckSimSwapInfo' }),
        },
        ...errors,
      ],
    }),
  ],
  schemas: {
    PhoneNumber: phoneNumber,
    ErrorInfo: {
      type: 'object',
      required: ['status', 'code', 'message'],
      properties: {
        status: { type: 'integer' },
        code: { type: 'string' },
        message: { type: 'string' },
      },
    },
    CreateCheckSimSwap: {
      type: 'object',
      properties: {
        phoneNumber: { $ref: '#/$defs/PhoneNumber' },
        maxAge: { type: 'integer', minimum: 1, maximum: 2400 },
      },
    },
    CheckSimSwapInfo: {
      type: 'object',
      required: ['swapped'],
      properties: { swapped: { type: 'boolean' } },
    },
  },
  ...more,
})

export const payments = (upstreamUrl: string): ApiEntry => ({
  ...simSwap(upstreamUrl),
  id: 'payments/v0.5',
  name: 'payments',
  version: 'v0.5',
  basePath: '/payments/v0.5',
  profile: '0.8',
  operations: [
    operation({
      operationId: 'listPayments',
      method: 'GET',
      path: '/payments',
      parameters: [
        { name: 'page', in: 'query', required: false, schema: { type: 'integer', minimum: 1 } },
        {
          name: 'status',
          in: 'query',
          required: false,
          schema: { type: 'array', items: { enum: ['succeeded', 'denied'] } },
        },
        { name: 'X-Trace-Level', in: 'header', required: false, schema: { enum: ['a', 'b'] } },
      ],
      responses: [
        { status: '200', headers: [], content: json({ type: 'array', items: { type: 'object' } }) },
        ...errors,
      ],
    }),
    operation({
      operationId: 'createPayment',
      path: '/payments',
      requestBody: { required: true, content: json({ $ref: '#/$defs/NewPayment' }) },
      responses: [
        { status: '201', headers: ['Location'], content: json({ $ref: '#/$defs/Payment' }) },
        ...errors,
      ],
    }),
    operation({
      operationId: 'preparePayment',
      path: '/payments/prepare',
      responses: [{ status: '201', headers: [], content: {} }],
      billable: 'never',
    }),
    operation({
      operationId: 'getPayment',
      method: 'GET',
      path: '/payments/{paymentId}',
      parameters: [
        {
          name: 'paymentId',
          in: 'path',
          required: true,
          schema: { type: 'string', maxLength: 40 },
        },
      ],
      responses: [
        { status: '200', headers: [], content: json({ $ref: '#/$defs/Payment' }) },
        ...errors,
      ],
    }),
    operation({
      operationId: 'deletePayment',
      method: 'DELETE',
      path: '/payments/{paymentId}',
      parameters: [
        {
          name: 'paymentId',
          in: 'path',
          required: true,
          schema: { type: 'string', maxLength: 40 },
        },
      ],
      responses: [{ status: '204', headers: [], content: {} }, ...errors],
    }),
  ],
  schemas: {
    ErrorInfo: { type: 'object' },
    Amount: {
      type: 'object',
      required: ['value'],
      properties: { value: { type: 'number', exclusiveMinimum: 0 }, currency: { type: 'string' } },
    },
    Base: { type: 'object', properties: { amount: { $ref: '#/$defs/Amount' } } },
    NewPayment: {
      allOf: [
        { $ref: '#/$defs/Base' },
        { type: 'object', required: ['reference'], properties: { reference: { type: 'string' } } },
      ],
    },
    Payment: {
      allOf: [
        { $ref: '#/$defs/NewPayment' },
        { type: 'object', properties: { id: { type: 'string' } } },
      ],
    },
  },
})
