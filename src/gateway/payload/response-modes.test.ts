import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCheckedText } from '#platform/checked-text'
import type { ApiEntry, ContractEntry, OperationTerms } from '#snapshot'
import {
  application,
  contract,
  customer,
  sealing,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
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
  return { ...gateway, upstream, call, seen: () => gateway.gateway.violations() }
}

const undeclared = '{"swapped":true,"imsi":"901123456789012"}'
const wrong = '{"swapped":"yes"}'

test('strip: undeclared fields are taken out, anything else that is wrong is 502', async (t) => {
  const fine = await setup(t, undeclared, {})
  assert.equal(await (await fine.call()).text(), '{"swapped":true}')
  assert.deepEqual(
    fine.seen().map(({ keyword, action, count }) => [keyword, action, count]),
    [['undeclared', 'stripped', 1]],
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
  assert.deepEqual(
    report.map(({ schemaPath, message }) => [schemaPath, message]),
    [
      [
        '#/components/schemas/CheckSimSwapInfo/properties/swapped/type',
        'the field `swapped` must be true or false',
      ],
    ],
  )
  assert.equal(JSON.stringify(report).includes('99012345678'), false)
})

test('an owner reads the place in the published document and plain words, however deep and composed it is', async (t) => {
  const schemas = {
    Point: {
      type: 'object',
      required: ['latitude'],
      properties: { latitude: { type: 'number' } },
    },
    'Place.response': {
      allOf: [
        { $ref: '#/$defs/Point' },
        { properties: { name: { type: 'string', maxLength: 3 } } },
      ],
    },
    CheckSimSwapInfo: {
      type: 'object',
      properties: {
        places: { type: 'array', minItems: 1, items: { $ref: '#/$defs/Place.response' } },
        byDay: { type: 'object', additionalProperties: { $ref: '#/$defs/Point' } },
      },
    },
  }
  const told = async (body: string): Promise<string[]> => {
    const gateway = await setup(t, body, { responses: 'refuse' }, {}, { schemas })
    assert.equal((await gateway.call()).status, 502)
    const report = gateway.seen()
    assert.doesNotMatch(JSON.stringify(report), /open:|published:|defs|unevaluated|NOT/)
    return report.map(({ schemaPath, message }) => `${schemaPath} ${message}`).toSorted()
  }
  assert.deepEqual(await told('{"places":[],"byDay":{}}'), [
    '#/components/schemas/CheckSimSwapInfo/properties/places/minItems the field `places` must have at least 1 item',
  ])
  assert.deepEqual(await told('{"byDay":{},"z":1}'), [
    '#/components/schemas/CheckSimSwapInfo the field `z` is not declared',
  ])
  assert.deepEqual(await told('{"places":[{"latitude":1,"name":"Anna","y":1}]}'), [
    '#/components/schemas/Place/allOf/1/properties/name/maxLength the field `places[].name` must have at most 3 characters',
  ])
  assert.deepEqual(await told('{"places":[{"latitude":1,"y":1}],"byDay":{"+99012345678":{}}}'), [
    '#/components/schemas/Place the field `places[].y` is not declared',
    '#/components/schemas/Point/required the field `byDay.*.latitude` is missing',
  ])
})

test('a body that the document has in its place of use is told of by that place', async (t) => {
  const upstream = await testUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1,"99012345678":1}')
  })
  const api = simSwap(upstream.url)
  const operations = api.operations.map((one) => ({
    ...one,
    responses: [
      {
        status: '200',
        headers: [],
        content: {
          'application/json': { type: 'object', properties: { a: { type: 'integer' } } },
        },
      },
    ],
  }))
  const gateway = await testGateway(t, [{ ...api, operations }, key.entry, ...customer(1)])
  const response = await fetch(`${gateway.url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'application/json' },
    body: '{"phoneNumber":"+99012345678"}',
  })
  assert.equal(response.status, 200)
  const [violation] = gateway.gateway.violations()
  assert.equal(
    violation?.schemaPath,
    '#/paths/~1check/post/responses/200/content/application~1json/schema',
  )
  assert.equal(violation.message, 'the field `(a name)` is not declared')
})

test('an upstream that makes up names does not push other faults out of the report', async (t) => {
  let n = 0
  const gateway = await setup(t, '', {})
  gateway.upstream.answer = (_request, response) => {
    n += 1
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"swapped":true,"field${n}":1}`)
  }
  for (let i = 0; i < 40; i += 1) assert.equal((await gateway.call()).status, 200)
  const report = gateway.seen()
  assert.equal(report.length, 21)
  const rest = report.find(({ message }) => message === 'further fields are not declared')
  assert.equal(rest?.count, 20)
})

test('an answer that passes against its document is marked in the journal, and no other is', async (t) => {
  for (const [body, terms, marked] of [
    [undeclared, { responses: 'report' }, true],
    [wrong, { responses: 'report' }, true],
    ['{"swapped":true}', { responses: 'report' }, undefined],
    [undeclared, {}, undefined],
    [wrong, { responses: 'refuse' }, undefined],
  ] as [string, OperationTerms, true | undefined][]) {
    const gateway = await setup(t, body, terms)
    await gateway.call()
    assert.equal(gateway.journal.records[0]?.undocumented, marked, body)
  }
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
    ['since 2026-11-21T10:00:00.123456+01:00.', 'since 2026-11-21T10:00:00.123456+01:00.'],
    ['on 2026-11-21 12:30, at 10:00:00Z', 'on 2026-11-21 12:30, at 10:00:00Z'],
    ['2026-11-21/2026-11-22', '2026-11-21/2026-11-22'],
    ['id 12345 of 1234', 'id (a number) of 1234'],
    ['2026-11-21 990123456', '(a number)'],
    ['990 2026-11-21', '(a number)'],
    ['+2026-11-21', '(a number)'],
    ['2026-13-41', '(a number)'],
    ['20261121', '(a number)'],
    ['no \u0669\u0669\u0660\u0661\u0660\u0660\u0660', 'no (a number)'],
  ]) {
    const body = JSON.stringify({ status: 404, code: 'NOT_FOUND', message })
    const gateway = await setup(t, body, {}, {}, { status: 404 })
    assert.equal(((await (await gateway.call()).json()) as { message: string }).message, shown)
  }
})

