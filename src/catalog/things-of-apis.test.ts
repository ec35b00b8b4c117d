import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testPlatform } from '#platform/testing'
import { createCatalog } from './create-catalog.ts'
import { kindsMeant, knownKinds } from './things-of-apis.ts'

const product = 'domain: Billing\nowner: { team: Lending, contact: lending@operator.example }\n'

type Operation = { method: string; path: string; status: number; id?: string }

/** An API of our own whose answers have the ids that are named. */
const api = (name: string, operations: readonly Operation[], more = '') => {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const { method, path, status, id } of operations) {
    paths[path] ??= {}
    paths[path][method] = {
      operationId: `${method}${path.replaceAll(/\W/g, '')}`,
      parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => ({
        ...{ name: parameter, in: 'path', required: true, schema: { type: 'string' } },
      })),
      responses: {
        [status]: {
          description: 'Done',
          ...(id !== undefined && {
            content: {
              'application/json': {
                schema: { type: 'object', properties: { [id]: { type: 'string' } } },
              },
            },
          }),
        },
      },
    }
  }
  return {
    document: JSON.stringify({
      openapi: '3.0.3',
      info: { title: name, version: '1.0.0' },
      servers: [{ url: `{apiRoot}/${name}/v1` }],
      security: [{ openId: [`${name}:use`] }],
      paths,
      components: {
        securitySchemes: {
          openId: { type: 'openIdConnect', openIdConnectUrl: 'https://example.com/openid' },
        },
      },
    }),
    product: product + more,
  }
}

const loans = (name = 'loans') =>
  api(name, [
    { method: 'post', path: '/loans', status: 201, id: 'loanId' },
    { method: 'get', path: '/loans/{loanId}', status: 200, id: 'loanId' },
  ])
const extensions = (more = '') =>
  api(
    'loans-extension',
    [
      { method: 'post', path: '/loans/{loanId}/extensions', status: 201, id: 'extensionId' },
      { method: 'get', path: '/loans/{loanId}/extensions/{extensionId}', status: 200 },
      { method: 'get', path: '/loans/{loanId}/extensions/left', status: 200 },
    ],
    more,
  )

const actor = { kind: 'system', id: 'test' } as const

async function setUp(t: Parameters<typeof testPlatform>[0]) {
  const platform = await testPlatform(t)
  const catalog = createCatalog(platform)
  t.after(() => catalog.close())
  const terms = async (id: string) =>
    (await catalog.apiEntry(id, 'production'))?.operations.map((one) => one.terms)
  return { catalog, terms }
}

const named = [{ parameter: 'loanId', kinds: [{ name: 'loans/loan' }] }]
const extension = { name: 'extension', derived: true, nested: ['loanId'] }
const expected = [
  { resource: { role: 'create', field: 'extensionId', ...extension }, named },
  { resource: { role: 'access', parameter: 'extensionId', ...extension }, named },
  { named },
]

for (const makerFirst of [true, false])
  test(`what another API makes is told to gateways, published ${makerFirst ? 'before' : 'after'} the one that names it`, async (t) => {
    const { catalog, terms } = await setUp(t)
    const order = makerFirst ? [loans(), extensions()] : [extensions(), loans()]
    for (const files of order) assert.ok(!('faults' in (await catalog.publish(files, actor))))
    assert.deepEqual(await terms('loans-extension/v1'), expected)
    assert.deepEqual(await catalog.dependents('loans/v1'), ['loans-extension/v1'])
    assert.deepEqual(await catalog.dependents('loans-extension/v1'), [])
  })

test('publishing notes which API makes what is named, also where both are published together', async (t) => {
  const { catalog } = await setUp(t)
  const alone = await catalog.publish(extensions(), actor)
  assert.match(alone.warnings.map((one) => one.message).join('\n'), /nothing here makes .*loanId/)
  const changed = extensions('timeoutMs: 500\n')
  const [together] = await catalog.publishTogether([changed, loans()], actor)
  assert.deepEqual(
    together?.warnings.filter((one) => one.message.includes('loanId')),
    [],
  )
  assert.match(
    (together?.notes ?? []).map((one) => one.message).join('\n'),
    /derived: `\{loanId\}` names a `loans\/loan`: only its maker may call/,
  )
})

test('a thing of an API of another family is not taken for what is named, and publishing asks whether it is', async (t) => {
  const { catalog, terms } = await setUp(t)
  await catalog.publish(loans('lending'), actor)
  const published = await catalog.publish(extensions(), actor)
  assert.match(
    published.warnings.map((one) => one.message).join('\n'),
    /nothing here makes .*It may be `lending\/loan`$/m,
  )
  assert.equal((await terms('loans-extension/v1'))?.[2], undefined)
})

test('what a manifest says of resources wins over what the catalog knows', async (t) => {
  const { catalog, terms } = await setUp(t)
  await catalog.publish(loans(), actor)
  const own =
    'operations: { postloansloanIdextensions: { resource: { role: create, name: extension, field: extensionId, within: { name: lending/loan, parameter: loanId } } } }\n'
  assert.ok(!('faults' in (await catalog.publish(extensions(own), actor))))
  const all = await terms('loans-extension/v1')
  assert.equal(all?.[0]?.resource?.within?.name, 'lending/loan')
  assert.deepEqual(
    all?.map((one) => one?.named),
    [undefined, undefined, undefined],
  )
  assert.deepEqual(await catalog.dependents('lending/v1'), ['loans-extension/v1'])
})

const made = (name: string, path: string, parameter: string) => ({
  name,
  rules: [
    { path, resource: { role: 'create' as const, name: 'loan', field: 'id' } },
    {
      path: `${path}/{${parameter}}`,
      resource: { role: 'access' as const, name: 'loan', parameter },
    },
  ],
})

for (const [title, apis, near] of [
  ['the longest name that begins that of the API', ['loans', 'loans-home'], ['loans-home/loan']],
  ['no name that only looks like a beginning', ['loan', 'loans-homely'], []],
  ['not itself', ['loans-home-extension'], []],
] as const)
  test(`of several APIs that make a thing it is ${title}`, () => {
    const kinds = knownKinds(apis.map((name) => made(name, '/loans', 'loanId')))
    const thing = { operationId: 'x', path: '/loans/{loanId}/extensions', parameter: 'loanId' }
    assert.deepEqual(kindsMeant('loans-home-extension', thing, kinds).near, near)
  })

test('a parameter that says nothing means what is in a collection of the same name', () => {
  const meant = (own: string, path: string, parameter: string) =>
    kindsMeant(
      'loans-extension',
      { operationId: 'x', path, parameter },
      knownKinds([made('loans', '/loans', own)]),
    ).near
  assert.deepEqual(meant('loanId', '/loans/{id}/extensions', 'id'), ['loans/loan'])
  assert.deepEqual(meant('id', '/loans/{loanId}/extensions', 'loanId'), ['loans/loan'])
  assert.deepEqual(meant('id', '/extensions/{id}', 'id'), [])
  assert.deepEqual(meant('loanId', '/loans/{contractId}/extensions', 'contractId'), [])
  assert.deepEqual(meant('loanId', '/extended/{loanId}', 'loanId'), ['loans/loan'])
})
