import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '#platform/testing'
import type { ApiEntry, SnapshotOperation } from '#snapshot'
import { customer, memoryPayloads, testGateway, testKey, testUpstream } from '../testing.ts'
import { createPayloadStore, type PayloadStore } from './payload-store.ts'
import { isolated, sessions } from './testing-writes.ts'

type Context = Parameters<typeof testUpstream>[0]

const key = testKey()

const named = [{ parameter: 'sessionId', kinds: [{ name: 'sessions/session' }] }]
const nested = ['sessionId']
const note = { name: 'note', nested, derived: true as const }

/** Notes of sessions, which another API makes; they are numbered from 1 in each session. */
function notes(url: string): ApiEntry {
  const base = sessions(url)
  const [make, read, remove, list] = base.operations
  const string = { type: 'string' }
  const one = { type: 'object', properties: { noteId: string } }
  const of = (
    operation: SnapshotOperation | undefined,
    operationId: string,
    path: string,
    terms: SnapshotOperation['terms'],
  ): SnapshotOperation => {
    assert.ok(operation)
    const parameters = ['sessionId', 'noteId'].filter((name) => path.includes(`{${name}}`))
    const [success, ...errors] = operation.responses
    assert.ok(success)
    const schema = operationId === 'listNotes' ? { type: 'array', items: one } : one
    const content = success.status === '204' ? {} : { 'application/json': schema }
    return {
      ...operation,
      operationId,
      path,
      requestBody: undefined,
      parameters: parameters.map((name) => ({ name, in: 'path', required: true, schema: string })),
      responses: [{ ...success, content }, ...errors],
      terms: { ...terms, named, subject: { kind: 'none' } },
    }
  }
  const all = '/sessions/{sessionId}/notes'
  const each = `${all}/{noteId}`
  const access = { resource: { role: 'access' as const, parameter: 'noteId', ...note } }
  return {
    ...base,
    id: 'sessions-notes/v1',
    name: 'sessions-notes',
    basePath: '/sessions-notes/v1',
    operations: [
      of(make, 'makeNote', all, { resource: { role: 'create', field: 'noteId', ...note } }),
      of(read, 'readNote', each, access),
      of(remove, 'removeNote', each, access),
      of(list, 'listNotes', all, {
        resource: { role: 'list', items: '', field: 'noteId', ...note },
      }),
      of(read, 'countNotes', `${all}/count`, {}),
    ],
  }
}

async function setup(t: Context, payloads: PayloadStore = memoryPayloads()) {
  let made = 0
  const perSession = new Map<string, number>()
  const upstream = await testUpstream(t, (request, response) => {
    const { method, url = '' } = request
    const [, session = ''] = /\/sessions\/([^/]+)\/notes/.exec(url) ?? []
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    if (method === 'DELETE') response.writeHead(204).end()
    else if (method === 'POST' && session !== '') {
      const next = (perSession.get(session) ?? 0) + 1
      perSession.set(session, next)
      answer(201, { noteId: String(next) })
    } else if (method === 'POST') {
      made += 1
      answer(201, { sessionId: `s-${made}` })
    } else if (url.endsWith('/notes')) answer(200, [{ noteId: '1' }, { noteId: '2' }])
    else answer(200, { noteId: url.split('/').at(-1), sessionId: url.split('/').at(-1) })
  })
  const terms = Object.fromEntries(
    Object.entries(isolated).map(([id, one]) => [
      id,
      { ...one, subject: { kind: 'none' as const } },
    ]),
  )
  const entries = [
    ...[sessions(upstream.url, terms), notes(upstream.url)],
    ...[key.entry, ...customer(1), ...customer(2)],
  ]
  const gateway = await testGateway(t, entries, { payloads })
  const call = async (method: string, path: string, n: number): Promise<Response> =>
    fetch(`${gateway.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key.token(n)}`,
        ...(path === makeSession && { 'content-type': 'application/json' }),
      },
      ...(path === makeSession && { body: '{}' }),
    })
  const notesOf = (session: string): string => `/sessions-notes/v1/sessions/${session}/notes`
  return { call, notesOf, upstream }
}

