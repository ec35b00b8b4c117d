import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import {
  type Answer,
  ask,
  bodyAs,
  type Caller,
  issueToken,
  mailedToken,
  openProduction,
} from '../support/partner-world.ts'
import { type Product, signUp, startProduct, until } from '../support/product.ts'

const password = 'correct horse battery staple'

/** Who asks: nobody, an owner of another partner, a viewer and the owner of the partner, its token, the operator's. */
const callers = ['anonymous', 'foreign', 'viewer', 'token', 'operator', 'owner'] as const
type CallerName = (typeof callers)[number]

/** Statuses in the order of `callers`. */
type Expected = readonly [number, number, number, number, number, number]

type Ids = Record<
  | 'partner'
  | 'viewer'
  | 'invitation'
  | 'apiToken'
  | 'application'
  | 'spare'
  | 'credential'
  | 'production'
  | 'agreement'
  | 'contract'
  | 'sandboxContract'
  | 'subscription'
  | 'exchange',
  string
>
type Row = {
  expected: Expected
  path?: (ids: Ids) => string
  body?: (ids: Ids) => unknown
  /** what is used up by a caller who may: made anew for each */
  fresh?: (world: World) => Promise<Partial<Ids>>
  /** the caller signs in anew, because its session ends here */
  ownSession?: true
}
type World = {
  product: Product
  ids: Ids
  who: Record<CallerName, Caller>
  emails: Partial<Record<CallerName, string>>
}

const everybody = (status: number): Expected => [status, status, status, status, status, status]
const signedIn = (status: number): Expected => [401, status, status, status, status, status]
const operatorOnly = (status: number): Expected => [401, 403, 403, 403, status, 403]
const personOnly = (status: number): Expected => [401, status, status, 403, 403, status]
const readers = (status: number): Expected => [401, 404, status, status, status, status]
const changers = (status: number): Expected => [401, 404, 403, status, status, status]

const newApplication = { name: 'Access', environment: 'sandbox' }
const spare = async ({ product, who }: World): Promise<Partial<Ids>> => {
  const made = await ask(product, who.owner, 'POST', '/applications', newApplication)
  return { spare: made.body.id, credential: made.body.credentials.id }
}
let invited = 0
const invitation = async ({ product, who, ids }: World): Promise<Partial<Ids>> => {
  invited += 1
  const made = await ask(product, who.owner, 'POST', `/partners/${ids.partner}/members`, {
    email: `invited-${invited}@example.com`,
    role: 'viewer',
  })
  return { invitation: made.body.id }
}
const apiToken = async ({ product, who }: World): Promise<Partial<Ids>> => ({
  apiToken: (await ask(product, who.owner, 'POST', '/tokens', { name: 'Access' })).body.id,
})

