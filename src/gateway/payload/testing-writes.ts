import type { ApiEntry, OperationTerms, SnapshotOperation } from '#snapshot'
import { simSwap } from '../testing-entries.ts'

/** A document with a thing that is made, read, listed and taken away, for tests of writes. */

const content = (schema: object) => ({ 'application/json': { ...schema } })
const error = (status: number) => ({
  status: String(status),
  headers: [],
  content: content({ $ref: '#/$defs/ErrorInfo' }),
})

const operation = (
  operationId: string,
  method: SnapshotOperation['method'],
  path: string,
  success: SnapshotOperation['responses'][number],
  more: Partial<SnapshotOperation> = {},
): SnapshotOperation => ({
  operationId,
  method,
  path,
  scopes: [],
  parameters: path.includes('{sessionId}')
    ? [{ name: 'sessionId', in: 'path', required: true, schema: { type: 'string' } }]
    : [],
  requestBody: undefined,
  responses: [success, ...[400, 403, 404, 409, 422, 429, 500, 503].map(error)],
  examples: [],
  requestExample: undefined,
  billable: 'success',
  ...more,
})

const session = content({ $ref: '#/$defs/Session' })

export const sessions = (
  upstreamUrl: string,
  terms: Readonly<Record<string, OperationTerms>> = {},
): ApiEntry => {
  const operations = [
    operation(
      'createSession',
      'POST',
      '/sessions',
      { status: '201', headers: ['Location'], content: session },
      { requestBody: { required: true, content: content({ $ref: '#/$defs/NewSession' }) } },
    ),
    operation('readSession', 'GET', '/sessions/{sessionId}', {
      status: '200',
      headers: [],
      content: session,
    }),
    operation('deleteSession', 'DELETE', '/sessions/{sessionId}', {
      status: '204',
      headers: [],
      content: {},
    }),
    operation('listSessions', 'GET', '/sessions', {
      status: '200',
      headers: ['X-Total-Count', 'X-Total-Pages', 'Content-Last-Key'],
      content: content({
        type: 'object',
        properties: {
          items: { type: 'array', items: { $ref: '#/$defs/Session' } },
          pagination: { type: 'object' },
        },
      }),
    }),
  ]
  return {
    ...simSwap(upstreamUrl),
    id: 'sessions/v1',
    name: 'sessions',
    version: 'v1',
    basePath: '/sessions/v1',
    operations: operations.map((one) => ({
      ...one,
      ...(terms[one.operationId] !== undefined && { terms: terms[one.operationId] }),
    })) as SnapshotOperation[],
    schemas: {
      ...simSwap(upstreamUrl).schemas,
      Device: {
        type: 'object',
        minProperties: 1,
        properties: {
          phoneNumber: { $ref: '#/$defs/PhoneNumber' },
          ipv4Address: { type: 'object' },
          ipv6Address: { type: 'string' },
          networkAccessIdentifier: { type: 'string' },
        },
      },
      NewSession: {
        type: 'object',
        properties: { device: { $ref: '#/$defs/Device' }, note: { type: 'string' } },
      },
      Session: {
        type: 'object',
        required: ['sessionId'],
        properties: {
          sessionId: { type: 'string' },
          device: { $ref: '#/$defs/Device' },
          amount: { type: 'number' },
          owner: { type: 'object', properties: { name: { type: 'string' } } },
        },
      },
    },
  }
}

/** What a manifest says of it, so that sessions are their maker's. */
export const isolated: Readonly<Record<string, OperationTerms>> = {
  createSession: { resource: { role: 'create', name: 'session', field: 'sessionId' } },
  readSession: { resource: { role: 'access', name: 'session', parameter: 'sessionId' } },
  deleteSession: { resource: { role: 'access', name: 'session', parameter: 'sessionId' } },
  listSessions: {
    resource: { role: 'list', name: 'session', items: 'items', field: 'sessionId' },
  },
}
