import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkApi } from './check-api.ts'
import { findField, stepsOf } from './field-paths.ts'
import { parcelDocument, parcelProduct, replaced } from './testing.ts'

const check = (lines: readonly string[], document = parcelDocument) =>
  checkApi({ document, product: `${parcelProduct}${lines.join('\n')}\n` })

const read = (terms: string): string[] => [`operations: { readParcel: ${terms} }`]
const announce = (terms: string): string[] => [`operations: { announceParcel: ${terms} }`]
const masked = (mask: string): string[] => read(`{ masks: [${mask}] }`)

/** With a body that names people as the standard does, a position, a map and a list of lists. */
const document = replaced(parcelDocument, [
  'required: [id, secret, size, phone, code]\n      properties:\n',
  `required: [id, secret, size, phone, code]
      properties:
        phoneNumber: { type: string }
        position: { type: object, properties: { latitude: { type: number }, longitude: { type: number } } }
        area: { type: object, properties: { center: { type: object, properties: { latitude: { type: number }, longitude: { type: number } } } } }
        labels: { type: object, additionalProperties: { type: object, properties: { text: { type: string } } } }
        legs: { type: array, items: { type: array, items: { type: object, properties: { by: { type: string } } } } }
`,
])

for (const [title, lines] of [
  ['a field behind a reference', masked('{ field: id, action: hash }')],
  ['a field of one alternative of a oneOf', masked('{ field: weight, action: coarsen }')],
  [
    'a field of a list of the schema itself',
    masked('{ field: "inside[].sender", action: remove }'),
  ],
  [
    'a field that any member has',
    announce('{ masks: [{ field: "labels.*.text", action: mask }] }'),
  ],
  ['a member of a map', announce('{ masks: [{ field: labels.a.text, action: mask }] }')],
  ['a field of a list of lists', announce('{ masks: [{ field: "legs[][].by", action: mask }] }')],
  ['an area', announce('{ masks: [{ field: area, action: coarsen }] }')],
  ['a position', announce('{ masks: [{ field: position, action: coarsen }] }')],
  ['a map that is removed', announce('{ masks: [{ field: labels, action: remove }] }')],
  [
    'a name with a dot in it',
    announce('{ masks: [{ field: "labels.a\\\\.b.text", action: mask }] }'),
  ],
  [
    'a part of what another API makes',
    read(
      '{ resource: { role: list, name: note, items: inside, field: id, within: { name: post/parcel, parameter: parcelId } } }',
    ),
  ],
  ['a date', announce('{ masks: [{ field: at, action: coarsen }] }')],
  [
    'a field of one alternative that is an object',
    masked('{ field: "inside[].pages", action: coarsen }'),
  ],
  [
    'a scope of another operation',
    masked('{ field: sender, action: remove, revealedBy: [parcel-tracking] }'),
  ],
  ['a subject that the request names', announce('{ subject: { kind: always, field: phone } }')],
  ['a subject where the standard has it', announce('{ subject: { kind: identifier } }')],
  [
    'a POST that only reads and is kept',
    announce('{ safe: true, cacheSeconds: 5, subject: { kind: none } }'),
  ],
  ['a GET that is kept', read('{ cacheSeconds: 5 }')],
  [
    'personal data that may be kept',
    announce('{ safe: true, cacheSeconds: 5, cachePersonal: true }'),
  ],
  ['API keys alone', read('{ credentials: [api-key] }')],
  [
    'a resource that is made and read',
    [
      'operations:',
      '  announceParcel: { resource: { role: create, name: parcel, field: id } }',
      '  readParcel: { resource: { role: access, name: parcel, parameter: parcelId } }',
    ],
  ],
  [
    'a comparison that tolerates',
    [
      "upstream: { production: { targets: [{ url: 'https://a.example' }], shadow: { url: 'https://b.example', percent: 5, ignore: [phone], tolerances: { weight: 0.5, at: 60 } } } }",
    ],
  ],
] as const) {
  test(`accepts a manifest with ${title}`, async () => {
    const result = await check(lines, document)
    assert.deepEqual(result.ok ? [] : result.faults, [])
  })
}