/** Every route of the management API. A route that is not here, or no more, fails. */
const table: Readonly<Record<string, Row>> = {
  'POST /session': {
    expected: everybody(401),
    body: () => ({ email: 'nobody@example.com', password }),
  },
  'GET /session': { expected: signedIn(200) },
  'DELETE /session': { expected: [401, 204, 204, 403, 403, 204], ownSession: true },
  'POST /session/second-factor': {
    expected: everybody(401),
    body: () => ({ ticket: 'no', method: 'totp', code: '000000' }),
  },
  'POST /session/passkey-options': { expected: everybody(200) },
  'POST /session/passkey': { expected: everybody(400), body: () => ({}) },
  'GET /session/step-up': { expected: personOnly(200) },
  'POST /session/step-up': { expected: personOnly(400), body: () => ({ method: 'password' }) },
  'POST /session/step-up/passkey-options': { expected: personOnly(200) },
  'GET /sessions': { expected: personOnly(200) },
  'DELETE /sessions': { expected: personOnly(204) },
  'DELETE /sessions/{sessionId}': { expected: personOnly(404), path: () => '/sessions/ses_0' },
  'GET /factors': { expected: personOnly(200) },
  'POST /factors/passkeys/options': { expected: personOnly(200) },
  'POST /factors/passkeys': { expected: signedIn(400), body: () => ({}) },
  'PATCH /factors/passkeys/{passkeyId}': {
    expected: personOnly(404),
    path: () => '/factors/passkeys/pky_0',
    body: () => ({ name: 'Another name' }),
  },
  'DELETE /factors/passkeys/{passkeyId}': {
    expected: personOnly(404),
    path: () => '/factors/passkeys/pky_0',
  },
  'POST /factors/totp': { expected: personOnly(200) },
  'POST /factors/totp/confirm': { expected: personOnly(400), body: () => ({ code: 'x' }) },
  'DELETE /factors/totp': { expected: personOnly(404) },
  'POST /factors/recovery-codes': { expected: personOnly(409) },
  'DELETE /partners/{partnerId}/members/{memberId}/factors': {
    expected: [401, 404, 403, 403, 403, 404],
    path: (ids) => `/partners/${ids.partner}/members/${ids.invitation}/factors`,
    fresh: invitation,
  },
  'DELETE /operators/{operatorId}/factors': {
    expected: operatorOnly(403),
    path: () => '/operators/stf_0/factors',
  },
  'POST /recovery': { expected: everybody(202), body: () => ({ email: 'nobody@example.com' }) },
  'POST /recovery/reset': { expected: everybody(400), body: () => ({ token: 'no', password }) },
  'POST /email-verification': { expected: personOnly(202) },
  'POST /email-verification/confirm': {
    expected: everybody(400),
    body: () => ({ token: 'no' }),
  },
  'GET /partners/{partnerId}/members': {
    expected: readers(200),
    path: (ids) => `/partners/${ids.partner}/members`,
  },
  'POST /partners/{partnerId}/members': {
    expected: changers(201),
    path: (ids) => `/partners/${ids.partner}/members`,
    body: () => ({ email: 'colleague@example.com', role: 'viewer' }),
  },
  'PATCH /partners/{partnerId}/members/{memberId}': {
    expected: changers(200),
    path: (ids) => `/partners/${ids.partner}/members/${ids.viewer}`,
    body: () => ({ role: 'viewer' }),
  },
  'DELETE /partners/{partnerId}/members/{memberId}': {
    expected: changers(204),
    path: (ids) => `/partners/${ids.partner}/members/${ids.invitation}`,
    fresh: invitation,
  },
  'POST /invitations/accept': {
    expected: everybody(400),
    body: () => ({ token: 'no', name: 'Ada', password }),
  },
  'POST /operators/first': {
    expected: everybody(400),
    body: () => ({ token: 'no', name: 'Ada', email: 'ada@example.com', password }),
  },
  'GET /operators': { expected: operatorOnly(200) },
  'GET /tokens': { expected: personOnly(200) },
  'POST /tokens': { expected: personOnly(201), body: () => ({ name: 'Access' }) },
  'DELETE /tokens/{tokenId}': {
    expected: [401, 404, 404, 403, 403, 204],
    path: (ids) => `/tokens/${ids.apiToken}`,
    fresh: apiToken,
  },
  // A registration that succeeds would end the session of the caller.
  'POST /registrations': { expected: everybody(400), body: () => ({}) },
  'GET /partners': { expected: operatorOnly(200) },
  'GET /partners/{partnerId}': {
    expected: readers(200),
    path: (ids) => `/partners/${ids.partner}`,
  },
  'POST /partners/{partnerId}/suspension': {
    expected: operatorOnly(200),
    path: (ids) => `/partners/${ids.partner}/suspension`,
    body: () => ({ reason: 'to see who may' }),
  },
  'DELETE /partners/{partnerId}/suspension': {
    expected: operatorOnly(200),
    path: (ids) => `/partners/${ids.partner}/suspension`,
  },
  'GET /applications': {
    expected: signedIn(200),
    path: (ids) => `/applications?partnerId=${ids.partner}`,
  },
  'POST /applications': {
    expected: changers(201),
    body: (ids) => ({ ...newApplication, partnerId: ids.partner }),
  },
  'GET /applications/{applicationId}': {
    expected: readers(200),
    path: (ids) => `/applications/${ids.application}`,
  },
  'PATCH /applications/{applicationId}': {
    expected: changers(200),
    path: (ids) => `/applications/${ids.application}`,
    body: () => ({ name: 'Another name' }),
  },
  'DELETE /applications/{applicationId}': {
    expected: changers(204),
    path: (ids) => `/applications/${ids.spare}`,
    fresh: spare,
  },
  'GET /applications/{applicationId}/credentials': {
    expected: readers(200),
    path: (ids) => `/applications/${ids.application}/credentials`,
  },
  'POST /applications/{applicationId}/credentials': {
    expected: changers(201),
    path: (ids) => `/applications/${ids.spare}/credentials`,
    body: () => ({ type: 'client_secret' }),
    fresh: spare,
  },
  'DELETE /applications/{applicationId}/credentials/{credentialId}': {
    expected: changers(204),
    path: (ids) => `/applications/${ids.spare}/credentials/${ids.credential}`,
    fresh: spare,
  },
  'GET /applications/{applicationId}/authorization': {
    expected: readers(200),
    path: (ids) => `/applications/${ids.application}/authorization`,
  },
  'PUT /applications/{applicationId}/authorization': {
    expected: changers(200),
    path: (ids) => `/applications/${ids.spare}/authorization`,
    body: () => ({ revision: 0 }),
    fresh: spare,
  },
  'PUT /applications/{applicationId}/authorization/lock': {
    expected: operatorOnly(200),
    path: (ids) => `/applications/${ids.spare}/authorization/lock`,
    body: () => ({ reason: 'to see who may' }),
    fresh: spare,
  },
  'DELETE /applications/{applicationId}/authorization/lock': {
    expected: operatorOnly(200),
    path: (ids) => `/applications/${ids.spare}/authorization/lock`,
    fresh: spare,
  },
  'GET /purposes': { expected: everybody(200) },
  'GET /apis': { expected: everybody(200) },
  'POST /apis': { expected: operatorOnly(400), body: () => ({ document: 'x', product: 'y' }) },
  'GET /apis/{apiName}': { expected: everybody(200), path: () => '/apis/sim-swap' },
  'GET /apis/{apiName}/versions/{version}': {
    expected: everybody(200),
    path: () => '/apis/sim-swap/versions/v2',
  },
  'GET /apis/{apiName}/versions/{version}/openapi': {
    expected: everybody(200),
    path: () => '/apis/sim-swap/versions/v2/openapi',
  },
  'GET /apis/{apiName}/versions/{version}/usage': {
    expected: operatorOnly(200),
    path: () => '/apis/sim-swap/versions/v2/usage',
  },
  'POST /apis/{apiName}/versions/{version}/lifecycle': {
    expected: operatorOnly(200),
    path: () => '/apis/sim-swap/versions/v2/lifecycle',
    body: () => ({ state: 'published' }),
  },
  'GET /plans': { expected: everybody(200) },
  'GET /agreements': { expected: signedIn(200) },
  'POST /agreements/{agreementId}/acceptances': {
    expected: [401, 201, 403, 201, 403, 200],
    path: (ids) => `/agreements/${ids.agreement}/acceptances`,
  },
  'GET /contracts': {
    expected: signedIn(200),
    path: (ids) => `/contracts?partnerId=${ids.partner}`,
  },
  'POST /contracts': {
    expected: [401, 409, 403, 409, 403, 409],
    body: (ids) => ({ planId: 'pln_paid', agreementId: ids.agreement }),
  },
  'GET /contracts/{contractId}': {
    expected: readers(200),
    path: (ids) => `/contracts/${ids.contract}`,
  },
  'DELETE /contracts/{contractId}': {
    expected: changers(409),
    path: (ids) => `/contracts/${ids.sandboxContract}`,
  },
  'POST /contracts/{contractId}/suspension': {
    expected: operatorOnly(201),
    path: (ids) => `/contracts/${ids.contract}/suspension`,
    body: () => ({ reason: 'to see who may' }),
  },
  'DELETE /contracts/{contractId}/suspension': {
    expected: operatorOnly(204),
    path: (ids) => `/contracts/${ids.contract}/suspension`,
  },
  'POST /contracts/{contractId}/plan': {
    expected: operatorOnly(200),
    path: (ids) => `/contracts/${ids.contract}/plan`,
    body: () => ({ planId: 'pln_paid' }),
  },
  'GET /contracts/{contractId}/masks': {
    expected: readers(200),
    path: (ids) => `/contracts/${ids.contract}/masks`,
  },
  'PUT /contracts/{contractId}/masks': {
    expected: operatorOnly(200),
    path: (ids) => `/contracts/${ids.contract}/masks`,
    body: () => ({ masks: [] }),
  },
  'PUT /contracts/{contractId}/limits': {
    expected: operatorOnly(200),
    path: (ids) => `/contracts/${ids.contract}/limits`,
    body: () => ({ rate: [{ limit: 20, windowSeconds: 1 }] }),
  },
  'DELETE /contracts/{contractId}/limits': {
    expected: operatorOnly(204),
    path: (ids) => `/contracts/${ids.contract}/limits`,
  },
  'GET /subscriptions': {
    expected: signedIn(200),
    path: (ids) => `/subscriptions?partnerId=${ids.partner}&contractId=${ids.contract}`,
  },
  'POST /subscriptions': {
    expected: [401, 404, 403, 409, 403, 409],
    body: (ids) => ({ applicationId: ids.production, apiId: 'sim-swap/v2' }),
  },
  'GET /subscriptions/{subscriptionId}': {
    expected: readers(200),
    path: (ids) => `/subscriptions/${ids.subscription}`,
  },
  'DELETE /subscriptions/{subscriptionId}': {
    expected: [401, 404, 403, 409, 403, 409],
    path: (ids) => `/subscriptions/${ids.subscription}`,
  },
  'GET /usage': { expected: signedIn(200), path: (ids) => `/usage?partnerId=${ids.partner}` },
  'GET /exchanges': {
    expected: signedIn(200),
    path: (ids) => `/exchanges?partnerId=${ids.partner}&applicationId=${ids.application}`,
  },
  // A stream that does not end: with a filter that there is not, it does not begin.
  'GET /exchanges/live': { expected: operatorOnly(400), path: () => '/exchanges/live?colour=red' },
  'GET /gateways': { expected: operatorOnly(200) },
  'GET /gateways/reports': { expected: operatorOnly(200) },
  'GET /exchanges/{exchangeId}': {
    expected: readers(200),
    path: (ids) => `/exchanges/${ids.exchange}`,
  },
  'POST /sandbox/messages/retrieve': {
    expected: [401, 404, 200, 200, 403, 200],
    body: (ids) => ({ applicationId: ids.application }),
  },
  'POST /sandbox/handset': { expected: [401, 200, 200, 200, 403, 200] },
  'GET /sandbox/subscribers': { expected: everybody(200) },
  'GET /audit-events': { expected: signedIn(200) },
  'POST /consents/search': {
    expected: operatorOnly(200),
    body: () => ({ environment: 'sandbox', phoneNumber: '+99010000001' }),
  },
  'GET /consents/{consentId}': { expected: operatorOnly(404), path: () => '/consents/cns_0' },
  'POST /consents/{consentId}/withdrawal': {
    expected: operatorOnly(404),
    path: () => '/consents/cns_0/withdrawal',
    body: () => ({ reason: 'by letter' }),
  },
  'GET /consent-counts': { expected: [401, 200, 200, 200, 403, 200] },
  'GET /consent-languages': { expected: operatorOnly(200) },
  'PUT /consent-languages/{locale}': {
    expected: operatorOnly(200),
    path: () => '/consent-languages/pt',
    body: () => ({ words: { allow: 'Permitir' } }),
  },
  'GET /snapshot': { expected: operatorOnly(200) },
  'POST /try-it': {
    expected: [404, 404, 200, 200, 404, 200],
    body: (ids) => ({
      apiId: 'sim-swap/v2',
      operationId: 'checkSimSwap',
      applicationId: ids.application,
      body: { phoneNumber: '+99012345678' },
    }),
  },
}

