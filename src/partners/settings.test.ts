import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { changeSettings } from './change-settings.ts'
import { type ClientGrant, endedGrants, grantTypeFor } from './client-settings.ts'
import { publishedKeysId } from './jwks-source.ts'
import { partnersUnderTest, person, staff } from './testing.ts'

const fraud = 'dpv:FraudPreventionAndDetection'
const service = 'dpv:RequestedServiceProvision'
const ciba = 'urn:openid:params:grant-type:ciba'
const owner = person('prt_1')

async function setUp(
  t: Parameters<typeof partnersUnderTest>[0],
  environment = 'sandbox',
  env: Record<string, string> = {},
) {
  const { call, newApplication, partners, platform, db } = await partnersUnderTest(t, env)
  let id = await newApplication('prt_1')
  if (environment === 'production')
    await db.updateTable('partners.application').set({ environment: 'production' }).execute()
  const url = (): string => `/applications/${id}/authorization`
  const put = (body: object, as = owner) => call(as, 'PUT', url(), { revision: 0, ...body })
  const another = async (): Promise<void> => {
    id = await newApplication('prt_1')
  }
  return { call, put, url, id: () => id, partners, platform, db, another }
}

const code = {
  grantType: 'authorization_code',
  purpose: service,
  scopes: ['location-verification:verify'],
}

test('an application that set nothing has the defaults, and says so to the authorization server', async (t) => {
  const { call, url, partners, db } = await setUp(t)
  const { status, body } = await call(owner, 'GET', url())
  assert.equal(status, 200)
  assert.deepEqual(
    [body.revision, body.grants],
    [0, [{ grantType: 'client_credentials', scopes: '*' }]],
  )
  const { client_id: clientId } = await db
    .selectFrom('partners.application')
    .select('client_id')
    .executeTakeFirstOrThrow()
  const client = await partners.findClient(clientId, 'sandbox')
  assert.deepEqual(
    [client?.partnerName, client?.settings.profile, client?.settings.certificates],
    ['prt_1', 'standard', []],
  )
})

test('new settings hold at once, whole, and what is left out has its default', async (t) => {
  const { put, call, url, partners, db } = await setUp(t)
  const first = await put({
    redirectUris: ['https://APP.example/cb', 'http://localhost:3000/cb'],
    grants: [code, { grantType: 'client_credentials', purpose: fraud, scopes: '*' }],
    refreshTokens: true,
    requirePar: true,
  })
  assert.equal(first.status, 200, JSON.stringify(first.body))
  assert.equal(first.body.revision, 1)
  assert.deepEqual(first.body.redirectUris, ['https://app.example/cb', 'http://localhost:3000/cb'])
  const { client_id: clientId } = await db
    .selectFrom('partners.application')
    .select('client_id')
    .executeTakeFirstOrThrow()
  const settings = (await partners.findClient(clientId, 'sandbox'))?.settings
  assert.deepEqual([settings?.refreshTokens, settings?.grants.length], [true, 2])
  const second = await put({ revision: 1 })
  assert.deepEqual([second.body.revision, second.body.refreshTokens], [2, false])
  assert.deepEqual((await call(owner, 'GET', url())).body, second.body)
})

test('of changes that begin with the same revision one is made, and the others are told', async (t) => {
  const { put, call, url } = await setUp(t)
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => put({ redirectUris: [`https://app.example/${i}`] })),
  )
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
    assert.deepEqual([status, body.code], [409, 'ABORTED'])
    assert.match(body.message, /revision 1/)
  }
  assert.equal((await call(owner, 'GET', url())).body.revision, 1)
  assert.equal((await put({ revision: 7 })).status, 409)
})

