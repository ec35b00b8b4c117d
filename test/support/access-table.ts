import type { Answer, Caller } from './partner-world.ts'

export const partnerRoles = ['owner', 'developer', 'finance', 'viewer'] as const
export const operatorRoles = [
  'administrator',
  'engineer',
  'product',
  'partner-success',
  'auditor',
] as const
export type PartnerRole = (typeof partnerRoles)[number]
export type OperatorRole = (typeof operatorRoles)[number]

/**
 * Who asks: nobody; an owner of another partner; each role of the partner and of the staff; an API token of an owner, one that is
 * limited to usage, and one of an administrator; an owner of a partner that is suspended; an administrator who owes a second factor.
 */
export const callers = [
  'anonymous',
  'foreign',
  ...partnerRoles,
  'partner token',
  'narrow token',
  ...operatorRoles,
  'operator token',
  'suspended',
  'factorless',
] as const
export type CallerName = (typeof callers)[number]

/** Things of the partner, and one open invitation of the staff. */
export type Ids = Record<
  | 'partner'
  | 'viewer'
  | 'invitation'
  | 'colleague'
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

export type AccessWorld = {
  ids: Ids
  /** what the suspended partner has of its own */
  suspendedIds: Ids
  who: Record<CallerName, Caller>
  ask: (caller: Caller, method: string, address: string, body?: unknown) => Promise<Answer>
}

/** Who may call a route, written down here a second time and apart from what the product says. */
export type Who =
  | 'everybody'
  | {
      partner: readonly PartnerRole[]
      operator: readonly OperatorRole[]
      /** no API token */
      person?: true
      /** nobody of a partner that is suspended */
      active?: true
      /** also staff who owe a second factor */
      withoutFactor?: true
    }

export type Row = {
  who: Who
  /** the answer for whoever may */
  ok: number
  /** for an owner of another partner; without it 404 where members may call it at all, and 403 else */
  foreign?: number
  /** for those who may and for whom it differs */
  but?: Partial<Record<string, number>>
  path?: (ids: Ids) => string
  body?: (ids: Ids) => unknown
  /** also for a token that is limited to usage */
  narrow?: true
  /** what is used up by a caller who may: made anew for each */
  fresh?: (world: AccessWorld) => Promise<Partial<Ids>>
}

const readers = { partner: partnerRoles, operator: operatorRoles }
const staff = { partner: [], operator: operatorRoles }
const technical = ['owner', 'developer', 'viewer'] as const
const builders = ['owner', 'developer'] as const
const commercial = {
  partner: [],
  operator: ['administrator', 'product', 'partner-success'],
} as const
const keepers = { partner: [], operator: ['administrator', 'engineer', 'product'] } as const
const integrators = {
  partner: builders,
  operator: ['administrator', 'engineer', 'partner-success'],
  active: true,
} as const
const self = { ...readers, person: true, withoutFactor: true } as const
const persons = { ...readers, person: true } as const
const owners = { partner: ['owner'], operator: ['administrator'] } as const
const administrators = { partner: [], operator: ['administrator'] } as const
const settingsChangers = { partner: builders, operator: commercial.operator, active: true } as const
const evidenceReaders = { partner: [], operator: ['administrator', 'auditor'] } as const
const ownersOnly = { partner: ['owner'], operator: [], active: true } as const

const open = (ok: number, rest: Partial<Row> = {}): Row => ({ who: 'everybody', ok, ...rest })
const row = (who: Who, ok: number, rest: Partial<Row> = {}): Row => ({ who, ok, ...rest })

export const password = 'correct horse battery staple'
const newApplication = { name: 'Access', environment: 'sandbox' }
const reason = () => ({ reason: 'to see who may' })
let invited = 0
let guesses = 0

const spare: Row['fresh'] = async ({ ask, who }) => {
  const made = await ask(who.owner, 'POST', '/applications', newApplication)
  return { spare: made.body.id, credential: made.body.credentials.id }
}
const invitation: Row['fresh'] = async ({ ask, who, ids }) => {
  invited += 1
  const body = { email: `invited-${invited}@example.com`, role: 'viewer' }
  const made = await ask(who.owner, 'POST', `/partners/${ids.partner}/members`, body)
  return { invitation: made.body.id }
}
const staffInvitation: Row['fresh'] = async ({ ask, who }) => {
  invited += 1
  const body = { email: `invited-${invited}@operator.example`, role: 'auditor' }
  const made = await ask(who['operator token'], 'POST', '/operators', body)
  return { colleague: made.body.id }
}
const api = (tail = '') => `/apis/sim-swap/versions/v2${tail}`
const application =
  (tail = '', id: 'application' | 'spare' = 'application') =>
  (ids: Ids) =>
    `/applications/${ids[id]}${tail}`
