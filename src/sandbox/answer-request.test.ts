import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { codeIn, startTestSandbox } from './testing.ts'

const path = '/sim-swap/v2/check'
const known = { phoneNumber: '+99010000002' }

test('nobody but the bearer of the upstream token is answered, whatever is asked', async (t) => {
  const { call } = await startTestSandbox(t)
  const tokens = [
    '',
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    'Basic token-of-the-sandbox-gateway',
    'Bearer token-of-the-sandbox-gateway x',
  ]
  for (const authorization of tokens) {
    for (const target of [path, '/nothing']) {
      const reply = await call(target, known, { headers: { authorization } })
      assert.deepEqual([reply.status, codeIn(reply)], [401, 'UNAUTHENTICATED'], authorization)
    }
  }
})

test('what no document has is 404, for paths and for methods', async (t) => {
  const { call } = await startTestSandbox(t)
  for (const target of [
    '/',
    '/sim-swap',
    '/sim-swap/v2',
    '/sim-swap/v2/',
    `${path}/`,
    '/sim-swap/v2//check',
    '/sim-swap/v3/check',
    '/sim-swap/v2/%zz',
  ]) {
    assert.equal((await call(target, known)).status, 404, target)
  }
  assert.equal((await call(path, undefined, { method: 'GET' })).status, 404)
})

test('a body that is not JSON, or missing, is 400; one that is too large is 413', async (t) => {
  const { call } = await startTestSandbox(t)
  for (const raw of ['{', '{"phoneNumber":"+9901', 'undefined', '{"a":1}}']) {
    const reply = await call(path, undefined, { raw })
    assert.deepEqual([reply.status, codeIn(reply)], [400, 'INVALID_ARGUMENT'], raw)
  }
  assert.equal((await call(path)).status, 400)
  const large = await call(path, undefined, {
    raw: JSON.stringify({ ...known, x: 'x'.repeat(262_144) }),
  })
  assert.deepEqual([large.status, codeIn(large)], [413, 'PAYLOAD_TOO_LARGE'])
  const fits = await call(path, undefined, {
    raw: JSON.stringify({ ...known, x: 'x'.repeat(261_000) }),
  })
  assert.equal(fits.status, 200)
})

test('the correlator comes back', async (t) => {
  const { call } = await startTestSandbox(t)
  const headers = { 'x-correlator': 'abc-123' }
  assert.equal((await call(path, known, { headers })).headers.get('x-correlator'), 'abc-123')
  assert.equal((await call('/nothing', known, { headers })).headers.get('x-correlator'), 'abc-123')
})

test('a number that never answers does not do so within the deadline, and others are served meanwhile', async (t) => {
  const { call } = await startTestSandbox(t)
  const headers = { 'x-wayleave-deadline-ms': '200' }
  let over = false
  const started = performance.now()
  const silent = call(path, { phoneNumber: '+99010000504' }, { headers }).finally(() => {
    over = true
  })
  assert.equal((await call(path, known)).status, 200)
  assert.equal(over, false)
  await assert.rejects(silent)
  assert.ok(performance.now() - started > 200)
})

test('a broken answer has status 200 and JSON that ends too early', async (t) => {
  const { call } = await startTestSandbox(t)
  await assert.rejects(call(path, { phoneNumber: '+99010000502' }), SyntaxError)
})

test('a slow number answers rightly after two seconds', async (t) => {
  const { call } = await startTestSandbox(t)
  const started = performance.now()
  const reply = await call(path, { phoneNumber: '+99010002000' })
  assert.deepEqual([reply.status, reply.body], [200, { swapped: false }])
  assert.ok(performance.now() - started >= 1_990)
})

test('stopping ends what is kept silent and closes the port', async (t) => {
  const { call, sandbox } = await startTestSandbox(t)
  const silent = call(path, { phoneNumber: '+99010000504' })
  const refused = assert.rejects(silent)
  await call(path, known)
  const port = sandbox.port()
  await sandbox.stop()
  await refused
  assert.equal(sandbox.ready(), false)
  await assert.rejects(
    new Promise((resolve, reject) => {
      connect(port, '127.0.0.1').on('connect', resolve).on('error', reject)
    }),
  )
})

test('a lost database makes sending a code unavailable, and leaves the rest as it is', async (t) => {
  const { call, database } = await startTestSandbox(t)
  const send = () => call('/one-time-password-sms/v1/send-code', { ...known, message: '{{code}}' })
  assert.equal((await send()).status, 200)
  await database.close()
  const sent = await send()
  assert.deepEqual([sent.status, codeIn(sent)], [503, 'UNAVAILABLE'])
  assert.equal((await call(path, known)).status, 200)
})

test('the database role of the simulator is enough for everything, and reaches nothing else', async (t) => {
  const { call, database } = await startTestSandbox(t, { restricted: true })
  const send = { phoneNumber: '+99010000001', message: '{{code}}' }
  const sent = await call('/one-time-password-sms/v1/send-code', send)
  assert.equal(sent.status, 200)
  const { authenticationId } = sent.body as { authenticationId: string }
  const { rows } = await database.pool.query<{ text: string }>('select text from sandbox.message')
  const validated = { authenticationId, code: rows[0]?.text }
  assert.equal((await call('/one-time-password-sms/v1/validate-code', validated)).status, 204)
  for (const table of ['partners.application', 'snapshot.production_entry', 'platform.outbox']) {
    await assert.rejects(database.pool.query(`select 1 from ${table}`), /permission denied/)
  }
})
