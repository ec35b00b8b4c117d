import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'yaml'
import { checkApi } from './check-api.ts'
import { parcelDocument, parcelProduct, replaced } from './testing.ts'

/** What is wrong, as `line path message`. */
async function faultsOf(document: string, product = parcelProduct): Promise<string[]> {
  const result = await checkApi({ document, product })
  return result.ok ? [] : result.faults.map((f) => `${f.file}:${f.line} ${f.path} ${f.message}`)
}

const lineOf = (text: string, part: string): number => {
  const index = text.split('\n').findIndex((line) => line.includes(part))
  assert.notEqual(index, -1, `there is no line with ${part}`)
  return index + 1
}

test('accepts a sound document and finds no fault in it', async () => {
  const result = await checkApi({ document: parcelDocument, product: parcelProduct })
  assert.deepEqual(result.ok ? [] : result.faults, [])
  assert.deepEqual(
    result.warnings.map((w) => [w.line, w.path]),
    [
      [
        lineOf(parcelDocument, 'broken:'),
        '#/paths/~1parcels~1{parcelId}/get/responses/200/content/application~1json/examples/broken/value',
      ],
    ],
  )
})

test('accepts the same document as JSON, with tabs and with CRLF', async () => {
  const { value } = (await import('./read-yaml.ts')).readYaml(parcelDocument)
  assert.deepEqual(await faultsOf(JSON.stringify(value)), [])
  assert.deepEqual(await faultsOf(JSON.stringify(value, null, '\t')), [])
  assert.deepEqual(await faultsOf(parcelDocument.replaceAll('\n', '\r\n')), [])
})

type Case = [title: string, from: string, to: string, at: string, path: string, message: RegExp]