test('a code that no client can know becomes the general one of its status, for the partner and in the journal', async (t) => {
  for (const [status, code, general] of [
    [404, 'LAB.99010000001', 'NOT_FOUND'],
    [404, 'SIM_SWAP.9_90_10_00', 'NOT_FOUND'],
    [404, '99010000001', 'NOT_FOUND'],
    [404, 'not_found', 'NOT_FOUND'],
    [404, 'ORA.NO_ROW', 'NOT_FOUND'],
    [404, 'CONFLICT', 'NOT_FOUND'],
    [400, 'E1', 'INVALID_ARGUMENT'],
    [422, 'WRONG', 'SERVICE_NOT_APPLICABLE'],
    [500, 'NullPointerException', 'INTERNAL'],
    [409, 'SIM_SWAP.STATUS_THAT_IS_NOT_DOCUMENTED', 'CONFLICT'],
  ] as const) {
    const body = JSON.stringify({ status, code, message: 'no' })
    const gateway = await setup(t, body, {}, {}, { status })
    const response = await gateway.call()
    assert.equal(response.status, status)
    assert.deepEqual(await response.json(), { status, code: general, message: 'no' })
    assert.equal(gateway.journal.records[0]?.code, general)
    assert.deepEqual(
      gateway.seen().map(({ keyword, action }) => [keyword, action]),
      [['error-code', 'stripped']],
    )
  }
  const strange = JSON.stringify({ status: 418, code: 'TEAPOT', message: 'no' })
  const teapot = await setup(t, strange, {}, {}, { status: 418 })
  assert.equal((await teapot.call()).status, 502)
  const own = JSON.stringify({ status: 404, code: 'SIM_SWAP.NO_HISTORY', message: 'no' })
  const gateway = await setup(t, own, {}, {}, { status: 404 })
  assert.equal(await (await gateway.call()).text(), own)
})

test('an error leaves in the standard form or not at all, in every mode and with every status', async (t) => {
  const modes = ['report', 'strip', 'refuse'] as const
  for (const responses of modes)
    for (const status of [403, 409, 429, 500, 503]) {
      const code = { 403: 'PERMISSION_DENIED', 409: 'CONFLICT', 429: 'TOO_MANY_REQUESTS' }[status]
      const error = { status, code: code ?? 'INTERNAL', message: 'no' }
      const body = JSON.stringify({ ...error, code: status === 503 ? 'UNAVAILABLE' : error.code })
      const fine = await setup(t, body, { responses }, {}, { status })
      const passed = await fine.call()
      assert.equal(passed.status, status)
      assert.equal(await passed.text(), body)
      assert.deepEqual(fine.seen(), [], 'common codes may always be returned')
      const trace = 'java.lang.Exception: at core-7.internal'
      const other = await setup(t, trace, { responses }, {}, { status, type: 'text/plain' })
      const refused = await other.call()
      const mapped = status === 429 || status === 503 ? 503 : 502
      assert.equal(refused.status, mapped, `${responses} ${status}`)
      assert.equal((await refused.text()).includes('core-7'), false)
      assert.deepEqual(
        other.seen().map(({ keyword, action }) => [keyword, action]),
        [['error-model', 'refused']],
      )
    }
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

test('an API key reveals no masked field, whatever scopes the operation asks of tokens; a contract does', async (t) => {
  const body = '{"swapped":true,"phoneNumber":"+99012345678"}'
  const upstream = await testUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  const terms: OperationTerms = {
    credentials: ['access-token', 'api-key'],
    masks: [{ field: 'phoneNumber', action: 'mask', revealedBy: ['sim-swap', 'sim-swap:check'] }],
  }
  const api = withTerms(simSwap(upstream.url), terms)
  const apiKey = newCheckedText('wl_sbx_key_', 43)
  const hash = sealing.keyedHash('api-key', apiKey)
  const gateway = await testGateway(t, [
    { ...api, schemas: { ...api.schemas, ...person } },
    key.entry,
    ...customer(1),
    application(1, {
      credentialIds: ['crd_1', 'crd_k'],
      apiKeys: [{ credentialId: 'crd_k', hash }],
    }),
  ])
  const shownTo = async (headers: Record<string, string>): Promise<string> => {
    const response = await fetch(`${gateway.url}/sim-swap/v2/check`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"phoneNumber":"+99012345678"}',
    })
    assert.equal(response.status, 200)
    return await response.text()
  }
  const hidden = '{"swapped":true,"phoneNumber":"+*********78"}'
  assert.equal(await shownTo({ authorization: `Bearer ${key.token(1)}` }), body)
  assert.equal(await shownTo({ 'x-api-key': apiKey }), hidden)
  const masks = [{ apiId: 'sim-swap/v2', field: 'phoneNumber', action: 'pass' as const }]
  gateway.snapshot.put(contract(1, { masks }))
  assert.equal(await shownTo({ 'x-api-key': apiKey }), body)
})
