import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '#platform/clock'
import { loadConfig } from '#platform/config'
import { createSealing } from '#platform/sealing'
import { createNetwork } from './create-network-authentication.ts'
import { handsetCookie, sealHandsetSession } from './handset-session.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

const sealing = createSealing(Buffer.alloc(32, 7))
const clock = manualClock('2026-03-02T10:00:00Z')

function network(env: Record<string, string>, lines: unknown[] = []) {
  const note = (fields: unknown, message: unknown): void => {
    lines.push(fields, message)
  }
  const log = { warn: note, info: note, error: note, debug: note }
  return createNetwork(
    { config: loadConfig('/nowhere', '0', env), sealing, clock, log: log as never },
    'production',
  )
}

/** A request as the listener gets it: `remoteAddress` is who connected. */
function from(remoteAddress: string, headers: Record<string, string | string[]> = {}) {
  const raw = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => [name, one]),
  )
  const joined = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    [value].flat().join(', '),
  ])
  const request = {
    rawHeaders: raw,
    headers: Object.fromEntries(joined),
    socket: { remoteAddress, remotePort: 50_001 },
  }
  return request as unknown as IncomingMessage
}

const enriching = {
  WAYLEAVE_ENRICHED_HEADER: 'x-msisdn',
  WAYLEAVE_ENRICHED_NETWORKS: '10.20.0.0/16, 2001:db8:20::/48',
  WAYLEAVE_TRUSTED_PROXIES: '192.0.2.0/24',
}

for (const [what, request, phoneNumber] of [
  [
    'from a gateway of the network',
    from('10.20.1.1', { 'X-MSISDN': '351912345678' }),
    '+351912345678',
  ],
  ['with its plus sign', from('10.20.1.1', { 'x-msisdn': '+351912345678' }), '+351912345678'],
  ['over IPv4 in IPv6', from('::ffff:10.20.1.1', { 'x-msisdn': '351912345678' }), '+351912345678'],
  ['over IPv6', from('2001:db8:20::7', { 'x-msisdn': '351912345678' }), '+351912345678'],
  ['from the internet', from('198.51.100.1', { 'x-msisdn': '351912345678' }), undefined],
  ['through a trusted proxy', from('192.0.2.1', { 'x-msisdn': '351912345678' }), undefined],
  ['twice', from('10.20.1.1', { 'x-msisdn': ['351912345678', '351900000000'] }), undefined],
  ['as a list', from('10.20.1.1', { 'x-msisdn': '351912345678, 351900000000' }), undefined],
  ['in the national form', from('10.20.1.1', { 'x-msisdn': '0912345678' }), undefined],
  ['with separators', from('10.20.1.1', { 'x-msisdn': '+351 912 345 678' }), undefined],
  ['empty', from('10.20.1.1', { 'x-msisdn': '' }), undefined],
  ['in another field', from('10.20.1.1', { msisdn: '351912345678' }), undefined],
  ['of the sandbox', from('10.20.1.1', { 'x-msisdn': '99010000001' }), undefined],
] as const)
  test(`an enriched number ${what} is ${phoneNumber === undefined ? 'not believed' : 'believed'}`, async () => {
    const identity = await network(enriching).identify(request)
    assert.deepEqual(identity, phoneNumber && { phoneNumber, method: 'header-enrichment' })
  })

test('a number that is not of this operator authenticates nobody', async () => {
  const own = network({ ...enriching, WAYLEAVE_SUBSCRIBER_NUMBERS: '+35191, +35193' })
  const request = (number: string) => from('10.20.1.1', { 'x-msisdn': number })
  assert.equal((await own.identify(request('351912345678')))?.phoneNumber, '+351912345678')
  assert.equal(await own.identify(request('351922345678')), undefined)
  assert.equal(own.lookup.mayServe('+351932345678'), true)
  assert.equal(own.lookup.mayServe('+34632345678'), false)
})

test('no peer outside the named networks can write a number, whatever it sends', async () => {
  const own = network(enriching)
  await fc.assert(
    fc.asyncProperty(fc.ipV4(), fc.string(), async (address, value) => {
      fc.pre(!address.startsWith('10.20.'))
      assert.equal(await own.identify(from(address, { 'x-msisdn': value })), undefined)
    }),
  )
})

type Asked = { authorization: string | undefined; question: Record<string, unknown> }

