import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { manualClock } from '#platform/clock'
import type { HttpServer } from '#platform/http-server'
import { requirePermission } from './require-permission.ts'
import { goodPassword, identityUnderTest } from './testing.ts'
import { SoftAuthenticator } from './testing-authenticator.ts'

const tenMinutes = 10 * 60_000

function probes(server: HttpServer): void {
  server.post('/probe/always', { config: { access: 'own-factors.change' } }, () => ({}))
  server.post('/probe/asked', { config: { access: 'own-account.change' } }, (request) => {
    requirePermission(request, 'own-factors.change')
    return {}
  })
}

async function setUp(t: Parameters<typeof identityUnderTest>[0]) {
  const clock = manualClock('2026-01-05T08:00:15Z')
  const setup = await identityUnderTest(t, { clock, extra: probes })
  const ada = await setup.member('ada@example.com')
  const probe = async (cookie: string | undefined) => {
    const answers = await Promise.all(
      ['/probe/always', '/probe/asked'].map((url) => setup.call('POST', url, { cookie })),
    )
    assert.equal(answers[0]?.status, answers[1]?.status)
    return answers[0]?.status === 403 ? answers[0].body.code : answers[0]?.status
  }
  const stepUp = (cookie: string, body: object) =>
    setup.call('POST', '/session/step-up', { cookie, body })
  return { ...setup, clock, ada, probe, stepUp }
}

test('ten minutes after signing in the person proves again to be there, and goes on for ten more', async (t) => {
  const { clock, ada, probe, stepUp, call } = await setUp(t)
  clock.advance(tenMinutes - 1)
  assert.equal(await probe(ada.cookie), 200)
  clock.advance(1)
  assert.equal(await probe(ada.cookie), 'STEP_UP_REQUIRED')
  assert.equal((await call('GET', '/session', ada)).status, 200, 'everything else goes on')
  assert.deepEqual((await call('GET', '/session/step-up', ada)).body, { methods: ['password'] })
  const wrong = await stepUp(ada.cookie, { method: 'password', password: 'wrong' })
  assert.deepEqual([wrong.status, wrong.body.violations[0].path], [400, '/password'])
  assert.equal(await probe(ada.cookie), 'STEP_UP_REQUIRED')
  const done = await stepUp(ada.cookie, { method: 'password', password: goodPassword })
  assert.equal(done.status, 200)
  assert.equal(Date.parse(done.body.freshUntil), clock.now().getTime() + tenMinutes)
  assert.equal(await probe(done.cookie), 200)
  clock.advance(tenMinutes)
  assert.equal(await probe(done.cookie), 'STEP_UP_REQUIRED')
})

test('a proof gives the session another id; the one before serves what is under way, and proves nothing', async (t) => {
  const { clock, ada, probe, stepUp, call, platform } = await setUp(t)
  const { cookie = '' } = await stepUp(ada.cookie, { method: 'password', password: goodPassword })
  assert.notEqual(cookie, ada.cookie)
  assert.equal((await call('GET', '/session', ada)).status, 200)
  assert.equal(await probe(ada.cookie), 'STEP_UP_REQUIRED')
  assert.equal(await probe(cookie), 200)
  const late = await stepUp(ada.cookie, { method: 'password', password: goodPassword })
  assert.deepEqual([late.status, late.body.code], [409, 'ABORTED'])
  assert.equal(late.cookie, undefined, 'an old id is not made a fresh one')
  const { rows } = await platform.database.pool.query(
    `select from platform.outbox where payload ->> 'action' = 'session.stepped-up'`,
  )
  assert.equal(rows.length, 1, 'what proved nothing is no evidence')
  clock.advance(30_000)
  assert.equal((await call('GET', '/session', ada)).status, 401)
  assert.equal((await call('GET', '/session', { cookie })).status, 200)
})

test('a password is no proof of somebody who has something better', async (t) => {
  const { clock, ada, call, platform, stepUp, probe } = await setUp(t)
  const key = new SoftAuthenticator(platform.config.portal.url)
  const options = await call('POST', '/factors/passkeys/options', ada)
  const body = { name: 'Laptop', response: key.create(options.body) }
  const { cookie = '', body: added } = await call('POST', '/factors/passkeys', { ...ada, body })
  assert.equal(await probe(cookie), 200)
  clock.advance(tenMinutes)
  const refused = await stepUp(cookie, { method: 'password', password: goodPassword })
  assert.deepEqual([refused.status, refused.body.violations[0].path], [400, '/method'])
  assert.deepEqual((await call('GET', '/session/step-up', { cookie })).body.methods, [
    'passkey',
    'recovery-code',
  ])
  const offer = await call('POST', '/session/step-up/passkey-options', { cookie })
  assert.deepEqual(
    offer.body.allowCredentials.map((c: { id: string }) => c.id),
    [key.id],
  )
  const signIn = key.get((await call('POST', '/session/passkey-options')).body)
  const crossed = await stepUp(cookie, { method: 'passkey', response: signIn })
  assert.equal(crossed.status, 400, 'a challenge of a sign-in')
  const proved = await stepUp(cookie, { method: 'passkey', response: key.get(offer.body) })
  assert.equal(proved.status, 200)
  assert.equal(await probe(proved.cookie), 200)
  clock.advance(tenMinutes)
  const code = added.recoveryCodes[0]
  const byCode = await stepUp(proved.cookie ?? '', { method: 'recovery-code', code })
  assert.equal(await probe(byCode.cookie), 200)
})