test('bad settings are refused whole, with every fault at its place', async (t) => {
  const { put, call, url } = await setUp(t)
  const { status, body } = await put({
    redirectUris: [
      'https://app.example/#x',
      'https://app.example/',
      'https://app.example/',
      'http://a.example/',
    ],
    jwksUri: 'https://127.0.0.1/jwks',
    grants: [
      { grantType: ciba, scopes: ['location-verification:verify'] },
      { grantType: ciba, purpose: 'dpv:Nothing', scopes: '*' },
      { grantType: ciba, purpose: service, scopes: ['sim-swap:check', 'nobody:knows'] },
    ],
    requireSignedRequest: true,
  })
  assert.equal(status, 400)
  const paths = body.violations.map(({ path }: { path: string }) => path)
  assert.ok(paths.includes('/redirectUris') || paths.includes('/redirectUris/0'), paths.join(' '))
  const again = await put({
    redirectUris: [
      'https://app.example/#x',
      'http://a.example/',
      'https://A.example/',
      'https://a.example/',
    ],
    jwksUri: 'https://127.0.0.1/jwks',
    grants: [
      { grantType: ciba, scopes: ['location-verification:verify'] },
      { grantType: ciba, purpose: 'dpv:Nothing', scopes: '*' },
      { grantType: ciba, purpose: service, scopes: ['sim-swap:check', 'nobody:knows'] },
    ],
  })
  assert.deepEqual(
    again.body.violations.map(({ path }: { path: string }) => path),
    [
      '/redirectUris/0',
      '/redirectUris/1',
      '/redirectUris/3',
      '/jwksUri',
      '/grants/0/purpose',
      '/grants/1/purpose',
      '/grants/2/scopes/0',
      '/grants/2/scopes/1',
    ],
  )
  assert.equal((await call(owner, 'GET', url())).body.revision, 0)
})

for (const [title, body, path, message] of [
  [
    'two grant types for one purpose and scope',
    { redirectUris: ['https://a.example/'], grants: [code, { ...code, grantType: ciba }] },
    '/grants/1/scopes/0',
    /one grant type/,
  ],
  [
    'two grants for all scopes of one purpose',
    {
      grants: [
        { grantType: ciba, purpose: service, scopes: '*' },
        { grantType: 'client_credentials', purpose: service, scopes: '*' },
      ],
    },
    '/grants/1/scopes',
    /one grant type/,
  ],
  ['a code grant without an address', { grants: [code] }, '/redirectUris', /needs an address/],
  [
    'the old form of a purpose',
    { grants: [{ grantType: ciba, purpose: `${fraud}#sim-swap`, scopes: '*' }] },
    '/grants/0/purpose',
    /old form/,
  ],
  ['refresh tokens that no grant makes', { refreshTokens: true }, '/refreshTokens', /no grant/],
  [
    'signed requests without a key',
    { requireSignedRequest: true },
    '/requireSignedRequest',
    /keys/,
  ],
  ['keys at an address of this machine', { jwksUri: 'https://localhost/x' }, '/jwksUri', /private/],
  ['keys without TLS', { jwksUri: 'http://partner.example/x' }, '/jwksUri', /https/],
  [
    'FAPI 2.0 with a secret',
    { profile: 'fapi2', authenticationMethods: ['private_key_jwt', 'client_secret_basic'] },
    '/authenticationMethods/1',
    /FAPI 2.0 forbids/,
  ],
  [
    'FAPI 2.0 with tokens that anybody may use',
    { profile: 'fapi2', senderConstraint: 'none' },
    '/senderConstraint',
    /bound/,
  ],
  [
    'FAPI 2.0 without pushed requests',
    { profile: 'fapi2', requirePar: false },
    '/requirePar',
    /FAPI/,
  ],
  ['a key that nobody knows', { redirect_uris: [] }, '/redirect_uris', /./],
  [
    'an unknown grant type',
    { grants: [{ grantType: 'password', scopes: '*' }] },
    '/grants/0/grantType',
    /one of/,
  ],
  ['no way to sign in', { authenticationMethods: [] }, '/authenticationMethods', /./],
] as const)
  test(`refuses ${title}`, async (t) => {
    const { put } = await setUp(t)
    const { status, body: answer } = await put(body)
    assert.equal(status, 400)
    assert.deepEqual(
      answer.violations.map((v: { path: string }) => v.path),
      [path],
    )
    assert.match(answer.violations[0].message, message)
  })

test('where nobody is shown certificates, no application may depend on one', async (t) => {
  const here = await setUp(t)
  const there = await setUp(t, 'sandbox', {
    WAYLEAVE_AUTHORIZATION_URL: 'https://id.example',
    WAYLEAVE_AUTHORIZATION_TLS_PORT: '',
  })
  for (const [path, body] of [
    ['/senderConstraint', { senderConstraint: 'certificate' }],
    ['/authenticationMethods', { authenticationMethods: ['self_signed_tls_client_auth'] }],
  ] as const) {
    const refused = await there.put(body)
    assert.equal(refused.status, 400)
    const [fault] = refused.body.violations
    assert.equal(fault.path, path)
    assert.match(fault.message, /the operator sets WAYLEAVE_AUTHORIZATION_TLS_URL/)
    assert.equal((await here.put(body)).status, 200)
    await here.another()
  }
  const either = await there.put({ senderConstraint: 'either' })
  assert.equal(either.status, 200)
  const keysAndSecrets = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
  assert.deepEqual(either.body.offeredMethods, keysAndSecrets)
})