/** The operator's service: `answer` is what it says to each question. */
async function operator(
  t: TestContext,
  answer: (question: Record<string, unknown>) => { status: number; body: string } | undefined,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const question = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    asked.push({ authorization: request.headers.authorization, question })
    const said = answer(question)
    if (said !== undefined)
      response.writeHead(said.status, { 'content-type': 'application/json' }).end(said.body)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/numbers`, asked }
}

const known = { status: 200, body: '{"phoneNumber":"+351912345678"}' }

test('an address and its port are looked up at the operator, with its secret', async (t) => {
  const { url, asked } = await operator(t, () => known)
  const own = network({
    WAYLEAVE_NUMBER_LOOKUP_URL: url,
    WAYLEAVE_NUMBER_LOOKUP_TOKEN: 'a-secret',
    WAYLEAVE_TRUSTED_PROXIES: '192.0.2.0/24',
  })
  t.after(() => own.close())
  const cases = [
    [from('203.0.113.9'), { address: '203.0.113.9', port: 50_001 }],
    [
      from('192.0.2.1', { forwarded: 'for="203.0.113.9:40001";proto=https' }),
      { address: '203.0.113.9', port: 40_001 },
    ],
    [
      from('192.0.2.1', { forwarded: 'for=198.51.100.66, for="[2001:db8::9]:7", for=192.0.2.2' }),
      { address: '2001:db8::9', port: 7 },
    ],
    [
      from('198.51.100.1', { forwarded: 'for="203.0.113.9:1"' }),
      { address: '198.51.100.1', port: 50_001 },
    ],
  ] as const
  for (const [request, question] of cases) {
    assert.deepEqual(await own.identify(request), {
      phoneNumber: '+351912345678',
      method: 'address-lookup',
    })
    assert.deepEqual(asked.at(-1), { authorization: 'Bearer a-secret', question })
  }
})

test('where trusted proxies do not tell who is behind them, nobody is looked up', async (t) => {
  const { url, asked } = await operator(t, () => known)
  const own = network({
    WAYLEAVE_NUMBER_LOOKUP_URL: url,
    WAYLEAVE_NUMBER_LOOKUP_TOKEN: 'a-secret',
    WAYLEAVE_TRUSTED_PROXIES: '192.0.2.0/24',
  })
  t.after(() => own.close())
  for (const headers of [
    {},
    { forwarded: 'for=unknown' },
    { forwarded: 'for="_hidden:7"' },
    { forwarded: 'for=192.0.2.2' },
    { forwarded: 'for=203.0.113.9:1;' },
    { 'x-forwarded-for': '203.0.113.9' },
    { forwarded: 'for="203.0.113.9:1"', 'x-forwarded-for': '203.0.113.10' },
  ])
    assert.equal(await own.identify(from('192.0.2.1', headers)), undefined)
  assert.equal(asked.length, 0)
})

for (const [what, answer] of [
  ['knows nobody', { status: 404, body: '{}' }],
  ['fails', { status: 500, body: 'oops +351912345678' }],
  ['sends another place', { status: 302, body: '' }],
  ['answers with another form', { status: 200, body: '{"phoneNumber":"912345678"}' }],
  ['answers with no JSON', { status: 200, body: '+351912345678' }],
  [
    'answers too much',
    { status: 200, body: `{"phoneNumber":"+351912345678","x":"${'x'.repeat(8_192)}"}` },
  ],
  ['does not answer', undefined],
] as const)
  test(`when the operator’s service ${what}, nobody is authenticated, and no number is logged`, async (t) => {
    const { url } = await operator(t, () => answer)
    const lines: unknown[] = []
    const own = network(
      { WAYLEAVE_NUMBER_LOOKUP_URL: url, WAYLEAVE_NUMBER_LOOKUP_TOKEN: 'a-secret' },
      lines,
    )
    t.after(() => own.close())
    assert.equal(await own.identify(from('203.0.113.9')), undefined)
    assert.equal(/912345678|a-secret/.test(JSON.stringify(lines)), false)
    assert.equal(lines.length > 0, what !== 'knows nobody')
  })

test('in the sandbox a browser is on the network of its virtual handset, and no field counts', async () => {
  const lines: unknown[] = []
  const own = createNetwork(
    {
      config: loadConfig('/nowhere', '0', {
        ...enriching,
        WAYLEAVE_ENRICHED_NETWORKS: '127.0.0.0/8',
      }),
      sealing,
      clock,
      log: lines as never,
    },
    'sandbox',
  )
  const value = sealHandsetSession(sealing, {
    phoneNumber: '+99010000001',
    expiresAt: new Date('2026-03-03T10:00:00Z'),
  })
  const cookie = `other=1; ${handsetCookie}=${value}`
  assert.deepEqual(await own.identify(from('127.0.0.1', { cookie })), {
    phoneNumber: '+99010000001',
    method: 'virtual-handset',
  })
  const twice = `${cookie}; ${handsetCookie}=${value}`
  assert.equal(await own.identify(from('127.0.0.1', { cookie: twice })), undefined)
  assert.equal(await own.identify(from('127.0.0.1', { 'x-msisdn': '99010000001' })), undefined)
})
