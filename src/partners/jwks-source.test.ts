import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createEgress } from '#platform/egress'
import { createLog } from '#platform/log'
import { loggable } from '#platform/loggable'
import { createJwksSource, publishedKeysId } from './jwks-source.ts'

const published = (kid: string, more: object = {}) => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  kid,
  ...more,
})

/** A partner that publishes what `state.body` says, and a clock that the test moves. */
async function setUp(t: TestContext, answer?: RequestListener) {
  const state = {
    body: JSON.stringify({ keys: [published('one')] }),
    status: 200,
    requests: 0,
    headers: {},
  }
  const server = createServer((request, response) => {
    state.requests += 1
    if (answer !== undefined) answer(request, response)
    else response.writeHead(state.status, state.headers).end(state.body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  let now = Date.parse('2026-03-01T10:00:00Z')
  const log = createLog({ name: 'test', level: 'silent' })
  const warned = t.mock.method(log, 'warn', () => undefined)
  const source = createJwksSource({
    egress: createEgress({ networks: ['127.0.0.0/8'] }),
    clock: { now: () => new Date(now) },
    log,
  })
  const application = {
    applicationId: 'app_1',
    jwksUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
  }
  const kids = async (kid?: string) =>
    (await source.keysAt(application, kid)).map(({ jwk }) => jwk.kid)
  const pass = (seconds: number): void => {
    now += seconds * 1_000
  }
  const publish = (...keys: unknown[]): void => {
    state.body = JSON.stringify({ keys })
  }
  return { state, source, application, kids, pass, publish, warned }
}

test('a hundred requests at once read the keys of an address once', async (t) => {
  const { state, kids } = await setUp(t)
  const found = await Promise.all(Array.from({ length: 100 }, () => kids('one')))
  assert.deepEqual(new Set(found.map(String)), new Set(['one']))
  assert.equal(state.requests, 1)
})

test('a new key is found without waiting, and unknown names do not make a flood', async (t) => {
  const { state, kids, pass, publish } = await setUp(t)
  assert.deepEqual(await kids('one'), ['one'])
  publish(published('one'), published('two'))
  pass(31)
  assert.deepEqual(await kids('two'), ['two'])
  assert.equal(state.requests, 2)
  for (let i = 0; i < 50; i += 1) assert.deepEqual(await kids(`unknown-${i}`), [])
  assert.equal(state.requests, 2)
  pass(30)
  assert.deepEqual(await kids('unknown'), [])
  assert.equal(state.requests, 3)
})

test('the log names the application whose keys could not be read', async (t) => {
  const { state, kids, warned } = await setUp(t)
  state.status = 500
  assert.deepEqual(await kids('one'), [])
  const [fields] = warned.mock.calls.map((call) => (call.arguments as unknown[])[0])
  assert.deepEqual(loggable(fields as Record<string, unknown>), {
    target: 'app_1',
    reason: 'answered 500',
  })
})

test('a key that was taken away is gone when the keys are read again', async (t) => {
  const { kids, pass, publish } = await setUp(t)
  assert.deepEqual(await kids('one'), ['one'])
  publish(published('two'))
  pass(59 * 60)
  assert.deepEqual(await kids('one'), ['one'])
  pass(2 * 60)
  assert.deepEqual(await kids('one'), [])
})

test('the last good keys are kept for a day while the address does not answer, and it is asked seldom', async (t) => {
  const { state, kids, pass } = await setUp(t)
  assert.deepEqual(await kids('one'), ['one'])
  state.status = 503
  pass(2 * 3_600)
  assert.deepEqual(await kids('one'), ['one'])
  assert.deepEqual(await kids('one'), ['one'])
  assert.equal(state.requests, 2)
  for (const body of ['not json', '{}', '{"keys":{}}', '[]', 'null']) {
    Object.assign(state, { status: 200, body })
    pass(31)
    assert.deepEqual(await kids('one'), ['one'], body)
  }
  pass(22 * 3_600)
  assert.deepEqual(await kids('one'), [])
})

test('how long keys are fresh is what the answer says, from a minute to a day', async (t) => {
  const { state, kids, pass } = await setUp(t)
  for (const [maxAge, fresh] of [
    [0, 60],
    [7_200, 7_200],
    [99_999_999, 86_400],
  ] as const) {
    state.headers = { 'cache-control': `public, max-age=${maxAge}` }
    pass(86_401)
    await kids('one')
    const before = state.requests
    pass(fresh - 1)
    await kids('one')
    assert.equal(state.requests, before)
    pass(2)
    await kids('one')
    assert.equal(state.requests, before + 1)
  }
})

test('keys that are weak, symmetric, private or for something else are left out', async (t) => {
  const { kids, publish } = await setUp(t)
  const rsa = (bits: number) =>
    generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' })
  const secret = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    format: 'jwk',
  })
  publish(
    { ...rsa(1_024), kid: 'weak' },
    { ...rsa(2_048), kid: 'rsa' },
    { kty: 'oct', k: 'c2VjcmV0', kid: 'shared' },
    { ...secret, kid: 'private' },
    published('encryption', { use: 'enc' }),
    published('signing', { key_ops: ['sign'] }),
    published('bad\0kid'),
    published('another algorithm', { alg: 'ES512' }),
    { ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid: 'other-curve' },
    ...[null, 'x', [], 7],
    published('good', { use: 'sig', key_ops: ['verify'] }),
    published('good'),
  )
  assert.deepEqual(await kids(), ['rsa', 'good'])
})

test('a set that is too large is none', async (t) => {
  const { state, kids } = await setUp(t)
  state.body = JSON.stringify({ keys: [published('one')], pad: 'x'.repeat(70_000) })
  assert.deepEqual(await kids('one'), [])
})

test('tokens of published keys carry an id that another address of keys ends', () => {
  const id = publishedKeysId('app_1', 'https://a.example/jwks')
  assert.match(id, /^jku_[0-9a-f]{26}$/)
  assert.notEqual(id, publishedKeysId('app_1', 'https://b.example/jwks'))
  assert.notEqual(id, publishedKeysId('app_2', 'https://a.example/jwks'))
})

test('a key is found by the name that its owner gave it, however that is spelt', async (t) => {
  const { kids, publish } = await setUp(t)
  const names = ['1234example=', 'a+/b==', 'PYYO:TEWU', 'arn:aws:kms:eu:1:key/2', 'key 1']
  publish(...names.map((name) => published(name)))
  for (const name of names) assert.deepEqual(await kids(name), [name])
})

test('an address that does not answer keeps few waiting, and nobody who has keys', async (t) => {
  const open: ServerResponse[] = []
  const asked = Promise.withResolvers<void>()
  let isSilent = false
  const { source, application, kids, pass } = await setUp(t, (_request, response) => {
    if (!isSilent) return response.end(JSON.stringify({ keys: [published('one')] }))
    open.push(response)
    return asked.resolve()
  })
  assert.deepEqual(await kids('one'), ['one'])
  isSilent = true
  pass(3_601)
  const waiting = Array.from({ length: 100 }, () => kids('unknown'))
  await asked.promise
  await assert.rejects(kids('unknown'), { code: 'UNAVAILABLE' })
  assert.deepEqual(await kids('one'), ['one'], 'what is held is taken instead')
  const jwksUri = `${application.jwksUri}?another`
  const others = Array.from({ length: 100 }, () =>
    source.keysAt({ ...application, jwksUri }, undefined),
  )
  await assert.rejects(
    source.keysAt({ ...application, jwksUri: `${jwksUri}&more` }, undefined),
    { code: 'UNAVAILABLE' },
    'in all there is a bound, too',
  )
  const answered = Promise.all([...waiting, ...others])
  const ending = setInterval(() => {
    for (const response of open) response.destroy()
  }, 10)
  t.after(() => clearInterval(ending))
  assert.deepEqual((await answered).flat(), [])
  isSilent = false
  pass(31)
  assert.deepEqual(await kids('one'), ['one'])
})
