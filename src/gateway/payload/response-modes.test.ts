import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiEntry, ContractEntry, OperationTerms } from '#snapshot'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

type Context = Parameters<typeof testUpstream>[0]

const key = testKey()

const withTerms = (api: ApiEntry, terms: OperationTerms): ApiEntry => ({
  ...api,
  operations: api.operations.map((one) => ({ ...one, terms })),
})

async function setup(
  t: Context,
  body: string,
  terms: OperationTerms,
  contract: Partial<ContractEntry> = {},
  more: { type?: string; status?: number; schemas?: object; headers?: object } = {},
) {
  const upstream = await testUpstream(t, (_request, response) => {
    response.writeHead(more.status ?? 200, {
      'content-type': more.type ?? 'application/json',
      ...more.headers,
    })
    response.end(body)
  })
  const api = withTerms(simSwap(upstream.url), terms)
  const schemas = { ...api.schemas, ...more.schemas } as ApiEntry['schemas']
  const entries = [{ ...api, schemas }, key.entry, ...customer(1, contract)]
  const gateway = await testGateway(t, entries)
  const call = (claims: object = {}): Promise<Response> =>
    fetch(`${gateway.url}/sim-swap/v2/check`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key.token(1, { ...claims })}`,
        'content-type': 'application/json',
      },
      body: '{"phoneNumber":"+99012345678"}',
    })
  return { ...gateway, call, seen: () => gateway.gateway.violations() }
}

const undeclared = '{"swapped":true,"imsi":"901123456789012"}'
const wrong = '{"swapped":"yes"}'

test('strip: undeclared fields are taken out, anything else that is wrong is 502', async (t) => {
  const fine = await setup(t, undeclared, {})
  assert.equal(await (await fine.call()).text(), '{"swapped":true}')
  assert.deepEqual(
    fine.seen().map(({ keyword, action, count }) => [keyword, action, count]),
    [['unevaluatedProperties', 'stripped', 1]],
  )
  const bad = await setup(t, wrong, {})
  assert.equal((await bad.call()).status, 502)
  assert.equal(bad.seen()[0]?.keyword, 'type')
})

test('refuse: any violation is 502', async (t) => {
  for (const body of [undeclared, wrong]) {
    const gateway = await setup(t, body, { responses: 'refuse' })
    assert.equal((await gateway.call()).status, 502)
    assert.equal(gateway.seen()[0]?.action, 'refused')
  }
})

test('report: what is wrong passes as it is, and its owner is told', async (t) => {
  for (const [body, type, status] of [
    [undeclared, 'application/json', 200],
    [wrong, 'application/json', 200],
    ['no json', 'application/json', 200],
    ['plain', 'text/plain', 200],
    ['{}', 'application/json', 202],
  ] as const) {
    const gateway = await setup(t, body, { responses: 'report' }, {}, { type, status })
    const response = await gateway.call()
    assert.equal(response.status, status)
    assert.equal(await response.text(), body)
    const [violation] = gateway.seen()
    assert.equal(violation?.action, 'passed')
    assert.deepEqual(violation?.owner, { team: 'Identity', contact: 'identity@example.com' })
  }
})

test('report never lets an unknown field pass where fields are masked, by the product or by the contract', async (t) => {
  const masks = [{ field: 'msisdn', action: 'mask' as const }]
  const product = await setup(t, undeclared, { responses: 'report', masks })
  assert.equal(await (await product.call()).text(), '{"swapped":true}')
  const contract = await setup(
    t,
    undeclared,
    { responses: 'report' },
    { masks: [{ apiId: '*', field: 'msisdn', action: 'remove' }] },
  )
  assert.equal(await (await contract.call()).text(), '{"swapped":true}')
  const text = await setup(t, 'text', { responses: 'report', masks }, {}, { type: 'text/plain' })
  assert.equal((await text.call()).status, 502)
})

test('a report names the rule and its place, counts, and has no value of any answer', async (t) => {
  const gateway = await setup(t, '{"swapped":"+99012345678","a+99012345678":1}', {})
  await gateway.call()
  await gateway.call()
  const report = gateway.seen()
  assert.ok(report.every(({ count }) => count === 2))
  assert.ok(report.some(({ schemaPath }) => schemaPath.endsWith('/properties/swapped/type')))
  assert.equal(JSON.stringify(report).includes('99012345678'), false)
})

test('names that every object inherits are undeclared unless the document declares them', async (t) => {
  const schemas = {
    CheckSimSwapInfo: {
      allOf: [
        { type: 'object', required: ['swapped'], properties: { swapped: { type: 'boolean' } } },
        { anyOf: [{ properties: { a: {} } }, { properties: { b: {} } }] },
      ],
    },
  }
  const body = '{"swapped":true,"toString":"x","__proto__":{"imsi":"1"},"constructor":5,"x":1}'
  const gateway = await setup(t, body, {}, {}, { schemas })
  assert.equal(await (await gateway.call()).text(), '{"swapped":true}')
})

test('a stripped answer keeps its other numbers as they were written', async (t) => {
  const schemas = {
    CheckSimSwapInfo: {
      type: 'object',
      properties: { amount: { type: 'number' }, id: { type: 'integer' } },
    },
  }
  const body = '{"amount":10.00,"id":12345678901234567890,"x":1}'
  const gateway = await setup(t, body, {}, {}, { schemas })
  assert.equal(await (await gateway.call()).text(), '{"amount":10.00,"id":12345678901234567890}')
})

const person = {
  CheckSimSwapInfo: {
    type: 'object',
    properties: {
      swapped: { type: 'boolean' },
      phoneNumber: { type: 'string' },
      owner: {
        oneOf: [{ type: 'object', properties: { name: { type: 'string' } } }, { type: 'array' }],
      },
    },
  },
}
const shown = '{"swapped":true,"phoneNumber":"+99012345678","owner":{"name":"Anna"}}'

test('a field is masked unless a scope or the contract reveals it, and the journal says which were', async (t) => {
  const terms: OperationTerms = {
    masks: [
      { field: 'phoneNumber', action: 'mask', revealedBy: ['sim-swap'] },
      { field: 'owner.name', action: 'remove' },
    ],
  }
  const gateway = await setup(t, shown, terms, {}, { schemas: person })
  assert.equal(
    await (await gateway.call()).text(),
    '{"swapped":true,"phoneNumber":"+*********78","owner":{}}',
  )
  assert.equal(
    await (await gateway.call({ scope: 'sim-swap' })).text(),
    '{"swapped":true,"phoneNumber":"+99012345678","owner":{}}',
  )
  assert.deepEqual(
    gateway.journal.records.map(({ masked }) => masked?.toSorted()),
    [['owner.name', 'phoneNumber'], ['owner.name']],
  )
  const open = await setup(
    t,
    shown,
    terms,
    { masks: [{ apiId: 'sim-swap/v2', field: 'owner.name', action: 'pass' }] },
    { schemas: person },
  )
  assert.deepEqual(await (await open.call()).json(), {
    swapped: true,
    phoneNumber: '+*********78',
    owner: { name: 'Anna' },
  })
})

test('an error is masked as well, and no number of anybody stays in its message', async (t) => {
  const gateway = await setup(
    t,
    '{"status":404,"code":"NOT_FOUND","message":"No +990 123-456-78, id 990123456789","contextMessage":"Anna"}',
    { masks: [{ field: 'contextMessage', action: 'remove' }] },
    {},
    { status: 404 },
  )
  assert.deepEqual(await (await gateway.call()).json(), {
    status: 404,
    code: 'NOT_FOUND',
    message: 'No (a number), id (a number)',
  })
})

test('no spelling of a number stays in the message of an error, and what is none does', async (t) => {
  for (const [message, shown] of [
    ['No (+990) 10000001 here', 'No (a number) here'],
    ['No 99 010 000 001.', 'No (a number).'],
    ['+990 - 100 000 001', '(a number)'],
    ['00\u00a0990 1000 0001', '(a number)'],
    ['+990/100/000/01', '(a number)'],
    ['+990.(100).00001', '(a number)'],
    ['+9901234', '(a number)'],
    ['at most 50 of 200, section 4.2.1', 'at most 50 of 200, section 4.2.1'],
  ]) {
    const body = JSON.stringify({ status: 404, code: 'NOT_FOUND', message })
    const gateway = await setup(t, body, {}, {}, { status: 404 })
    assert.equal(((await (await gateway.call()).json()) as { message: string }).message, shown)
  }
})

test('a code that may carry a number reaches neither the partner nor the journal', async (t) => {
  for (const code of ['LAB.99010000001', 'SIM_SWAP.9_90_10_00', '99010000001']) {
    const body = JSON.stringify({ status: 404, code, message: 'no' })
    const gateway = await setup(t, body, {}, {}, { status: 404 })
    const response = await gateway.call()
    assert.equal(response.status, 502)
    assert.equal((await response.text()).includes(code), false)
    assert.equal(JSON.stringify(gateway.journal.records).includes(code), false)
  }
  const own = JSON.stringify({ status: 404, code: 'SIM_SWAP.NO_HISTORY', message: 'no' })
  const gateway = await setup(t, own, {}, {}, { status: 404 })
  assert.equal((await gateway.call()).status, 404)
})

test('a header field that repeats a masked value does not leave', async (t) => {
  const gateway = await setup(
    t,
    shown,
    { masks: [{ field: 'phoneNumber', action: 'hash' }] },
    {},
    { schemas: person, headers: { location: '/numbers/%2B99012345678', 'x-total': '7' } },
  )
  const response = await gateway.call()
  assert.equal(response.headers.get('location'), null)
  assert.equal(response.headers.get('x-total'), '7')
  assert.equal(JSON.stringify(await response.json()).includes('99012345678'), false)
})
