import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SnapshotOperation } from '#snapshot'
import { anEntry, codeIn, startTestSandbox } from './testing.ts'

const error = (status: number, ...codes: string[]) => ({
  status: String(status),
  content: {
    'application/json': {
      allOf: [
        { $ref: '#/$defs/ErrorInfo' },
        { properties: { status: { enum: [status] }, code: { enum: codes } } },
      ],
    },
  },
  headers: [],
})
const json = (name: string, status: number, body: unknown, headers = {}) => ({
  name,
  status,
  mediaType: 'application/json',
  body,
  headers,
})
const operation = (fields: Partial<SnapshotOperation>): SnapshotOperation => ({
  operationId: 'createSession',
  method: 'POST',
  path: '/sessions',
  scopes: [],
  parameters: [],
  requestBody: undefined,
  responses: [],
  examples: [],
  requestExample: undefined,
  billable: 'success',
  ...fields,
})

const sessionId = 'b8a4f6c2-0c1e-4f7a-9a54-1d2f3a4b5c6d'
const session = { sessionId, qosProfile: 'QOS_L', duration: 3_600, note: 'from the example' }
const idParameter = {
  name: 'sessionId',
  in: 'path' as const,
  required: true,
  schema: { $ref: '#/$defs/SessionId' },
}

const api = anEntry(
  'quality-on-demand',
  'v1',
  [
    operation({
      requestBody: {
        required: true,
        content: { 'application/json': { $ref: '#/$defs/NewSession' } },
      },
      responses: [
        {
          status: '201',
          content: { 'application/json': { $ref: '#/$defs/Session' } },
          headers: ['location'],
        },
        {
          status: '200',
          content: { 'application/json': { $ref: '#/$defs/Session' } },
          headers: [],
        },
        error(404, 'NOT_FOUND', 'IDENTIFIER_NOT_FOUND'),
        error(422, 'QUALITY_ON_DEMAND.UNABLE_TO_LOCATE', 'QUALITY_ON_DEMAND.OTHER'),
      ],
      examples: [
        json('created', 201, session, {
          Location: `/quality-on-demand/v1/sessions/${sessionId}`,
          'Content-Length': '1',
        }),
        json('first', 200, { ...session, note: 'first' }),
        json('other', 422, { status: 422, code: 'QUALITY_ON_DEMAND.OTHER', message: 'Other.' }),
      ],
    }),
    operation({
      operationId: 'getSession',
      method: 'GET',
      path: '/sessions/{sessionId}',
      parameters: [idParameter],
      responses: [
        {
          status: '200',
          content: { 'application/json': { $ref: '#/$defs/Session' } },
          headers: [],
        },
      ],
      examples: [json('found', 200, session)],
    }),
    operation({
      operationId: 'deleteSession',
      method: 'DELETE',
      path: '/sessions/{sessionId}',
      parameters: [idParameter],
      responses: [{ status: '204', content: {}, headers: [] }, error(404, 'NOT_FOUND')],
    }),
    operation({
      operationId: 'listSessions',
      method: 'GET',
      path: '/sessions/mine',
      responses: [
        { status: '200', content: { 'application/json': { type: 'array' } }, headers: [] },
      ],
      examples: [json('none', 200, [])],
    }),
  ],
  {
    ErrorInfo: {
      type: 'object',
      required: ['status', 'code', 'message'],
      properties: {
        status: { type: 'integer' },
        code: { type: 'string' },
        message: { type: 'string' },
      },
    },
    SessionId: { type: 'string', format: 'uuid' },
    Profile: { type: 'string', maxLength: 20 },
    NewSession: {
      allOf: [
        {
          type: 'object',
          properties: {
            qosProfile: { $ref: '#/$defs/Profile' },
            duration: { type: 'integer' },
            note: { type: 'string' },
            device: { type: 'object' },
            extra: {},
          },
        },
      ],
    },
    Session: {
      type: 'object',
      required: ['sessionId', 'qosProfile'],
      properties: {
        sessionId: { $ref: '#/$defs/SessionId' },
        qosProfile: { $ref: '#/$defs/Profile' },
        duration: { type: 'integer', maximum: 86_400 },
        note: { type: 'string', description: 'another schema than that of the request' },
        device: { type: 'object', maxProperties: 1 },
      },
    },
  },
)