for (const [title, lines, fault] of [
  ['an unknown field', masked('{ field: sendr, action: mask }'), /did you mean `sender`/],
  [
    'a field below a text',
    masked('{ field: sender.name, action: mask }'),
    /`sender` has no fields/,
  ],
  [
    'a list without its sign',
    masked('{ field: inside.sender, action: mask }'),
    /write `inside\[\]`/,
  ],
  [
    'items of what is no list',
    masked('{ field: "sender[]", action: mask }'),
    /`sender` is no list/,
  ],
  [
    'a field that only the request has',
    announce('{ masks: [{ field: secret, action: mask }] }'),
    /no field `secret`/,
  ],
  [
    'a required field that is removed',
    masked('{ field: id, action: remove }'),
    /is required in the response 200 .* Choose mask, hash or coarsen/,
  ],
  [
    'a field that one alternative requires and that is removed',
    masked('{ field: weight, action: remove }'),
    /is required in the response 200/,
  ],
  [
    'a number that is made unreadable',
    masked('{ field: weight, action: mask }'),
    /is no text.* Choose coarsen/,
  ],
  [
    'an object that is hashed',
    announce('{ masks: [{ field: position, action: hash }] }'),
    /has `latitude` in it, which is no text/,
  ],
  [
    'a text that is coarsened',
    masked('{ field: sender, action: coarsen }'),
    /no location \(with latitude and longitude\)/,
  ],
  [
    'a grid without a location',
    masked('{ field: sender, action: mask, gridMetres: 10 }'),
    /is for coarsen only/,
  ],
  [
    'two masks of one field',
    masked('{ field: sender, action: mask }, { field: sender, action: hash }'),
    /has a mask already/,
  ],
  [
    'a mask on an operation without a body',
    ['operations: { forgetParcel: { masks: [{ field: id, action: mask }] } }'],
    /has no response body/,
  ],
  [
    'a scope that reveals and is none',
    masked('{ field: sender, action: mask, revealedBy: [parcel-tracking:reed] }'),
    /did you mean `parcel-tracking:read`/,
  ],
  [
    'a scope that reveals what passes',
    masked('{ field: sender, action: pass, revealedBy: [parcel-tracking] }'),
    /reveals nothing/,
  ],
  [
    'a subject that is not in the request',
    announce('{ subject: { kind: always, field: phonee } }'),
    /did you mean `phone`/,
  ],
  [
    'a subject of a request without a body',
    read('{ subject: { kind: always } }'),
    /no `phoneNumber` and no `device`/,
  ],
  [
    'a field of nobody',
    announce('{ subject: { kind: none, field: phone } }'),
    /the subject is `none`/,
  ],
  [
    'a write that is kept',
    announce('{ cacheSeconds: 5, subject: { kind: none } }'),
    /change nothing/,
  ],
  [
    'personal data that is kept',
    announce('{ safe: true, cacheSeconds: 5 }'),
    /names a person by `phoneNumber`.*cachePersonal/,
  ],
  [
    'masked data that is kept',
    read('{ cacheSeconds: 5, masks: [{ field: sender, action: remove }] }'),
    /fields are masked/,
  ],
  [
    'consented data that is kept',
    ['consent: { basis: consent }', ...read('{ cacheSeconds: 5 }')],
    /basis of the API is consent/,
  ],
  ['what may be kept, and for no time', read('{ cachePersonal: true }'), /without `cacheSeconds`/],
  ['a DELETE that reads', ['operations: { forgetParcel: { safe: true } }'], /this is a DELETE/],
  ['a GET that changes something', read('{ safe: false }'), /a GET changes nothing/],
  ['a key for what is repeatable', read('{ idempotency: required }'), /changes nothing/],
  [
    'API keys where consent counts',
    ['consent: { basis: consent }', ...read('{ credentials: [access-token, api-key] }')],
    /only an access token carries a consent/,
  ],
  [
    'bound tokens where none are accepted',
    read('{ credentials: [api-key], senderConstrained: true }'),
    /`clientCertificate` instead/,
  ],
  [
    'a resource without its id',
    announce('{ resource: { role: create, name: parcel } }'),
    /needs `field`/,
  ],
  [
    'a resource whose id is nowhere',
    announce('{ resource: { role: create, name: parcel, field: idd } }'),
    /did you mean `id`/,
  ],
  [
    'a resource that no parameter names',
    read('{ resource: { role: access, name: parcel, parameter: parcelid } }'),
    /did you mean `parcelId`/,
  ],
  [
    'a key of another role',
    read('{ resource: { role: access, name: parcel, parameter: parcelId, items: x } }'),
    /has no meaning for `access`/,
  ],
  [
    'a part of what no parameter names',
    read(
      '{ resource: { role: list, name: note, items: inside, field: id, within: { name: parcel, parameter: id } } }',
    ),
    /`id` is no path parameter of readParcel/,
  ],
  [
    'a list that is none',
    announce('{ resource: { role: list, name: parcel, items: labels, field: id } }'),
    /`labels` is no list/,
  ],
  [
    'targets without weight',
    ["upstream: { production: { targets: [{ url: 'https://a.example', weight: 0 }] } }"],
    /have no weight/,
  ],
  [
    'a target twice',
    [
      "upstream: { production: { targets: [{ url: 'https://a.example/' }, { url: 'https://A.example' }] } }",
    ],
    /listed already/,
  ],
  [
    'a canary that is a target',
    [
      "upstream: { production: { targets: [{ url: 'https://a.example' }], canary: { url: 'https://a.example:443', percent: 5 } } }",
    ],
    /is a target/,
  ],
  [
    'a percentage above all',
    [
      "upstream: { production: { targets: [{ url: 'https://a.example' }], canary: { url: 'https://b.example', percent: 101 } } }",
    ],
    /from 0 to 100/,
  ],
  [
    'a health check of a function',
    ['upstream: { production: { function: { name: f, region: eu-west-1 }, health: { path: / } } }'],
    /no path to ask/,
  ],
  [
    'a sandbox that is production',
    [
      "upstream: { sandbox: 'https://a.example/', production: { targets: [{ url: 'https://A.example' }] } }",
    ],
    /must never reach a real network/,
  ],
  [
    'a sandbox function that is production’s',
    [
      'upstream: { sandbox: { function: { name: f, region: eu-west-1 } }, production: { function: { name: f, region: eu-west-1 } } }',
    ],
    /must never reach/,
  ],
  [
    'a tolerance of what is no number',
    [
      "upstream: { production: { targets: [{ url: 'https://a.example' }], shadow: { url: 'https://b.example', percent: 5, tolerances: { sender: 1 } } } }",
    ],
    /is no number and no time/,
  ],
  [
    'a comparison of what is nowhere',
    [
      "upstream: { production: { targets: [{ url: 'https://a.example' }], shadow: { url: 'https://b.example', percent: 5, ignore: [sendr] } } }",
    ],
    /did you mean `sender`/,
  ],
  ['every origin', ["cors: { origins: ['*'] }"], /names every origin/],
  [
    'an origin with a path',
    ["cors: { origins: ['https://app.example/'] }"],
    /as browsers send it: https:\/\/app.example$/,
  ],
  [
    'an origin with the port that browsers leave out',
    ["cors: { origins: ['https://app.example:443'] }"],
    /as browsers send it/,
  ],
  [
    'an origin in capitals',
    ["cors: { origins: ['https://App.example'] }"],
    /as browsers send it: https:\/\/app.example$/,
  ],
  ['an origin without TLS', ["cors: { origins: ['http://app.example'] }"], /must be https/],
  [
    'an origin of another scheme',
    ["cors: { origins: ['ftp://app.example'] }"],
    /must be an origin/,
  ],
  [
    'an end before its beginning',
    [
      'deprecation: { deprecatedAt: "2027-01-01T00:00:00Z", sunsetAt: "2027-01-01T00:30:00+01:00" }',
    ],
    /must be after `deprecatedAt`/,
  ],
  [
    'a day that no calendar has',
    ['deprecation: { sunsetAt: "2027-02-30T00:00:00Z" }'],
    /no date of the calendar/,
  ],
  [
    'a second that no clock here has',
    ['deprecation: { sunsetAt: "2026-12-31T23:59:60Z" }'],
    /no date of the calendar/,
  ],
  [
    'itself as successor',
    ['deprecation: { successor: parcel-tracking/v1 }'],
    /cannot be its own successor/,
  ],
] as const) {
  test(`refuses a manifest with ${title}`, async () => {
    const result = await check(lines, document)
    assert.ok(!result.ok, 'it was accepted')
    assert.equal(result.faults.length, 1, JSON.stringify(result.faults))
    const [first] = result.faults
    assert.match(first?.message ?? '', fault)
    assert.equal(first?.file, 'product.yaml')
    assert.ok((first?.line ?? 0) >= 5 && (first?.column ?? 0) > 1, JSON.stringify(first))
  })
}

