import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rulesOf } from '#journal'
import type { ApiEntry } from '#snapshot'
import {
  audience,
  customer,
  issuer,
  memoryConsents,
  sealing,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

type Context = Parameters<typeof testUpstream>[0]

const key = testKey()
const number = '+99012345678'
const subject = sealing.keyedHash('subject', number)
const purpose = 'dpv:FraudPreventionAndDetection'
const scope = 'sim-swap:check'
const consent = { basis: 'consent' } as const
const interest = { basis: 'legitimate-interest' } as const
const contract = { basis: 'contract' } as const

const withBases = (
  api: ApiEntry,
  bases: ApiEntry['bases'],
  whole: ApiEntry['consent'],
): ApiEntry => ({
  ...api,
  consent: whole ?? 'contract',
  ...(bases === undefined ? {} : { bases }),
})

async function setup(
  t: Context,
  options: {
    environment?: 'sandbox' | 'production'
    whole?: ApiEntry['consent']
    bases?: ApiEntry['bases']
  } = {},
) {
  const upstream = await testUpstream(t)
  const consents = memoryConsents()
  const api = withBases(simSwap(upstream.url), options.bases, options.whole ?? 'consent')
  const started = await testGateway(t, [api, key.entry, ...customer(1)], {
    consents,
    environment: options.environment ?? 'production',
    issuer,
    audience,
  })
  const send = async (token: string, body: object = { phoneNumber: number }) => {
    const response = await fetch(`${started.url}/sim-swap/v2/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const answer = (await response.json()) as { code?: string; message?: string }
    return { status: response.status, code: answer.code, message: answer.message }
  }
  const answer = (id: string, more: Partial<(typeof consents.answers)[number]> = {}): void => {
    consents.answers.push({
      ...{ id, subject, applicationId: 'app_1', purpose, scopes: [scope], granted: true },
      expiresAtMs: undefined,
      ...more,
    })
  }
  return { ...started, upstream, consents, send, answer }
}

const twoLegged = (...purposes: string[]): string =>
  key.token(1, { scope: [scope, ...purposes].join(' ') })
const threeLegged = (claims: Record<string, unknown> = {}): string =>
  key.token(1, { sbj: sealing.seal(number, 'subject:wl_sbx_1'), pur: purpose, ...claims })

test('a 2-legged call on the basis of consent needs one of that subscriber, application and purpose', async (t) => {
  const { send, answer, upstream } = await setup(t)
  assert.equal((await send(twoLegged(purpose))).status, 403)
  answer('cns_1', { purpose: 'dpv:Marketing' })
  answer('cns_2', { applicationId: 'app_2' })
  answer('cns_3', { subject: 'another' })
  answer('cns_4', { scopes: ['sim-swap:retrieve-date'] })
  answer('cns_5', { granted: false })
  answer('cns_6', { expiresAtMs: Date.now() - 1 })
  await waitOutNo()
  assert.equal((await send(twoLegged(purpose))).status, 403)
  assert.equal(upstream.requests.length, 0, 'nothing was asked of the upstream')
  answer('cns_7')
  await waitOutNo()
  assert.equal((await send(twoLegged(purpose))).status, 200)
})

/** A no is remembered for a second. */
const waitOutNo = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 1_050)
  })

test('a call that names no purpose is told to name one', async (t) => {
  const { send, answer } = await setup(t)
  answer('cns_1')
  const refused = await send(twoLegged())
  assert.equal(refused.status, 403)
  assert.match(refused.message ?? '', /dpv:/)
  assert.equal((await send(twoLegged(purpose, 'dpv:Marketing'))).status, 403, 'two are none')
})

test('a withdrawal reaches a remembered consent with the feed', async (t) => {
  const { send, answer, consents, snapshot, journal } = await setup(t)
  answer('cns_1')
  assert.equal((await send(twoLegged(purpose))).status, 200)
  assert.equal((await send(twoLegged(purpose))).status, 200)
  assert.equal(consents.asked, 1, 'the second was remembered')
  const legal = journal.records.at(-1)?.legal
  assert.deepEqual(legal, { basis: 'consent', purpose, scopes: [scope], consents: ['cns_1'] })
  snapshot.put({ kind: 'revocation', id: 'cns_1' })
  assert.equal((await send(twoLegged(purpose))).status, 403)
})

test('when nobody can tell, the call is refused for now', async (t) => {
  const { send, consents } = await setup(t)
  consents.down = true
  assert.equal((await send(twoLegged(purpose))).status, 503)
  consents.down = false
  assert.equal((await send(twoLegged(purpose))).status, 403)
})

test('a 3-legged token on the basis of consent carries what it rests on', async (t) => {
  const { send, consents } = await setup(t)
  assert.equal((await send(threeLegged(), {})).status, 403)
  assert.equal((await send(threeLegged({ cns: [] }), {})).status, 403)
  assert.equal((await send(threeLegged({ cns: ['cns_1'] }), {})).status, 200)
  assert.equal(consents.asked, 0, 'its consents were asked for when it was issued')
})

test('an objection stops what rests on a legitimate interest, for its application and purpose', async (t) => {
  const { send, snapshot } = await setup(t, { whole: 'legitimate-interest' })
  assert.equal((await send(twoLegged(purpose))).status, 200)
  snapshot.put({ kind: 'revocation', id: `obj:${subject}:app_2:${purpose}` })
  snapshot.put({ kind: 'revocation', id: `obj:${subject}:app_1:dpv:Marketing` })
  assert.equal((await send(twoLegged(purpose))).status, 200)
  assert.equal((await send(threeLegged(), {})).status, 200)
  snapshot.put({ kind: 'revocation', id: `obj:${subject}:app_1:${purpose}` })
  assert.equal((await send(twoLegged(purpose))).status, 403)
  assert.equal((await send(threeLegged(), {})).status, 403)
  snapshot.put({ kind: 'revocation', id: `obj:${subject}:app_1:*` })
  assert.equal((await send(twoLegged())).status, 403, 'a token without a purpose, too')
})

test('each purpose and scope has its own basis', async (t) => {
  const none = consent
  const { send, answer } = await setup(t, {
    whole: 'consent',
    bases: {
      [scope]: {
        purposes: {
          [purpose]: interest,
          'dpv:ServiceProvision': contract,
          'dpv:Marketing': consent,
        },
        none,
      },
      'sim-swap': { purposes: { 'dpv:Marketing': contract }, none },
    },
  })
  assert.equal((await send(twoLegged(purpose))).status, 200)
  assert.equal((await send(twoLegged('dpv:ServiceProvision'))).status, 200)
  assert.equal((await send(twoLegged('dpv:Marketing'))).status, 403)
  const other = await send(twoLegged('dpv:ResearchAndDevelopment'))
  assert.equal(other.status, 403)
  assert.match(other.message ?? '', /purpose/)
  const wide = key.token(1, { scope: `${scope} sim-swap dpv:Marketing` })
  assert.equal((await send(wide)).status, 200, 'the less strict of two ways is enough')
  answer('cns_1', { purpose: 'dpv:Marketing' })
  await waitOutNo()
  assert.equal((await send(twoLegged('dpv:Marketing'))).status, 200)
})

test('the people of the sandbox consent until they say no, and are then asked as anybody', async (t) => {
  const { send, answer } = await setup(t, { environment: 'sandbox' })
  assert.equal((await send(twoLegged())).status, 200, 'the first call needs no purpose')
  answer('cns_1', { granted: false })
  assert.equal((await send(twoLegged(purpose))).status, 403)
  answer('cns_2', { scopes: [scope, 'sim-swap'] })
  await waitOutNo()
  assert.equal((await send(twoLegged(purpose))).status, 200)
})

test('the journal tells which rules let a call about a person pass, and the id of its token', async (t) => {
  const { send, answer, journal } = await setup(t)
  const token = key.token(1, { scope: `${scope} ${purpose}`, jti: 'tok_7' })
  assert.equal((await send(token)).status, 403)
  answer('cns_1')
  await waitOutNo()
  assert.equal((await send(token)).status, 200)
  const [refused, passed] = journal.records.slice(-2)
  const before = ['authenticate', 'check-revocation', 'authorise', 'identify-subject']
  const told = rulesOf(refused?.rules ?? 0)
  assert.deepEqual([refused?.refusedBy, refused?.tokenId], ['require-consent', 'tok_7'])
  for (const rule of before) assert.ok(told.includes(rule), `${rule} in ${told}`)
  assert.ok(!told.includes('require-consent') && !told.includes('forward'), `${told}`)
  const all = rulesOf(passed?.rules ?? 0)
  for (const rule of [...told, 'require-consent', 'forward', 'check-response'])
    assert.ok(all.includes(rule), `${rule} in ${all}`)
})

test('a call about nobody carries neither', async (t) => {
  const { send, journal } = await setup(t, { whole: 'contract' })
  await send(key.token(9, { scope }))
  const last = journal.records.at(-1)
  assert.deepEqual([last?.rules, last?.tokenId], [undefined, undefined])
})
