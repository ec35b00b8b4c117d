import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkApi } from './check-api.ts'
import { toUpstream } from './compile-decisions.ts'
import { parcelDocument, parcelProduct } from './testing.ts'

/** What is compiled of a manifest with these lines, which must be sound. */
async function compiled(...lines: readonly string[]) {
  const product = `${parcelProduct}${lines.join('\n')}\n`
  const result = await checkApi({ document: parcelDocument, product })
  assert.ok(result.ok, JSON.stringify(result))
  return result.api
}

async function faultsOf(...lines: readonly string[]): Promise<string[]> {
  const product = `${parcelProduct}${lines.join('\n')}\n`
  const result = await checkApi({ document: parcelDocument, product })
  if (result.ok) return []
  return result.faults.map((f) => `${f.file}:${f.line}:${f.column} ${f.path} ${f.message}`)
}

test('what is decided about an operation is what gateways get, with the grid of a mask filled in', async () => {
  const api = await compiled(
    'operations:',
    '  readParcel:',
    '    credentials: [access-token, api-key]',
    '    weight: 3',
    '    responses: refuse',
    '    masks: [{ field: sender, action: mask, revealedBy: [parcel-tracking] }]',
    '  announceParcel: { idempotency: required, timeoutMs: 900, subject: { kind: none } }',
  )
  const terms = Object.fromEntries(api.operations.map((o) => [o.operationId, o.terms]))
  // What is made, and what has its id in the path, the document says itself.
  const parcel = { role: 'access', name: 'parcel', parameter: 'parcelId', derived: true }
  assert.deepEqual(terms, {
    readParcel: {
      resource: parcel,
      credentials: ['access-token', 'api-key'],
      weight: 3,
      responses: 'refuse',
      masks: [{ field: 'sender', action: 'mask', revealedBy: ['parcel-tracking'] }],
    },
    forgetParcel: { resource: parcel },
    announceParcel: {
      idempotency: 'required',
      timeoutMs: 900,
      subject: { kind: 'none' },
      resource: { role: 'create', name: 'parcel', field: 'id', derived: true },
    },
  })
})

test('an upstream with several targets has every default of its care said', async () => {
  const { upstream, timeoutMs } = await compiled(
    'upstream:',
    '  production:',
    "    targets: [{ url: 'https://a.example/x/', weight: 3 }, { url: 'https://b.example/x' }]",
    '    health: { path: /alive }',
    '    breaker: {}',
    "    canary: { url: 'https://c.example/', percent: 10 }",
    "    shadow: { url: 'https://d.example', percent: 1.5, tolerances: { weight: 0.1 } }",
  )
  assert.equal(upstream.sandbox, 'simulated')
  assert.deepEqual(toUpstream(upstream.production, 'production', timeoutMs), {
    kind: 'http',
    targets: [{ url: 'https://a.example/x', weight: 3 }, { url: 'https://b.example/x' }],
    timeoutMs: 10_000,
    health: { path: '/alive', intervalSeconds: 10, timeoutMs: 2_000, unhealthyAfter: 3 },
    breaker: { failures: 5, openSeconds: 30 },
    canary: { url: 'https://c.example', percent: 10, maxErrorPercent: 5, minCalls: 50 },
    shadow: { url: 'https://d.example', percent: 1.5, ignore: [], tolerances: { weight: 0.1 } },
  })
})

test('a function is an upstream like another', async () => {
  const { upstream } = await compiled(
    'upstream: { production: { function: { name: parcels, region: eu-central-1, qualifier: live }, breaker: { failures: 2 } } }',
  )
  assert.deepEqual(toUpstream(upstream.production, 'production', 500), {
    kind: 'function',
    function: { name: 'parcels', region: 'eu-central-1', qualifier: 'live' },
    timeoutMs: 500,
    breaker: { failures: 2, openSeconds: 30 },
  })
})

test('the end of a version and the origins of browsers are read, with instants in one spelling', async () => {
  const api = await compiled(
    'deprecation: { deprecatedAt: "2026-07-01T00:00:00+02:00", sunsetAt: "2027-07-01T00:00:00Z", successor: parcel-tracking/v2 }',
    "cors: { origins: ['https://app.example'] }",
  )
  assert.deepEqual(api.retirement, {
    deprecatedAt: '2026-06-30T22:00:00.000Z',
    sunsetAt: '2027-07-01T00:00:00.000Z',
    successor: 'parcel-tracking/v2',
  })
  assert.deepEqual(api.cors, { origins: ['https://app.example'], maxAgeSeconds: 600 })
})

test('the simulated operator is nowhere in production, whatever was stored', () => {
  assert.deepEqual(toUpstream('simulated', 'production', 5), { kind: 'none', timeoutMs: 5 })
  assert.deepEqual(toUpstream('simulated', 'sandbox', 5), { kind: 'simulated', timeoutMs: 5 })
})

for (const [title, lines, fault] of [
  [
    'an operation that is not in the document',
    ['operations:', '  readParcels: { weight: 2 }'],
    /^product.yaml:6:3 #\/operations\/readParcels .*did you mean `readParcel`/,
  ],
  [
    'an unknown key of an operation',
    ['operations: { readParcel: { wieght: 2 } }'],
    /^product.yaml:5:29 .*did you mean `weight`/,
  ],
  [
    'a weight of nothing',
    ['operations: { readParcel: { weight: 0 } }'],
    /must be a whole number from 1 to 1000/,
  ],
  [
    'no field path',
    ['operations: { readParcel: { masks: [{ field: a..b, action: mask }] } }'],
    /must be a field path such as/,
  ],
  [
    'an unknown action of a mask',
    ['operations: { readParcel: { masks: [{ field: a, action: hide }] } }'],
    /must be one of remove, mask, hash, coarsen, pass/,
  ],
  [
    'an upstream that is neither an address nor targets nor a function',
    ['upstream: { production: {} }'],
    /^product.yaml:5:13 #\/upstream\/production needs `targets`/,
  ],
  ['an upstream that is a list', ['upstream: { production: [] }'], /or a mapping with `targets`/],
  ['no targets', ['upstream: { production: { targets: [] } }'], /must have at least 1 item$/m],
  [
    'the simulated operator among the targets',
    ['upstream: { sandbox: { targets: [{ url: simulated }] } }'],
    /must be an http:\/\/ or https:\/\/ URL/,
  ],
  [
    'a deprecation that says nothing',
    ['deprecation: {}'],
    /needs `deprecatedAt`, `sunsetAt` or `successor`/,
  ],
  [
    'a date without a zone',
    ['deprecation: { sunsetAt: "2027-01-01T00:00:00" }'],
    /a date and time with a zone/,
  ],
] as const) {
  test(`refuses a manifest with ${title}, once and where it stands`, async () => {
    const faults = await faultsOf(...lines)
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.match(faults[0] ?? '', fault)
  })
}
