import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { createDatabasePool } from '#platform/database'
import { machineClock } from '#platform/testing-clock'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { payments, simSwap } from '../testing-entries.ts'
import { createPayloadStore } from './payload-store.ts'

const key = testKey()
type Context = Parameters<typeof testUpstream>[0]

async function setup(t: Context, answer = '{"reference":"r","amount":{"value":1}}') {
  const upstream = await testUpstream(t, (_request, response) => {
    response.writeHead(201, { 'content-type': 'application/json' }).end(answer)
  })
  const api = payments(upstream.url)
  const schemas = {
    ...api.schemas,
    Amount: {
      type: 'object',
      required: ['value'],
      properties: {
        value: { type: 'number', multipleOf: 0.01, exclusiveMinimum: 0 },
        currency: { type: 'string' },
      },
    },
    NewPayment: {
      allOf: [
        { $ref: '#/$defs/Base' },
        {
          type: 'object',
          required: ['reference'],
          properties: { reference: { type: 'string' }, constructor: { type: 'string' } },
        },
      ],
    },
  }
  const entries = [{ ...api, schemas }, simSwap(upstream.url), key.entry, ...customer(1)]
  const gateway = await testGateway(t, entries as Parameters<typeof testGateway>[1])
  const send = async (
    body: string | Buffer,
    more: { path?: string; type?: string } = {},
  ): Promise<{ status: number; message: string }> => {
    const response = await fetch(gateway.url + (more.path ?? '/payments/v0.5/payments'), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key.token(1)}`,
        'content-type': more.type ?? 'application/json',
      },
      body,
    })
    const text = await response.text()
    const { message = '' } = JSON.parse(text === '' ? '{}' : text) as { message?: string }
    return { status: response.status, message }
  }
  return { upstream, send }
}

test('profile 0.8 refuses unknown properties at any depth; profile 0.6 lets them pass', async (t) => {
  const { send, upstream } = await setup(t)
  for (const body of [
    '{"reference":"a","x":1}',
    '{"reference":"a","amount":{"value":1,"x":1}}',
    '{"reference":"a","toString":"x"}',
    '{"reference":"a","amount":{"value":1,"hasOwnProperty":1}}',
  ])
    assert.equal((await send(body)).status, 400, body)
  assert.equal(upstream.requests.length, 0)
  const loose = await send('{"phoneNumber":"+99012345678","x":1}', { path: '/sim-swap/v2/check' })
  assert.notEqual(loose.status, 400)
})

test('a name that objects inherit is refused unless the document declares it', async (t) => {
  const { send, upstream } = await setup(t)
  assert.equal((await send('{"reference":"a","constructor":"Ferrari"}')).status, 201)
  assert.equal((await send('{"reference":"a"}')).status, 201)
  for (const body of [
    '{"reference":"a","__proto__":{"x":1}}',
    '{"reference":"a","\\u005f_proto__":1}',
  ]) {
    assert.equal((await send(body)).status, 400, body)
    assert.equal((await send(body, { path: '/sim-swap/v2/check' })).status, 400, body)
  }
  assert.equal(upstream.requests.length, 2)
})

test('numbers reach the upstream as they were written, and a multiple of a cent is one', async (t) => {
  const { send, upstream } = await setup(t)
  for (const value of ['19.99', '10.00', '1e2', '0.07', '12345678901234567890']) {
    const body = `{"reference":"a","amount":{"value":${value}}}`
    assert.equal((await send(body)).status, 201, value)
    assert.equal(upstream.requests.at(-1)?.body, body)
  }
  for (const value of ['19.999', '1e400', '0', '-0'])
    assert.equal((await send(`{"reference":"a","amount":{"value":${value}}}`)).status, 400, value)
})

test('a body is JSON in UTF-8 with one reading', async (t) => {
  const { send } = await setup(t)
  const bad: (string | Buffer)[] = [
    '\ufeff{"reference":"a"}',
    '{"reference":"\\ud800"}',
    Buffer.from('{"reference":"\xff"}', 'latin1'),
    '{"reference":"a","reference":"b"}',
    `{"reference":${'['.repeat(40)}${']'.repeat(40)}}`,
  ]
  for (const body of bad) assert.equal((await send(body)).status, 400)
  for (const type of ['application/json; charset=utf-16', 'text/json', 'application/xml'])
    assert.equal((await send('{"reference":"a"}', { type })).status, 415, type)
  const { message } = await send(bad[0] ?? '')
  assert.match(message, /byte order mark/)
})

test('a database that accepts and then says nothing holds one call for a second, and no other', async (t) => {
  const silent = createServer(() => undefined)
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => void silent.close())
  const address = silent.address()
  assert.ok(typeof address === 'object' && address !== null)
  const database = createDatabasePool(`postgresql://a:b@127.0.0.1:${address.port}/c`, {
    applicationName: 'test',
  })
  t.after(() => database.close())
  const store = createPayloadStore(database, 'sandbox', () => performance.now())
  t.after(() => store.stop())
  const now = await machineClock()
  const startMs = now()
  await assert.rejects(store.reachable(), /in time/)
  const afterMs = now()
  assert.ok(afterMs - startMs < 2_000)
  for (let i = 0; i < 100; i += 1) await assert.rejects(store.reachable(), /does not answer/)
  assert.ok(now() - afterMs < 200)
})
