import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SnapshotOperation } from '#snapshot'
import { anEntry, anotherApplication, codeIn, startTestSandbox } from './testing.ts'

const example = { sessionId: 'b8a4f6c2-0c1e-4f7a-9a54-1d2f3a4b5c6d', note: 'from the example' }
const content = (schema: object) => ({ 'application/json': { ...schema } })
const session = content({ $ref: '#/$defs/Session' })

const operation = (
  operationId: string,
  method: SnapshotOperation['method'],
  path: string,
  status: number,
  body: unknown,
  more: Partial<SnapshotOperation>,
): SnapshotOperation => ({
  operationId,
  method,
  path,
  scopes: [],
  parameters: [],
  requestBody: undefined,
  responses: [{ status: String(status), content: body === undefined ? {} : session, headers: [] }],
  examples: [
    {
      name: 'usual',
      status,
      mediaType: 'application/json',
      body,
      headers: status === 201 ? { Location: `/sessions/${example.sessionId}` } : {},
    },
  ],
  requestExample: undefined,
  billable: 'success',
  ...more,
})

const api = anEntry(
  'sessions',
  'v1',
  [
    operation('make', 'POST', '/sessions', 201, example, {
      requestBody: { required: true, content: session },
      terms: { resource: { role: 'create', name: 'session', field: 'sessionId' } },
    }),
    operation('read', 'GET', '/sessions/{sessionId}', 200, example, {
      terms: { resource: { role: 'access', name: 'session', parameter: 'sessionId' } },
    }),
    operation('end', 'DELETE', '/sessions/{sessionId}', 204, undefined, {
      terms: { resource: { role: 'access', name: 'session', parameter: 'sessionId' } },
    }),
    operation('list', 'GET', '/sessions', 200, [example], {
      responses: [
        {
          status: '200',
          content: content({ type: 'array', items: { $ref: '#/$defs/Session' } }),
          headers: [],
        },
      ],
      terms: { resource: { role: 'list', name: 'session', items: '', field: 'sessionId' } },
    }),
  ],
  {
    Session: {
      type: 'object',
      properties: {
        sessionId: { type: 'string', format: 'uuid' },
        note: { type: 'string' },
      },
    },
  },
)

const idIn = (reply: { body: unknown }): string => (reply.body as { sessionId: string }).sessionId

test('what was made is there afterwards under an id of its own, for its maker only, until it is taken away', async (t) => {
  const { call } = await startTestSandbox(t, { apis: [api] })
  const made = await call('/sessions/v1/sessions', { note: 'mine' })
  assert.equal(made.status, 201)
  const id = idIn(made)
  assert.notEqual(id, example.sessionId)
  assert.equal(made.headers.get('location'), `/sessions/${id}`)
  const second = await call('/sessions/v1/sessions', { note: 'another' })
  assert.notEqual(idIn(second), id)
  const path = `/sessions/v1/sessions/${id}`
  const get = { method: 'GET' }
  assert.deepEqual((await call(path, undefined, get)).body, { sessionId: id, note: 'mine' })
  const foreign = await call(path, undefined, { ...get, application: anotherApplication })
  assert.equal(foreign.status, 404)
  assert.equal(codeIn(foreign), 'NOT_FOUND')
  const listed = (await call('/sessions/v1/sessions', undefined, get)).body as unknown[]
  assert.equal(listed.length, 2)
  const others = await call('/sessions/v1/sessions', undefined, {
    ...get,
    application: anotherApplication,
  })
  assert.deepEqual(others.body, [])
  assert.equal((await call(path, undefined, { method: 'DELETE' })).status, 204)
  assert.equal((await call(path, undefined, get)).status, 404)
})

test('a 3-legged call is about the subscriber whom the gateway names, and is not told the number', async (t) => {
  const { call } = await startTestSandbox(t)
  const about = (number: string) => ({ headers: { 'x-wayleave-subject': number } })
  const named = await call('/sim-swap/v2/check', { phoneNumber: '+99010000002' })
  assert.deepEqual((await call('/sim-swap/v2/check', {}, about('+99010000002'))).body, named.body)
  assert.equal(codeIn(await call('/sim-swap/v2/check', {})), 'MISSING_IDENTIFIER')
  assert.equal(codeIn(await call('/sim-swap/v2/check', {}, about('nobody'))), 'MISSING_IDENTIFIER')
  const area = {
    areaType: 'CIRCLE',
    center: { latitude: 38.7, longitude: -9.1 },
    radius: 10_000,
  }
  const verified = await call('/location-verification/v3/verify', { area }, about('+99010000001'))
  assert.equal(verified.status, 200)
  assert.equal(JSON.stringify(verified.body).includes('990'), false)
})