const makeSession = '/sessions/v1/sessions'

test('what another API made is its maker’s in an API that names it, and nobody is told that it is there', async (t) => {
  const { call, notesOf, upstream } = await setup(t)
  assert.equal((await call('POST', makeSession, 1)).status, 201)
  assert.equal((await call('POST', notesOf('s-1'), 1)).status, 201)
  assert.equal((await call('GET', `${notesOf('s-1')}/count`, 1)).status, 200)
  const asked = upstream.requests.length
  for (const [method, path] of [
    ['POST', notesOf('s-1')],
    ['GET', notesOf('s-1')],
    ['GET', `${notesOf('s-1')}/1`],
    ['GET', `${notesOf('s-1')}/count`],
    ['DELETE', `${notesOf('s-1')}/1`],
    ['GET', `${notesOf('unheard-of')}/count`],
  ] as const)
    assert.equal((await call(method, path, 2)).status, 404, `${method} ${path}`)
  assert.equal(upstream.requests.length, asked)
})

test('things that are numbered within what they are a part of are told apart, for both makers', async (t) => {
  const { call, notesOf } = await setup(t)
  for (const n of [1, 2]) {
    assert.equal((await call('POST', makeSession, n)).status, 201)
    assert.equal((await call('POST', notesOf(`s-${n}`), n)).status, 201)
  }
  for (const n of [1, 2]) {
    const own = notesOf(`s-${n}`)
    assert.equal((await call('GET', `${own}/1`, n)).status, 200)
    assert.deepEqual(await (await call('GET', own, n)).json(), [{ noteId: '1' }])
    assert.equal((await call('GET', `${notesOf(`s-${3 - n}`)}/1`, n)).status, 404)
  }
})

test('what was noted by its id alone stays its maker’s within a parent of theirs', async (t) => {
  const payloads = memoryPayloads()
  const own = payloads.own.bind(payloads)
  const { call, notesOf } = await setup(t, payloads)
  for (const n of [1, 2]) assert.equal((await call('POST', makeSession, n)).status, 201)
  // As it was before things were noted within others.
  payloads.own = async (resource, idHash, owner) =>
    resource.endsWith(' in parts') || (await own(resource, idHash, owner))
  assert.equal((await call('POST', notesOf('s-1'), 1)).status, 201)
  const elsewhere = (await setup(t, payloads)).call
  assert.equal((await elsewhere('GET', `${notesOf('s-1')}/1`, 1)).status, 200)
  assert.equal((await elsewhere('GET', `${notesOf('s-2')}/1`, 2)).status, 404)
  assert.equal((await elsewhere('GET', `${notesOf('s-2')}/1`, 1)).status, 404)
})

test('a thing that was taken away stays its maker’s, so that nobody takes its id over', async (t) => {
  const database = await testDatabase(t)
  const store = createPayloadStore(database, 'sandbox', () => performance.now())
  t.after(() => store.stop())
  const { call, notesOf } = await setup(t, store)
  await call('POST', makeSession, 1)
  await call('POST', notesOf('s-1'), 1)
  assert.equal((await call('DELETE', `${notesOf('s-1')}/1`, 2)).status, 404)
  assert.equal((await call('DELETE', `${notesOf('s-1')}/1`, 1)).status, 204)
  const gone = async (): Promise<number> => {
    const { rows } = await database.pool.query(
      'select 1 from gateway.resource_owner where deleted_at is not null',
    )
    return rows.length
  }
  const deadline = Date.now() + 30_000
  while ((await gone()) < 2 && Date.now() < deadline) await new Promise(setImmediate)
  // The note within its session, and by its id alone; the session is there still.
  assert.equal(await gone(), 2)
  const { rows } = await database.pool.query<{ resource: string; id_hash: string }>(
    'select resource, id_hash from gateway.resource_owner where deleted_at is not null',
  )
  for (const { resource, id_hash } of rows) {
    assert.equal(
      await store.own(resource, id_hash, { applicationId: 'x', subject: undefined }),
      false,
    )
  }
  assert.equal(await gone(), 2)
})