const path = '/quality-on-demand/v1/sessions'

test('the first documented success is answered, with its headers, and speaks of the request', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [api] })
  const reply = await call(path, { qosProfile: 'QOS_S', duration: 60, note: 'mine', extra: 1 })
  assert.equal(reply.status, 201)
  assert.equal(reply.headers.get('location'), `/quality-on-demand/v1/sessions/${sessionId}`)
  // `duration` and `note` have other schemas in the answer than in the request.
  assert.deepEqual(reply.body, { ...session, qosProfile: 'QOS_S' })
})

test('a request field that would make the answer invalid is not echoed', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [api] })
  const reply = await call(path, { qosProfile: 'x'.repeat(21) })
  assert.deepEqual(reply.body, session)
  const other = '2f9b7c52-90be-4c56-8d0a-5b7e2f6f1a90'
  const found = await call(`${path}/${other}`, undefined, { method: 'GET' })
  assert.deepEqual(found.body, { ...session, sessionId: other })
  const odd = await call(`${path}/not-a-uuid`, undefined, { method: 'GET' })
  assert.deepEqual(odd.body, session)
})

test('a number anywhere in the request chooses a documented failure or example', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [api] })
  const create = (phoneNumber: string) => call(path, { deep: [{ device: { phoneNumber } }] })
  assert.equal(codeIn(await create('+99010000404')), 'IDENTIFIER_NOT_FOUND')
  assert.equal(codeIn(await create('+99010002422')), 'QUALITY_ON_DEMAND.UNABLE_TO_LOCATE')
  assert.equal(codeIn(await create('+99010000422')), 'QUALITY_ON_DEMAND.OTHER')
  assert.equal(codeIn(await create('+99010000429')), 'QUOTA_EXCEEDED')
  assert.equal(codeIn(await create('+99010000503')), 'UNAVAILABLE')
  assert.equal((await create('+99010000409')).status, 201, 'this document knows no 409')
  const chosen = await create('+99010000200')
  assert.deepEqual([chosen.status, (chosen.body as { note: string }).note], [200, 'first'])
  assert.equal((await create('+99010000202')).status, 201, 'this document knows no 202')
  assert.equal((await create('+34666111333')).status, 201, 'a number of the document is no failure')
  const byQuery = await call(`${path}/mine?phoneNumber=%2B99010000503`, undefined, {
    method: 'GET',
  })
  assert.equal(codeIn(byQuery), 'UNAVAILABLE')
  const byPath = await call(`${path}/%2B99010000404`, undefined, { method: 'DELETE' })
  assert.deepEqual([byPath.status, codeIn(byPath)], [404, 'NOT_FOUND'])
})

test('an answer without a body has none, and a literal path goes before a parameter', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [api] })
  const deleted = await call(`${path}/${sessionId}`, undefined, { method: 'DELETE' })
  assert.deepEqual([deleted.status, deleted.body], [204, undefined])
  assert.equal(deleted.headers.get('content-type'), null)
  assert.deepEqual((await call(`${path}/mine`, undefined, { method: 'GET' })).body, [])
})

test('an API is served as soon as it is published and no longer than that', async (t) => {
  const { call, follower, publish } = await startTestSandbox(t, { apis: [] })
  const status = async () => (await call(path, { qosProfile: 'QOS_S' })).status
  // A reading that was on its way when the entry changed may be the one that is waited for: the next one has it.
  const becomes = async (expected: number): Promise<void> => {
    for (const until = Date.now() + 30_000; (await status()) !== expected; await follower.catchUp())
      assert.ok(Date.now() < until, `it is ${expected} in time`)
  }
  assert.equal(await status(), 404)
  await publish(api.id, api)
  await becomes(201)
  await publish(api.id, undefined)
  await becomes(404)
})

test('a body that is nested deeper than the stack is answered', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [api] })
  const raw = `{"extra":${'['.repeat(60_000)}${']'.repeat(60_000)}}`
  assert.ok([201, 400].includes((await call(path, undefined, { raw })).status))
})