const cases: Case[] = [
  [
    'a reference that leads nowhere',
    "schema: { $ref: '#/components/schemas/Parcel' }",
    "schema: { $ref: '#/components/schemas/Parsel' }",
    'schemas/Parsel',
    '/schema/$ref',
    /did you mean `Parcel`/,
  ],
  [
    'a reference to another place',
    "'404': { $ref: '#/components/responses/Generic404' }",
    "'404': { $ref: 'https://example.com/x.yaml#/a' }",
    'example.com/x.yaml',
    '/404/$ref',
    /nothing is fetched/,
  ],
  [
    'a reference to a file',
    "'404': { $ref: '#/components/responses/Generic404' }",
    "'404': { $ref: './common.yaml#/a' }",
    './common.yaml',
    '/404/$ref',
    /nothing is fetched/,
  ],
  [
    'a reference to a thing of another kind',
    "'404': { $ref: '#/components/responses/Generic404' }",
    "'404': { $ref: '#/components/schemas/ErrorInfo' }",
    "'404': { $ref: '#/components/schemas/ErrorInfo",
    '/404/$ref',
    /where a response belongs/,
  ],
  [
    'a missing operationId',
    '      operationId: readParcel\n',
    '',
    '    get:',
    '/get',
    /needs an `operationId`/,
  ],
  [
    'an operationId used twice',
    'operationId: forgetParcel',
    'operationId: readParcel',
    'operationId: readParcel',
    '',
    /also the operationId of get/,
  ],
  [
    'an operationId that no header can carry',
    'operationId: forgetParcel',
    'operationId: "forget parcel"',
    '"forget parcel"',
    '/operationId',
    /must be a letter followed by/,
  ],
  [
    'a path parameter that is not declared',
    "      - $ref: '#/components/parameters/ParcelId'\n",
    '',
    '    get:',
    '/get',
    /does not declare the path parameter \{parcelId\}/,
  ],
  [
    'a path parameter that is not in the path',
    'name: parcelId, in: path',
    'name: parcel, in: path',
    "- $ref: '#/components/parameters/ParcelId'",
    '/parameters/0',
    /is not in the path/,
  ],
  [
    'a path parameter that is not required',
    'in: path, required: true',
    'in: path',
    'ParcelId: {',
    '/ParcelId',
    /needs `required: true`/,
  ],
  [
    'two paths that differ in names only',
    '  /parcels:\n',
    '  /parcels/{other}: {}\n  /parcels:\n',
    '/parcels/{other}',
    '/paths/~1parcels~1{other}',
    /is the same path as/,
  ],
  [
    'an unknown security scheme',
    '- openId: [parcel-tracking:read]',
    '- openid: [parcel-tracking:read]',
    '- openid:',
    '/security/0/openid',
    /did you mean `openId`/,
  ],
  [
    'a scope that is none',
    'openId: [parcel-tracking:read]',
    'openId: ["parcel tracking"]',
    '"parcel tracking"',
    '/security/0/openId/0',
    /is no scope/,
  ],
  [
    'a pattern that is no regular expression',
    "pattern: '^[A-Z]{2}-\\d{3}(?:-x+)?$'",
    "pattern: '^[A-Z{2}'",
    "'^[A-Z{2}'",
    '/code/pattern',
    /no valid regular expression/,
  ],
  [
    'a type that is none',
    'status: { type: integer }',
    'status: { type: int }',
    'type: int }',
    '/status/type',
    /must be one of .*integer/,
  ],
  [
    'an unknown key',
    'summary: One parcel',
    'sumary: One parcel',
    'sumary:',
    '/get/sumary',
    /did you mean `summary`/,
  ],
  [
    'an answer without a description',
    "'204': { description: Forgotten }",
    "'204': { }",
    "'204': { }",
    '/responses/204',
    /needs `description`/,
  ],
  [
    'a status that is none',
    "'204': { description: Forgotten }",
    "'20': { description: Forgotten }",
    "'20':",
    '/responses/20',
    /must be a status/,
  ],
  [
    'a security scheme without its address',
    ", openIdConnectUrl: 'https://example.com/openid'",
    '',
    'openId: { type: openIdConnect }',
    '/openId',
    /needs `openIdConnectUrl`/,
  ],
  [
    'a security scheme of no kind',
    'type: http, scheme: bearer',
    'type: htp, scheme: bearer',
    'type: htp',
    '/backend/type',
    /did you mean `http`/,
  ],
  [
    'a parameter in no place',
    'name: x-correlator, in: header',
    'name: x-correlator, in: heder',
    'in: heder',
    '/x-correlator/in',
    /must be one of path, query, header, cookie/,
  ],
  [
    'a discriminator that maps to nothing',
    'BOX: Box',
    'BOX: Bax',
    'BOX: Bax',
    '/mapping/BOX',
    /did you mean `Box`/,
  ],
  [
    'a schema without an end',
    '    ErrorInfo:\n      type: object\n',
    "    ErrorInfo:\n      allOf: [{ $ref: '#/components/schemas/ErrorInfo' }]\n",
    'allOf: [{',
    '/allOf/0/$ref',
    /it has no end/,
  ],
  [
    'a server without name and version',
    "'{apiRoot}/parcel-tracking/v1'",
    "'{apiRoot}/ParcelTracking'",
    "- url: '{apiRoot}/ParcelTracking'",
    '/servers/0/url',
    /must end in \/<name>\/<version>/,
  ],
  [
    'a version that is work in progress',
    '/parcel-tracking/v1',
    '/parcel-tracking/vwip',
    'vwip',
    '/servers/0/url',
    /state: draft/,
  ],
  [
    'a key that is there twice',
    '      summary: One parcel\n',
    '      summary: One parcel\n      summary: Two\n',
    'summary: Two',
    '/get/summary',
    /here twice/,
  ],
  [
    'an example and examples',
    '              examples:\n                broken:',
    '              example: 1\n              examples:\n                broken:',
    'application/json:',
    '',
    /has both `example` and `examples`/,
  ],
]