/** An id of the same kind that nothing has; an agreement is nobody's own. */
const absentOf = (ids: Ids): Ids =>
  Object.fromEntries(
    Object.entries(ids).map(([name, id]) => [
      name,
      name === 'agreement' ? id : id.replace(/_.{20}$/, '_00000000000000000000'),
    ]),
  ) as Ids

async function createWorld(product: Product): Promise<World> {
  const { registration, owner, email, agreementId, contractId } = await openProduction(product)
  const partner = registration.partner.id
  const viewerEmail = 'viewer@example.com'
  const members = `/partners/${partner}/members`
  await ask(product, owner, 'POST', members, { email: viewerEmail, role: 'viewer' })
  const token = await mailedToken(product, viewerEmail, 'accept-invitation')
  const joined = await ask(product, {}, 'POST', '/invitations/accept', {
    token,
    name: 'Vera',
    password,
  })
  const foreign = await signUp(product)
  const live = { name: 'Live', environment: 'production' }
  const production = await ask(product, owner, 'POST', '/applications', live)
  const wanted = { applicationId: production.body.id, apiId: 'sim-swap/v2' }
  assert.equal((await ask(product, owner, 'POST', '/subscriptions', wanted)).status, 201)
  const first = async (address: string): Promise<string> => {
    let id: string | undefined
    await until(async () => {
      id = (await ask(product, owner, 'GET', address)).body.items[0]?.id
      return id !== undefined
    }, 20_000)
    return id ?? ''
  }
  await ask(product, owner, 'POST', '/try-it', {
    apiId: 'sim-swap/v2',
    operationId: 'checkSimSwap',
    applicationId: registration.application.id,
    body: { phoneNumber: '+99012345678' },
  })
  const [partnerToken, operatorToken] = await Promise.all([
    issueToken(product, '--role', 'partner', '--partner', partner),
    issueToken(product, '--role', 'operator'),
  ])
  return {
    product,
    ids: {
      partner,
      viewer: joined.body.id,
      application: registration.application.id,
      production: production.body.id,
      agreement: agreementId,
      contract: contractId,
      sandboxContract: await first('/contracts?environment=sandbox'),
      subscription: await first('/subscriptions?environment=sandbox'),
      exchange: await first('/exchanges'),
      invitation: 'mem_00000000000000000000',
      apiToken: 'tok_00000000000000000000',
      spare: 'app_00000000000000000000',
      credential: 'crd_00000000000000000000',
    },
    who: {
      anonymous: {},
      foreign: { cookie: foreign.cookie },
      viewer: { cookie: cookieOf(joined) },
      token: { token: partnerToken },
      operator: { token: operatorToken },
      owner,
    },
    emails: { foreign: foreign.email, viewer: viewerEmail, owner: email },
  }
}