test('warns of what is allowed and will surprise', async () => {
  const result = await check(
    [
      'operations:',
      '  readParcel:',
      '    masks: [{ field: sender, action: mask }]',
      '    resource: { role: access, name: parcel, parameter: parcelId }',
    ],
    document,
  )
  const warnings = result.warnings.filter(({ file }) => file === 'product.yaml')
  assert.ok(result.ok)
  assert.match(warnings[0]?.message ?? '', /has a `pattern` in the document/)
  assert.match(warnings[1]?.message ?? '', /no operation creates a `parcel`/)
  assert.equal(warnings.length, 2)
})

test('a sound field path leads to the value that it leads to in every body of its schema', () => {
  const name = fc.constantFrom('a', 'b', 'cd')
  const part = fc.tuple(name, fc.nat({ max: 2 }))
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.boolean(), (parts, refer) => {
      const path = parts.map(([text, depth]) => text + '[]'.repeat(depth)).join('.')
      const definitions: Record<string, { [keyword: string]: unknown }> = {}
      let schema: { [keyword: string]: unknown } = { const: 'here' }
      for (const [text, depth] of parts.toReversed()) {
        for (let i = 0; i < depth; i += 1) schema = { type: 'array', items: schema }
        schema = { allOf: [{ properties: { [text]: schema }, required: [text] }] }
        if (!refer) continue
        const id = `d${Object.keys(definitions).length}`
        definitions[id] = schema
        schema = { $ref: `#/$defs/${id}` }
      }
      const found = findField(schema, definitions, path)
      assert.ok(found.ok, JSON.stringify(found))
      assert.ok(found.schemas.some((one) => one.const === 'here'))
      assert.equal(found.required, parts.at(-1)?.[1] === 0)
      assert.equal(findField(schema, definitions, `${path}.none`).ok, false)
      const steps = parts.reduce((sum, [, depth]) => sum + 1 + depth, 0)
      assert.equal(stepsOf(path).length, steps)
    }),
  )
})