for (const [title, from, to, at, path, message] of cases) {
  test(`says where there is ${title}, and says only that`, async () => {
    const document = replaced(parcelDocument, [from, to])
    const faults = await faultsOf(document)
    // A shared thing is used by several operations; a fault of it is one fault.
    const [first = ''] = faults
    assert.ok(faults.length >= 1 && faults.length <= 3, faults.join('\n'))
    assert.match(first, message)
    assert.ok(first.includes(`${path} `), first)
    const expected = title.includes('used twice')
      ? lineOf(parcelDocument, 'operationId: forgetParcel')
      : lineOf(document, at)
    assert.equal(first.split(' ')[0], `openapi.yaml:${expected}`)
  })
}

test('finds every fault of both files at once', async () => {
  const document = replaced(
    parcelDocument,
    ['operationId: readParcel\n', 'x-none: 1\n'],
    ['BOX: Box', 'BOX: Bax'],
    ["pattern: '^[A-Z]{2}-\\d{3}(?:-x+)?$'", "pattern: '('"],
    ['  version: 1.2.0\n', ''],
    ['scheme: bearer', 'skeme: bearer'],
  )
  const product = `domain: connectivity\nowner: { team: '' }\nplan: [free]\nprices: { free: cheap }\nbillable: { readParsel: never }\n`
  const faults = await faultsOf(document, product)
  const messages = faults.map((fault) => fault.replace(/^[^ ]+ /, ''))
  for (const expected of [
    /needs `version`/,
    /needs an `operationId`/,
    /no valid regular expression/,
    /is no schema of this document/,
    /a scheme of type http needs `scheme`/,
    /#\/domain must be one of .*did you mean `Connectivity`/,
    /#\/owner needs `contact`/,
    /#\/owner\/team must be text/,
    /`plan` is not known here: did you mean `plans`/,
    /#\/prices\/free must be a decimal number/,
    /`readParsel` is no operationId/,
  ]) {
    assert.equal(
      messages.filter((m) => expected.test(m)).length,
      1,
      `${expected} in ${faults.join('\n')}`,
    )
  }
  assert.equal(messages.length, 11)
})