const cookieOf = (answer: Answer): string =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')

type Documented = { paths: Record<string, Record<string, { responses: Record<string, unknown> }>> }

describe('who may do what, over every route of the management API', () => {
  let world: World
  let documented: Map<string, (status: number) => ValidateFunction | undefined>
  const cleanUps: (() => Promise<void> | void)[] = []
  before(async () => {
    const product = await startProduct({ after: (fn) => void cleanUps.push(fn) })
    documented = validators(bodyAs<Documented>(await ask(product, {}, 'GET', '/openapi.json')))
    world = await createWorld(product)
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  test('every route is in the table, and every row is a route', () => {
    assert.deepEqual([...documented.keys()].sort(), Object.keys(table).sort())
  })

  for (const [route, row] of Object.entries(table)) {
    const [method = '', template = ''] = route.split(' ')
    const send = (caller: Caller, ids: Ids): Promise<Answer> =>
      ask(world.product, caller, method, row.path?.(ids) ?? template, row.body?.(ids))

    test(route, async () => {
      const statusFor = async (name: CallerName): Promise<number> => {
        const email = row.ownSession === true ? world.emails[name] : undefined
        const caller = email === undefined ? world.who[name] : await signIn(world.product, email)
        const ids = { ...world.ids, ...(await row.fresh?.(world)) }
        const answer = await send(caller, ids)
        isAsDocumented(answer, documented.get(route))
        if (name === 'foreign') isAsForAbsent(answer, await send(caller, absentOf(ids)), ids, row)
        return answer.status
      }
      const statuses = await Promise.all(callers.map(statusFor))
      assert.deepEqual(
        callers.map((name, index) => [name, statuses[index]]),
        callers.map((name, index) => [name, row.expected[index]]),
      )
    })
  }
})

const signIn = async (product: Product, email: string): Promise<Caller> => ({
  cookie: cookieOf(await ask(product, {}, 'POST', '/session', { email, password })),
})

/** The answer for another partner's thing says nothing that the answer for no thing at all does not. */
function isAsForAbsent(foreign: Answer, absent: Answer, ids: Ids, row: Row): void {
  const isAbout = JSON.stringify([row.path?.(ids), row.body?.(ids)])
  const changed = JSON.stringify([row.path?.(absentOf(ids)), row.body?.(absentOf(ids))]) !== isAbout
  if (!changed) return
  const told = ({ status, headers, text }: Answer) => ({
    status,
    text,
    headers: [...headers].filter(([name]) => name !== 'date' && name !== 'x-correlator').sort(),
  })
  assert.deepEqual(told(foreign), told(absent))
}

function isAsDocumented(
  answer: Answer,
  schemaOf: ((status: number) => ValidateFunction | undefined) | undefined,
): void {
  const { status, body } = answer
  const validate = schemaOf?.(status)
  assert.ok(validate, `${status} is not documented`)
  assert.match(answer.headers.get('x-correlator') ?? '', /^[\w-]{36}$/)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  if (status === 204) assert.equal(answer.text, '')
  else if (body !== undefined)
    assert.ok(validate(body), `${status}: ${JSON.stringify(validate.errors)} ${answer.text}`)
  if (status < 400) return
  assert.deepEqual(Object.keys(body).slice(0, 3), ['status', 'code', 'message'])
  assert.equal(body.status, status)
  if (status === 401) assert.ok(body.code === 'UNAUTHENTICATED')
}

/** By route and status: what the document says of the body. */
function validators(
  document: Documented,
): Map<string, (status: number) => ValidateFunction | undefined> {
  const ajv = addFormats.default(new Ajv({ strict: false }))
  const routes = Object.entries(document.paths).flatMap(([address, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const schemaOf = (status: number): ValidateFunction | undefined => {
        const { responses } = operation
        const response = (responses[status] ?? (status >= 400 ? responses.default : undefined)) as
          | { content?: Record<string, { schema?: object }> }
          | undefined
        if (response === undefined) return undefined
        return ajv.compile(response.content?.['application/json']?.schema ?? {})
      }
      return { address, method, schemaOf }
    }),
  )
  const prefix = '/management/v1'
  return new Map(
    routes
      .filter(({ address }) => address.startsWith(prefix))
      .map(({ address, method, schemaOf }) => [
        `${method.toUpperCase()} ${address.slice(prefix.length)}`,
        schemaOf,
      ]),
  )
}