for (const [title, changed] of [
  [
    'no security at all',
    replaced(parcelDocument, ['security:\n  - openId: [parcel-tracking:read]\n', '']),
  ],
  [
    'a requirement without scopes',
    replaced(parcelDocument, ['openId: [parcel-tracking:read]', 'openId: []']),
  ],
  [
    'a scheme that knows no scopes',
    replaced(parcelDocument, ['- openId: [parcel-tracking:read]', '- backend: []']),
  ],
] as const) {
  test(`refuses a document with ${title}: every valid token would do`, async () => {
    const result = await check([], changed)
    const faults = result.ok ? [] : result.faults
    assert.ok(
      faults.some(({ message }) => message.startsWith('readParcel needs no scope')),
      JSON.stringify(faults),
    )
    const named = await check(['scopes: { readParcel: [[parcel:read]] }'], changed)
    const left = named.ok ? [] : named.faults
    assert.ok(!left.some(({ message }) => message.startsWith('readParcel')), JSON.stringify(left))
    const keys = await check(['operations: { readParcel: { credentials: [api-key] } }'], changed)
    const rest = keys.ok ? [] : keys.faults
    assert.ok(!rest.some(({ message }) => message.startsWith('readParcel')), JSON.stringify(rest))
  })
}

for (const scopes of ['[]', '[[]]'])
  test(`refuses a manifest with the scopes ${scopes} in our words`, async () => {
    const result = await check([`scopes: { readParcel: ${scopes} }`])
    assert.match(result.ok ? '' : (result.faults[0]?.message ?? ''), /every valid token would do/)
  })

test('one fault of form hides no other fault of the manifest', async () => {
  const result = await check([
    'plan: [free]',
    'timeoutMs: 5',
    'operations:',
    '  readParcel: { weight: 0, cachePersonl: true, cacheSeconds: 5, masks: [{ field: sendr, action: mask }] }',
    '  announceParcel: { safe: true, idempotency: required }',
    '  forgetParcel: { resource: { role: access, name: parcel, parameter: parcel } }',
    'cors: { origins: ["https://*.example"] }',
    'upstream:',
    '  sandbox: 5',
    '  production: { targets: [{ url: "https://a.example" }], shadow: { url: "https://b.example", percent: 5, ignore: [phon], tolerances: { "a..b": 1 } } }',
  ])
  const found = (result.ok ? [] : result.faults).map(({ path }) => path)
  assert.deepEqual(found, [
    '#/plan',
    '#/timeoutMs',
    '#/operations/readParcel/weight',
    '#/operations/readParcel/cachePersonl',
    '#/operations/readParcel/masks/0/field',
    '#/operations/announceParcel/idempotency',
    '#/operations/forgetParcel/resource/parameter',
    '#/cors/origins/0',
    '#/upstream/sandbox',
    '#/upstream/production/shadow/ignore/0',
    '#/upstream/production/shadow/tolerances/a..b',
  ])
  assert.deepEqual(
    result.warnings.filter(({ file }) => file === 'product.yaml'),
    [],
  )
})

test('whatever a manifest is, its check ends and says something of what is wrong', async () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('a', 5, [], {}, null))
  const names = ['domain', 'owner', 'operations', 'upstream', 'cors', 'scopes', 'state', 'x']
  const manifest = fc.dictionary(fc.constantFrom(...names), value)
  const one = fc.tuple(manifest, fc.dictionary(fc.constantFrom('readParcel', 'a'), value))
  await fc.assert(
    fc.asyncProperty(one, async ([keys, operations]) => {
      const product = JSON.stringify({ operations, ...keys })
      const result = await checkApi({ document: parcelDocument, product })
      assert.ok(result.ok || result.faults.length > 0)
    }),
    { numRuns: 30 },
  )
})

test('an operation may be for bound tokens only', async () => {
  const { ok, warnings } = await check(read('{ senderConstrained: true }'))
  assert.ok(ok)
  assert.deepEqual(
    warnings.filter(({ path }) => path.endsWith('/senderConstrained')),
    [],
  )
})