test('without authorities of the operator no application may depend on a certificate that is of one', async (t) => {
  const without = await setUp(t)
  const withCa = await setUp(t, 'sandbox', { WAYLEAVE_CLIENT_CA_FILE: '/etc/wayleave/ca.pem' })
  const body = { authenticationMethods: ['tls_client_auth'] }
  const refused = await without.put(body)
  assert.equal(refused.status, 400)
  const [fault] = refused.body.violations
  assert.equal(fault.path, '/authenticationMethods')
  assert.match(fault.message, /the operator sets WAYLEAVE_CLIENT_CA_FILE/)
  const more = [...body.authenticationMethods, 'self_signed_tls_client_auth']
  const { status, body: settings } = await without.put({ authenticationMethods: more })
  assert.equal(status, 200)
  assert.equal(settings.offeredMethods.includes('tls_client_auth'), false)
  const accepted = await withCa.put(body)
  assert.equal(accepted.status, 200)
  assert.equal(accepted.body.offeredMethods.includes('tls_client_auth'), true)
})

test('FAPI 2.0 decides what is not said: keys instead of secrets, bound tokens, pushed requests', async (t) => {
  const { put } = await setUp(t)
  const { body } = await put({ profile: 'fapi2' })
  assert.deepEqual(body.authenticationMethods, [
    ...['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
  ])
  assert.deepEqual([body.senderConstraint, body.requirePar], ['either', true])
})

test('who changes how an application signs in: owners and developers in the sandbox, owners who proved it in production', async (t) => {
  const { put, call, url, db } = await setUp(t)
  const as = (role: string) => ({ ...owner, role }) as typeof owner
  for (const role of ['viewer', 'finance']) assert.equal((await put({}, as(role))).status, 403)
  assert.equal((await put({}, as('developer'))).status, 200)
  for (const role of ['engineer', 'auditor'] as const)
    assert.equal((await put({ revision: 1 }, staff(role) as typeof owner)).status, 403)
  assert.equal((await put({ revision: 1 }, staff('partner-success') as typeof owner)).status, 200)
  assert.equal((await put({}, person('prt_2'))).status, 404)
  assert.equal((await call(person('prt_2'), 'GET', url())).status, 404)
  assert.equal((await call(as('viewer'), 'GET', url())).status, 200)
  assert.equal((await call(owner, 'GET', '/applications/app_none/authorization')).status, 404)
  await db.updateTable('partners.application').set({ environment: 'production' }).execute()
  assert.equal((await put({ revision: 2 }, as('developer'))).status, 403)
  const stale = await put({ revision: 2 }, Object.assign({ stale: true }, owner))
  assert.deepEqual([stale.status, stale.body.code], [403, 'STEP_UP_REQUIRED'])
  assert.equal((await put({ revision: 2 })).status, 200)
})

test('while the operator has locked them, a partner reads its settings with the reason and changes nothing', async (t) => {
  const { put, call, url } = await setUp(t)
  const lock = `${url()}/lock`
  const reason = { reason: 'Under review' }
  for (const role of ['engineer', 'auditor'] as const)
    assert.equal((await call(staff(role), 'PUT', lock, reason)).status, 403)
  assert.equal((await call(staff('partner-success'), 'PUT', lock, reason)).status, 200)
  const refused = await put({ revision: 1 })
  assert.deepEqual([refused.status, refused.body.code], [409, 'INCOMPATIBLE_STATE'])
  assert.match(refused.body.message, /Under review/)
  const seen = (await call(owner, 'GET', url())).body
  assert.deepEqual([seen.revision, seen.lock.reason], [1, 'Under review'])
  assert.equal(
    (await put({ revision: 1, requirePar: true }, staff('partner-success') as typeof owner)).status,
    200,
  )
  assert.equal((await call(staff('partner-success'), 'DELETE', lock)).status, 200)
  const after = await put({ revision: 3 })
  assert.deepEqual([after.status, after.body.lock], [200, undefined])
})

test('a change is told with the grants that end, and is evidence', async (t) => {
  const { put, platform } = await setUp(t)
  await put({ redirectUris: ['https://a.example/'], grants: [code] })
  await put({ revision: 1, grants: [{ ...code, grantType: ciba }] })
  const { rows } = await platform.database.pool.query<{
    type: string
    payload: Record<string, unknown>
  }>(
    `select type, payload from platform.outbox where type in ('application.changed', 'audit.action') order by position`,
  )
  const told = rows.filter(({ type }) => type === 'application.changed')
  assert.deepEqual(told.at(-1)?.payload.endedGrants, [code])
  const evidence = rows
    .map(({ payload }) => payload)
    .findLast(({ action }) => action === 'application.authorization-changed')
  const { detail } = evidence as { detail: Record<string, unknown> }
  assert.deepEqual(detail.changed, ['grants', 'redirectUris'])
  assert.deepEqual(detail.endedGrants, [
    `${service}: location-verification:verify by authorization_code`,
  ])
})

test('tokens of published keys are known to gateways for as long as the address is set', async (t) => {
  const { put, partners, id } = await setUp(t)
  const jwksUri = 'https://partner.example/jwks'
  assert.equal((await put({ jwksUri })).status, 200)
  const known = async () => (await partners.applicationEntry(id()))?.entry.credentialIds ?? []
  assert.ok((await known()).includes(publishedKeysId(id(), jwksUri)))
  await put({ revision: 1, jwksUri: `${jwksUri}2` })
  assert.ok(!(await known()).includes(publishedKeysId(id(), jwksUri)))
  assert.ok((await known()).includes(publishedKeysId(id(), `${jwksUri}2`)))
})

test('grants end exactly where the grant type of a purpose and scope is another one', () => {
  const purposes = [undefined, fraud]
  const scopes = ['a', 'b', 'c']
  const types = ['client_credentials', ciba] as const
  // As settings are kept: each purpose and scope once.
  const grants = fc
    .record({
      listed: fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 6, maxLength: 6 }),
      all: fc.tuple(fc.integer({ min: -1, max: 1 }), fc.integer({ min: -1, max: 1 })),
    })
    .map(({ listed, all }) =>
      purposes.flatMap((purpose, p): ClientGrant[] => {
        const named = purpose === undefined ? {} : { purpose }
        const own = types.map((grantType, index) => ({
          grantType,
          ...named,
          scopes: scopes.filter((_, s) => listed[p * 3 + s] === index),
        }))
        const rest = types[all[p] ?? -1]
        return [
          ...own.filter((grant) => grant.scopes.length > 0),
          ...(rest === undefined ? [] : [{ grantType: rest, ...named, scopes: '*' as const }]),
        ]
      }),
    )
  fc.assert(
    fc.property(grants, grants, (before, after) => {
      const ended = endedGrants(before, after)
      // A scope that nobody lists stands for all others.
      for (const purpose of purposes)
        for (const scope of [...scopes, 'other']) {
          const was = grantTypeFor(before, purpose, scope)
          const ends = was !== undefined && grantTypeFor(after, purpose, scope) !== was
          const told = ended.some(
            (g) =>
              g.purpose === purpose &&
              g.grantType === was &&
              (g.scopes === '*' || g.scopes.includes(scope)),
          )
          if (ends) assert.ok(told, `${purpose} ${scope}`)
          const whole = ended.some((g) => g.purpose === purpose && g.scopes === '*')
          if (!ends && !whole) assert.ok(!told, `${purpose} ${scope}`)
        }
    }),
    { numRuns: 2_000 },
  )
})

test('while other modules are asked about scopes, a change holds no connection that others may wait for', async (t) => {
  const { id, partners, platform } = await setUp(t)
  const application = await partners.getApplication(id())
  assert.ok(application)
  const { pool } = platform.database
  const held: number[] = []
  const checks = {
    isPurpose: () => true,
    addressFault: () => undefined,
    basisOf: async () => {
      held.push(pool.totalCount - pool.idleCount)
      return 'consent'
    },
  }
  const redirectUris = ['https://app.example/cb']
  const grants = [{ ...code, grantType: 'authorization_code' as const }]
  const input = { revision: 0, redirectUris, grants }
  await changeSettings(platform, checks, application, input, owner)
  assert.deepEqual(held, [0])
})