test('after a fault of syntax only what stands before it is judged', async () => {
  const document = replaced(
    parcelDocument,
    ['  version: 1.2.0\n', ''],
    ['scheme: bearer', 'scheme: bearer: token: ['],
  )
  const faults = await faultsOf(document)
  assert.match(faults[0] ?? '', /#\/info needs `version`/)
  assert.ok(
    faults.some((fault) => fault.startsWith(`openapi.yaml:${lineOf(document, 'token: [')}`)),
  )
  assert.ok(!faults.some((fault) => /leads nowhere/.test(fault)), faults.join('\n'))
})

for (const [title, document] of [
  ['nothing', ''],
  ['a text', 'hello'],
  ['a list', '- openapi: 3.0.0'],
  ['Swagger 2', 'swagger: "2.0"'],
  ['a number as its version', 'openapi: 3.0'],
  ['a version to come', 'openapi: 3.9.0'],
  [
    'no operation',
    "openapi: 3.0.3\ninfo: { title: a, version: '1' }\nservers: [{ url: /a/v1 }]\npaths: {}",
  ],
  ['empty members', 'openapi: 3.0.3\ninfo: null\npaths: null\nservers: null\ncomponents: null'],
  [
    'a path that is nothing',
    "openapi: 3.0.3\ninfo: { title: a, version: '1' }\nservers: [{ url: /a/v1 }]\npaths: { /x: null, /y: { get: 5, post: [], parameters: {} } }",
  ],
] as const) {
  test(`refuses a document that is or has ${title}`, async () => {
    const faults = await faultsOf(document)
    assert.ok(faults.length > 0)
    assert.ok(
      faults.every((fault) => fault.startsWith('openapi.yaml:')),
      faults.join('\n'),
    )
  })
}

const bombs: Record<string, string> = {
  'aliases of aliases': `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(',')}]`).join('\n')}`,
  'an alias of itself': 'a: &a [*a]',
  'brackets without end': '['.repeat(300_000),
  'dashes without end': '- '.repeat(30_000),
  'more values than an API has': `[${'1,'.repeat(200_000)}]`,
  'more text than an API has': `a: ${'x'.repeat(2_000_001)}`,
}
for (const [title, document] of Object.entries(bombs)) {
  test(`refuses ${title}, soon`, async () => {
    const faults = await faultsOf(document)
    assert.ok(faults.length > 0)
  })
}

test('accepts schemas that contain themselves a level deeper, whatever they are made of', async () => {
  const names = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
  const schemas = names.map((name) => {
    const all = names.map((other, i) => `p${i}: { $ref: '#/components/schemas/${other}' }`)
    return `    ${name}: { allOf: [{ type: object, properties: { ${all.join(', ')} } }] }\n`
  })
  const document = replaced(
    parcelDocument,
    ['    XCorrelator:', `${schemas.join('')}    XCorrelator:`],
    [
      'size:\n          oneOf:',
      "any: { $ref: '#/components/schemas/A' }\n        size:\n          oneOf:",
    ],
  )
  assert.deepEqual(await faultsOf(document), [])
})

test('reports what a reference in a long chain does to it instead of failing', async () => {
  const chain = Array.from(
    { length: 20_000 },
    (_, i) => `    C${i}: { allOf: [{ $ref: '#/components/schemas/C${i + 1}' }] }\n`,
  )
  const document = replaced(parcelDocument, [
    '    XCorrelator:',
    `${chain.join('')}    C20000: { type: string }\n    XCorrelator:`,
  ])
  const faults = await faultsOf(document)
  assert.equal(faults.length, 1)
})

test('needs nothing of OpenAPI 3.1 that JSON Schema does not say', async () => {
  const document = replaced(
    parcelDocument,
    ['openapi: 3.0.3', 'openapi: 3.1.0'],
    ['minimum: 0, exclusiveMinimum: true', 'exclusiveMinimum: 0'],
    ['type: string, nullable: true, pattern', 'type: [string, "null"], pattern'],
  )
  assert.deepEqual(await faultsOf(document), [])
  const broken = replaced(document, [
    'status: { type: integer }',
    'status: { type: int, minLength: -1 }',
  ])
  const faults = await faultsOf(broken)
  assert.equal(faults.length, 2, faults.join('\n'))
  assert.ok(
    faults.every((fault) => fault.startsWith(`openapi.yaml:${lineOf(broken, 'type: int,')}`)),
    faults.join('\n'),
  )
})

test('reads the defaults of a manifest, and numbers as they are written', async () => {
  const result = await checkApi({
    document: parcelDocument,
    product: `${parcelProduct}prices: { paid: 0.0200 }\nsla: { availability: 99.90 }\nprofile: 0.8\n`,
  })
  assert.ok(result.ok)
  const { api } = result
  assert.deepEqual(api.prices, { paid: '0.0200' })
  assert.deepEqual(api.sla, { availability: '99.90', latencyMs: 300 })
  assert.equal(api.profile, '0.8')
  assert.deepEqual(api.plans, ['free', 'paid', 'enterprise'])
  assert.deepEqual(api.upstream, { sandbox: 'simulated', production: undefined })
  assert.equal(api.summary, 'Follows a parcel on its way, see the guide.')
  assert.equal(api.id, 'parcel-tracking/v1')
})

for (const [title, extra, message] of [
  [
    'the simulated operator in production',
    'upstream: { production: simulated }',
    /must be `platform`, an http/,
  ],
  ['an upstream with a password', "upstream: { production: 'https://a:b@host/x' }", /without user/],
  ['an unknown plan', 'plans: [gold]', /must be one of free, paid, enterprise/],
  [
    'a price of a plan that is not offered',
    "plans: [free]\nprices: { paid: '1' }",
    /not among the plans/,
  ],
  ['a negative price', 'prices: { paid: -1 }', /decimal number/],
  ['a consent basis that is none', 'consent: { basis: yes }', /must be one of contract/],
  ['a version that is none', 'version: 2.0', /must be a version of a URL/],
  ['a name that is no name', 'name: Parcel_Tracking', /kebab-case/],
] as const) {
  test(`refuses a manifest with ${title}`, async () => {
    const faults = await faultsOf(parcelDocument, `${parcelProduct}${extra}\n`)
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.match(faults[0] ?? '', message)
    assert.match(faults[0] ?? '', /^product\.yaml:[5-9] /)
  })
}

for (const version of ['v2', 'v0.5', 'v0.1alpha1', 'v0alpha1', 'v1rc2', 'v10']) {
  test(`publishes under the version ${version}`, async () => {
    const document = replaced(parcelDocument, [
      '/parcel-tracking/v1',
      `/parcel-tracking/${version}`,
    ])
    assert.deepEqual(await faultsOf(document), [])
  })
}
for (const version of ['v0', 'v1.2', '2', 'v01', 'v1beta1', 'V2']) {
  test(`refuses the version ${version}`, async () => {
    const document = replaced(parcelDocument, [
      '/parcel-tracking/v1',
      `/parcel-tracking/${version}`,
    ])
    assert.equal((await faultsOf(document)).length, 1)
  })
}

type Node = { owner: Record<string, unknown>; key: string }

function nodesOf(value: unknown, found: Node[] = []): Node[] {
  if (typeof value !== 'object' || value === null) return found
  for (const key of Object.keys(value)) {
    const owner = value as Record<string, unknown>
    found.push({ owner, key })
    nodesOf(owner[key], found)
  }
  return found
}

const place = fc.double({ min: 0, max: 0.999, noNaN: true })
const junk = fc.constantFrom<unknown>(
  ...[null, 5, '', 'x', [], {}, true, [null], { $ref: 5 }, { $ref: {} }, { $ref: '#/' }],
  ...[{ $ref: '#/components/schemas/ErrorInfo' }, { type: 'object', properties: { a: null } }],
)
const change = fc.record({
  place,
  other: place,
  how: fc.constantFrom('delete', 'junk', 'copy', 'rename'),
  junk,
})

test('whatever is changed in a document, the check ends, and each fault has a place in it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('3.0.3', '3.1.0'),
      async (changes, version) => {
        const document = { ...parse(parcelDocument), openapi: version }
        for (const one of changes) {
          const nodes = nodesOf(document)
          const node = nodes[Math.floor(one.place * nodes.length)]
          const other = nodes[Math.floor(one.other * nodes.length)]
          if (node === undefined || other === undefined) continue
          const { owner, key } = node
          if (one.how === 'junk') owner[key] = one.junk
          else if (one.how === 'copy') owner[key] = structuredClone(other.owner[other.key])
          else {
            if (one.how === 'rename') owner[`${key}x`] = owner[key]
            delete owner[key]
          }
        }
        const text = JSON.stringify(document, null, 1)
        const result = await checkApi({ document: text, product: parcelProduct })
        const found = result.ok ? result.warnings : result.faults
        assert.ok(result.ok || found.length > 0)
        const lines = text.split('\n')
        for (const { line, column, message } of found) {
          assert.ok(line >= 1 && line <= lines.length && column >= 1)
          assert.ok(column <= (lines[line - 1]?.length ?? 0) + 1)
          assert.ok(!/undefined|\[object|not valid here/.test(message), message)
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('whatever line is lost or moved, the check ends', async () => {
  const edit = fc.record({
    place,
    how: fc.constantFrom('drop', 'indent', 'double', '{', '[', '"', '&a', '*a', '\t', ': '),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      const lines = parcelDocument.split('\n')
      for (const { place: at, how } of edits) {
        const index = Math.floor(at * lines.length)
        const line = lines[index] ?? ''
        if (how === 'drop') lines.splice(index, 1)
        else if (how === 'double') lines.splice(index, 0, line)
        else lines[index] = how === 'indent' ? ` ${line}` : line.replace(/[a-z]/, how)
      }
      const result = await checkApi({ document: lines.join('\n'), product: parcelProduct })
      assert.ok(result.ok || result.faults.length > 0)
    }),
    { numRuns: 60 },
  )
})