test('a passkey of another person proves nothing', async (t) => {
  const { ada, call, platform, member, stepUp } = await setUp(t)
  const eve = await member('eve@example.com')
  const keys = []
  for (const person of [ada, eve]) {
    const key = new SoftAuthenticator(platform.config.portal.url)
    const options = await call('POST', '/factors/passkeys/options', person)
    const body = { name: 'x', response: key.create(options.body) }
    const { cookie = '' } = await call('POST', '/factors/passkeys', { cookie: person.cookie, body })
    keys.push({ key, cookie })
  }
  const [own, other] = keys
  const offer = await call('POST', '/session/step-up/passkey-options', {
    cookie: own?.cookie,
  })
  const response = other?.key.get(offer.body)
  assert.equal((await stepUp(own?.cookie ?? '', { method: 'passkey', response })).status, 400)
})

test('a code that signed in does not also prove, and what is missing in a proof is said', async (t) => {
  const { clock, ada, call, stepUp, probe } = await setUp(t)
  const secret = String((await call('POST', '/factors/totp', ada)).body.secret)
  const totp = new TOTP({ secret: Secret.fromBase32(secret) })
  const code = () => totp.generate({ timestamp: clock.now().getTime() })
  const used = code()
  const confirmed = await call('POST', '/factors/totp/confirm', { ...ada, body: { code: used } })
  const cookie = confirmed.cookie ?? ''
  assert.equal((await stepUp(cookie, { method: 'totp', code: used })).status, 400)
  for (const [body, path] of [
    [{ method: 'totp' }, '/code'],
    [{ method: 'passkey' }, '/method'],
    [{ method: 'other' }, '/method'],
    [{}, '/method'],
  ] as const) {
    const answer = await stepUp(cookie, body)
    assert.deepEqual([answer.status, answer.body.violations[0].path], [400, path])
  }
  clock.advance(30_000)
  assert.equal(await probe((await stepUp(cookie, { method: 'totp', code: code() })).cookie), 200)
})

test('guesses at a proof are stopped in the session that makes them, and in no other', async (t) => {
  const { ada, stepUp, signIn } = await setUp(t)
  const other = await signIn(ada.email)
  const wrong = { method: 'password', password: 'wrong' }
  const statuses: number[] = []
  for (let i = 0; i < 12; i += 1) statuses.push((await stepUp(ada.cookie, wrong)).status)
  assert.deepEqual(statuses, [...Array<number>(10).fill(400), 429, 429])
  assert.equal((await stepUp(other, { method: 'password', password: goodPassword })).status, 200)
})

test('the first second factor ends all other sessions; another one, and a new role, ends what they have proved', async (t) => {
  const { ada, call, signIn, probe, member, platform } = await setUp(t)
  const byPassword = await signIn(ada.email)
  const key = new SoftAuthenticator(platform.config.portal.url)
  const options = await call('POST', '/factors/passkeys/options', ada)
  const body = { name: 'Laptop', response: key.create(options.body) }
  const first = await call('POST', '/factors/passkeys', { ...ada, body })
  assert.equal((await call('GET', '/session', { cookie: byPassword })).status, 401)
  const response = key.get((await call('POST', '/session/passkey-options')).body)
  const { cookie: other } = await call('POST', '/session/passkey', { body: { response } })
  assert.equal(await probe(other), 200)
  const secret = String((await call('POST', '/factors/totp', { cookie: first.cookie })).body.secret)
  const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate({
    timestamp: Date.parse('2026-01-05T08:00:15Z'),
  })
  const confirm = { cookie: first.cookie, body: { code } }
  const { cookie } = await call('POST', '/factors/totp/confirm', confirm)
  assert.equal(await probe(other), 'STEP_UP_REQUIRED')
  assert.equal(await probe(cookie), 200)
  const bob = await member('bob@example.com', { partnerId: ada.partnerId, role: 'viewer' })
  assert.equal(await probe(bob.cookie), 200)
  const url = `/partners/${ada.partnerId}/members/${bob.memberId}`
  assert.equal((await call('PATCH', url, { cookie, body: { role: 'owner' } })).status, 200)
  assert.equal(await probe(bob.cookie), 'STEP_UP_REQUIRED')
})

test('what secrets, roles and factors depend on asks for a proof; an API token goes on', async (t) => {
  const { clock, ada, call, identity, member } = await setUp(t)
  const bob = await member('bob@example.com', { partnerId: ada.partnerId, role: 'viewer' })
  const { token } = await identity.createToken({
    role: 'partner',
    partnerId: ada.partnerId,
    name: 'ci',
    createdBy: { kind: 'system', id: 'test' },
  })
  clock.advance(tenMinutes)
  const member_ = `/partners/${ada.partnerId}/members/${bob.memberId}`
  for (const [method, url, body] of [
    ['POST', '/tokens', { name: 'x' }],
    ['DELETE', '/tokens/tok_x', undefined],
    ['POST', `/partners/${ada.partnerId}/members`, { email: 'eve@example.com', role: 'owner' }],
    ['PATCH', member_, { role: 'owner' }],
    ['DELETE', member_, undefined],
    ['DELETE', `${member_}/factors`, undefined],
    ['POST', '/factors/passkeys/options', undefined],
    ['POST', '/factors/passkeys', undefined],
    ['DELETE', '/factors/passkeys/pky_x', undefined],
    ['POST', '/factors/totp', undefined],
    ['POST', '/factors/totp/confirm', { code: '000000' }],
    ['DELETE', '/factors/totp', undefined],
    ['POST', '/factors/recovery-codes', undefined],
  ] as const) {
    const answer = await call(method, url, { ...ada, body })
    assert.deepEqual(
      [answer.status, answer.body?.code],
      [403, 'STEP_UP_REQUIRED'],
      `${method} ${url}`,
    )
  }
  assert.equal((await call('PATCH', member_, { token, body: { role: 'developer' } })).status, 200)
})