const contract =
  (tail = '') =>
  (ids: Ids) =>
    `/contracts/${ids.contract}${tail}`
const members =
  (tail: (ids: Ids) => string = () => '') =>
  (ids: Ids) =>
    `/partners/${ids.partner}/members${tail(ids)}`

const sso =
  (tail = '') =>
  (ids: Ids) =>
    `/partners/${ids.partner}/sso${tail}`

/** Every route of the management API. A route that is not here, or no more, fails. */
export const accessTable: Readonly<Record<string, Row>> = {
  'POST /session': open(401, {
    body: () => {
      guesses += 1
      return { email: `nobody-${guesses}@example.com`, password }
    },
  }),
  'GET /session': row({ ...readers, withoutFactor: true }, 200, { foreign: 200, narrow: true }),
  'GET /roles': row({ ...readers, withoutFactor: true }, 200, { foreign: 200, narrow: true }),
  'POST /session/second-factor': open(401, {
    body: () => ({ ticket: 'no', method: 'totp', code: '000000' }),
  }),
  'POST /session/passkey-options': open(200),
  'POST /session/passkey': open(400, { body: () => ({}) }),
  'GET /session/step-up': row(self, 200, { foreign: 200 }),
  'POST /session/step-up': row(self, 400, { foreign: 400, body: () => ({ method: 'password' }) }),
  'POST /session/step-up/passkey-options': row(self, 200, { foreign: 200 }),
  'GET /sessions': row(self, 200, { foreign: 200 }),
  'DELETE /sessions': row(self, 204, { foreign: 204 }),
  'DELETE /sessions/{sessionId}': row(self, 404, { path: () => '/sessions/ses_0' }),
  'GET /factors': row(self, 200, { foreign: 200 }),
  'POST /factors/passkeys/options': row(self, 200, { foreign: 200 }),
  'POST /factors/passkeys': row(self, 400, { foreign: 400, body: () => ({}) }),
  'PATCH /factors/passkeys/{passkeyId}': row(self, 404, {
    path: () => '/factors/passkeys/pky_0',
    body: () => ({ name: 'Another name' }),
  }),
  'DELETE /factors/passkeys/{passkeyId}': row(self, 404, { path: () => '/factors/passkeys/pky_0' }),
  'POST /factors/totp': row(self, 200, { foreign: 200 }),
  'POST /factors/totp/confirm': row(self, 400, { foreign: 400, body: () => ({ code: 'x' }) }),
  // Those of the staff who have one must keep it.
  'DELETE /factors/totp': row(self, 404, {
    but: Object.fromEntries(operatorRoles.map((role) => [role, 409])),
  }),
  'POST /factors/recovery-codes': row(self, 409, {
    foreign: 409,
    but: Object.fromEntries(operatorRoles.map((role) => [role, 200])),
  }),
  'DELETE /partners/{partnerId}/members/{memberId}/factors': row({ ...owners, person: true }, 404, {
    path: members(() => '/mem_0/factors'),
  }),
  'DELETE /operators/{operatorId}/factors': row({ ...administrators, person: true }, 404, {
    path: () => '/operators/stf_0/factors',
  }),
  'POST /session/sso': open(400, { body: () => ({}) }),
  'POST /session/sso/proof': row(self, 409, { foreign: 409 }),
  'GET /operators/sso': row({ partner: [], operator: ['administrator', 'auditor'] }, 200),
  'GET /partners/{partnerId}/sso': row(
    { partner: ['owner'], operator: ['administrator', 'auditor'] },
    200,
    { path: sso() },
  ),
  'PUT /partners/{partnerId}/sso': row(owners, 400, {
    path: sso(),
    foreign: 400,
    body: () => ({}),
  }),
  'DELETE /partners/{partnerId}/sso': row(owners, 404, { path: sso() }),
  'POST /partners/{partnerId}/sso/domains': row(owners, 400, {
    path: sso('/domains'),
    foreign: 400,
    body: () => ({ domain: 'no domain' }),
  }),
  'DELETE /partners/{partnerId}/sso/domains/{domain}': row(owners, 404, {
    path: sso('/domains/absent.example'),
  }),
  'POST /partners/{partnerId}/sso/domains/{domain}/mail': row(owners, 404, {
    path: sso('/domains/absent.example/mail'),
    body: () => ({ mailbox: 'postmaster' }),
  }),
  'POST /partners/{partnerId}/sso/domains/{domain}/proof': row(owners, 404, {
    path: sso('/domains/absent.example/proof'),
    body: () => ({}),
  }),
  'POST /recovery': open(202, { body: () => ({ email: 'nobody@example.com' }) }),
  'POST /recovery/reset': open(400, { body: () => ({ token: 'no', password }) }),
  'POST /email-verification': row(self, 202, { foreign: 202 }),
  'POST /email-verification/confirm': open(400, { body: () => ({ token: 'no' }) }),
  'GET /partners/{partnerId}/members': row(
    {
      partner: partnerRoles,
      operator: ['administrator', 'product', 'partner-success', 'auditor'],
    },
    200,
    { path: members() },
  ),
  'POST /partners/{partnerId}/members': row(owners, 201, {
    path: members(),
    body: () => ({ email: 'colleague@example.com', role: 'viewer' }),
  }),
  'PATCH /partners/{partnerId}/members/{memberId}': row(owners, 200, {
    path: members((ids) => `/${ids.viewer}`),
    body: () => ({ role: 'viewer' }),
  }),
  // Everybody may leave; here each would send another away.
  'DELETE /partners/{partnerId}/members/{memberId}': row(owners, 204, {
    path: members((ids) => `/${ids.invitation}`),
    fresh: invitation,
  }),
  'POST /invitations/accept': open(400, { body: () => ({ token: 'no', name: 'Ada', password }) }),
  'POST /operators/first': open(400, {
    body: () => ({ token: 'no', name: 'Ada', email: 'ada@example.com', password }),
  }),
  'GET /operators': row(staff, 200),
  'POST /operators': row(administrators, 201, {
    body: () => ({ email: 'lin@operator.example', role: 'auditor' }),
  }),
  'PATCH /operators/{operatorId}': row(administrators, 200, {
    path: (ids) => `/operators/${ids.colleague}`,
    body: () => ({ role: 'auditor' }),
  }),
  'DELETE /operators/{operatorId}': row(administrators, 204, {
    path: (ids) => `/operators/${ids.colleague}`,
    fresh: staffInvitation,
  }),
  'GET /tokens': row(persons, 200, { foreign: 200 }),
  'POST /tokens': row(persons, 201, { foreign: 201, body: () => ({ name: 'Access' }) }),
  'DELETE /tokens/{tokenId}': row(persons, 404, {
    path: (ids) => `/tokens/${ids.apiToken}`,
    but: { owner: 204 },
    fresh: async ({ ask, who }) => ({
      apiToken: (await ask(who.owner, 'POST', '/tokens', { name: 'Access' })).body.id,
    }),
  }),
  // A registration that succeeds would end the session of the caller.
  'POST /registrations': open(400, { body: () => ({}) }),
  'GET /partners': row(staff, 200),
  'GET /partners/{partnerId}': row(readers, 200, { path: (ids) => `/partners/${ids.partner}` }),
  'POST /partners/{partnerId}/suspension': row(commercial, 404, {
    path: () => '/partners/prt_0/suspension',
    body: reason,
  }),
  'DELETE /partners/{partnerId}/suspension': row(commercial, 200, {
    path: (ids) => `/partners/${ids.partner}/suspension`,
  }),
  'GET /applications': row(readers, 200, {
    foreign: 200,
    path: (ids) => `/applications?partnerId=${ids.partner}`,
  }),
  'POST /applications': row(integrators, 201, {
    body: (ids) => ({ ...newApplication, partnerId: ids.partner }),
  }),
  'GET /applications/{applicationId}': row(readers, 200, { path: application() }),
  'PATCH /applications/{applicationId}': row(integrators, 200, {
    path: application(),
    body: () => ({ name: 'Another name' }),
  }),
  'DELETE /applications/{applicationId}': row(integrators, 204, {
    path: application('', 'spare'),
    fresh: spare,
  }),
  'GET /applications/{applicationId}/credentials': row(
    { partner: technical, operator: operatorRoles },
    200,
    { path: application('/credentials') },
  ),
  'POST /applications/{applicationId}/credentials': row(integrators, 201, {
    path: application('/credentials', 'spare'),
    body: () => ({ type: 'client_secret' }),
    fresh: spare,
  }),
  'DELETE /applications/{applicationId}/credentials/{credentialId}': row(integrators, 204, {
    path: (ids) => `/applications/${ids.spare}/credentials/${ids.credential}`,
    fresh: spare,
  }),
  'GET /applications/{applicationId}/authorization': row(
    { partner: technical, operator: operatorRoles },
    200,
    { path: application('/authorization') },
  ),
  'PUT /applications/{applicationId}/authorization': row(settingsChangers, 200, {
    path: application('/authorization', 'spare'),
    body: () => ({ revision: 0 }),
    fresh: spare,
  }),
  'PUT /applications/{applicationId}/authorization/lock': row(commercial, 200, {
    path: application('/authorization/lock', 'spare'),
    body: reason,
    fresh: spare,
  }),
  'DELETE /applications/{applicationId}/authorization/lock': row(commercial, 200, {
    path: application('/authorization/lock', 'spare'),
    fresh: spare,
  }),
  'GET /purposes': open(200),
  'GET /apis': open(200),
  'POST /apis': row(keepers, 400, { body: () => ({ document: 'x', product: 'y' }) }),
  'GET /apis/{apiName}': open(200, { path: () => '/apis/sim-swap' }),
  'GET /apis/{apiName}/versions/{version}': open(200, { path: () => api() }),
  'GET /apis/{apiName}/versions/{version}/openapi': open(200, { path: () => api('/openapi') }),
  'GET /apis/{apiName}/versions/{version}/usage': row(staff, 200, { path: () => api('/usage') }),
  'POST /apis/{apiName}/versions/{version}/lifecycle': row(keepers, 200, {
    path: () => api('/lifecycle'),
    body: () => ({ state: 'published' }),
  }),
  'GET /plans': open(200),
  'GET /agreements': row(readers, 200, { foreign: 200 }),
  'POST /agreements/{agreementId}/acceptances': row(ownersOnly, 200, {
    foreign: 201,
    but: { 'partner token': 201 },
    path: (ids) => `/agreements/${ids.agreement}/acceptances`,
  }),
  'GET /contracts': row(readers, 200, {
    foreign: 200,
    path: (ids) => `/contracts?partnerId=${ids.partner}`,
  }),
  'POST /contracts': row(ownersOnly, 409, {
    foreign: 409,
    body: (ids) => ({ planId: 'pln_paid', agreementId: ids.agreement }),
  }),
  'GET /contracts/{contractId}': row(readers, 200, { path: contract() }),
  'DELETE /contracts/{contractId}': row(
    { partner: ['owner'], operator: commercial.operator },
    409,
    { path: (ids) => `/contracts/${ids.sandboxContract}` },
  ),
  'POST /contracts/{contractId}/suspension': row(commercial, 404, {
    path: () => '/contracts/ctr_0/suspension',
    body: reason,
  }),
  'DELETE /contracts/{contractId}/suspension': row(commercial, 404, {
    path: contract('/suspension'),
  }),
  'POST /contracts/{contractId}/plan': row(commercial, 200, {
    path: contract('/plan'),
    body: () => ({ planId: 'pln_paid' }),
  }),
  'GET /contracts/{contractId}/masks': row(readers, 200, { path: contract('/masks') }),
  'PUT /contracts/{contractId}/masks': row(commercial, 200, {
    path: contract('/masks'),
    body: () => ({ masks: [] }),
  }),
  'PUT /contracts/{contractId}/limits': row(commercial, 200, {
    path: contract('/limits'),
    body: () => ({ rate: [{ limit: 20, windowSeconds: 1 }] }),
  }),
  'DELETE /contracts/{contractId}/limits': row(commercial, 204, { path: contract('/limits') }),
  'GET /subscriptions': row(readers, 200, {
    foreign: 200,
    path: (ids) => `/subscriptions?partnerId=${ids.partner}&contractId=${ids.contract}`,
  }),
  'POST /subscriptions': row({ partner: builders, operator: [], active: true }, 409, {
    body: (ids) => ({ applicationId: ids.production, apiId: 'sim-swap/v2' }),
  }),
  'GET /subscriptions/{subscriptionId}': row(readers, 200, {
    path: (ids) => `/subscriptions/${ids.subscription}`,
  }),
  'DELETE /subscriptions/{subscriptionId}': row(
    { partner: builders, operator: [], active: true },
    409,
    { path: (ids) => `/subscriptions/${ids.subscription}` },
  ),
  'GET /usage': row(readers, 200, {
    foreign: 200,
    narrow: true,
    path: (ids) => `/usage?partnerId=${ids.partner}`,
  }),
  'GET /exchanges': row(readers, 200, {
    foreign: 200,
    path: (ids) => `/exchanges?partnerId=${ids.partner}&applicationId=${ids.application}`,
  }),
  // A stream that does not end: with a filter that there is not, it does not begin.
  'GET /exchanges/live': row(staff, 400, { path: () => '/exchanges/live?colour=red' }),
  'GET /exchanges/{exchangeId}': row(readers, 200, { path: (ids) => `/exchanges/${ids.exchange}` }),
  'GET /gateways': row(staff, 200),
  'GET /gateways/reports': row(staff, 200),
  'GET /snapshot': row(staff, 200),
  'POST /sandbox/messages/retrieve': row({ partner: technical, operator: [] }, 200, {
    body: (ids) => ({ applicationId: ids.application }),
  }),
  'POST /sandbox/handset': row({ partner: builders, operator: [], active: true }, 200, {
    foreign: 200,
  }),
  'GET /sandbox/subscribers': open(200),
  'GET /audit-events': row(readers, 200, { foreign: 200 }),
  'GET /erasures': row(
    { partner: [], operator: ['administrator', 'partner-success', 'auditor'] },
    200,
  ),
  'POST /erasures': row(
    { partner: [], operator: ['administrator', 'partner-success'], person: true },
    201,
    { body: () => ({ phoneNumber: '+99010000001', reason: 'by letter' }) },
  ),
  'POST /erasures/{erasureId}/confirm': row(
    { partner: [], operator: ['administrator', 'partner-success'], person: true },
    404,
    { path: () => '/erasures/era_0/confirm' },
  ),
  'POST /erasures/{erasureId}/cancel': row(
    { partner: [], operator: ['administrator', 'partner-success'], person: true },
    404,
    { path: () => '/erasures/era_0/cancel' },
  ),
  'GET /evidence': row(evidenceReaders, 200),
  'POST /evidence/search': row(evidenceReaders, 200, { body: () => ({}) }),
  'GET /evidence/verify.mjs': row(evidenceReaders, 200),
  'GET /evidence/exchanges/{exchangeId}': row(evidenceReaders, 404, {
    path: () => '/evidence/exchanges/exc_0',
  }),
  'GET /evidence/exchanges/{exchangeId}/bundle': row(evidenceReaders, 404, {
    path: () => '/evidence/exchanges/exc_0/bundle',
  }),
  'GET /evidence/leaves/{position}': row(evidenceReaders, 404, {
    path: () => '/evidence/leaves/999999999',
  }),
  'GET /evidence/leaves/{position}/bundle': row(evidenceReaders, 404, {
    path: () => '/evidence/leaves/999999999/bundle',
  }),
  'POST /consents/search': row(
    { partner: [], operator: ['administrator', 'partner-success', 'auditor'] },
    200,
    { body: () => ({ environment: 'sandbox', phoneNumber: '+99010000001' }) },
  ),
  'GET /consents/{consentId}': row(
    { partner: [], operator: ['administrator', 'partner-success', 'auditor'] },
    404,
    { path: () => '/consents/cns_0' },
  ),
  'POST /consents/{consentId}/withdrawal': row(
    { partner: [], operator: ['administrator', 'partner-success'] },
    404,
    { path: () => '/consents/cns_0/withdrawal', body: () => ({ reason: 'by letter' }) },
  ),
  'GET /consent-counts': row({ partner: partnerRoles, operator: [] }, 200, { foreign: 200 }),
  'GET /consent-counts/{applicationId}': row(
    { partner: [], operator: ['administrator', 'partner-success', 'auditor'] },
    200,
    { path: () => '/consent-counts/app_0' },
  ),
  'GET /consent-languages': row(staff, 200),
  'PUT /consent-languages/{locale}': row(
    { partner: [], operator: ['administrator', 'product'] },
    200,
    { path: () => '/consent-languages/pt', body: () => ({ words: { allow: 'Permitir' } }) },
  ),
  // With an application of its own a member calls as that; nobody else has one.
  'POST /try-it': open(404, {
    foreign: 404,
    but: Object.fromEntries(
      [...partnerRoles, 'partner token', 'narrow token', 'suspended'].map((name) => [name, 200]),
    ),
    body: (ids) => ({
      apiId: 'sim-swap/v2',
      operationId: 'checkSimSwap',
      applicationId: ids.application,
      body: { phoneNumber: '+99012345678' },
    }),
  }),
  // The last one: here the sessions of all callers end.
  'DELETE /session': row(self, 204, { foreign: 204 }),
}
