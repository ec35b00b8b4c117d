import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { Secret, TOTP } from 'otpauth'
import { manualClock } from '#platform/clock'
import { type Answer, goodPassword, identityUnderTest } from './testing.ts'
import { SoftAuthenticator } from './testing-authenticator.ts'

type Setup = Awaited<ReturnType<typeof identityUnderTest>>
type Clock = ReturnType<typeof manualClock>

const step = 30_000
/** Half-way through a step, so that no clock of a test stands at its edge. */
const start = '2026-01-05T08:00:15Z'

const codeOf = (secret: string, clock: Clock, offset = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({
    timestamp: clock.now().getTime() + offset * step,
  })

async function enrol(setup: Setup, clock: Clock, cookie: string) {
  const begun = await setup.call('POST', '/factors/totp', { cookie })
  assert.equal(begun.status, 200, JSON.stringify(begun.body))
  const secret = String(begun.body.secret)
  const confirmed = await setup.call('POST', '/factors/totp/confirm', {
    cookie,
    body: { code: codeOf(secret, clock) },
  })
  assert.equal(confirmed.status, 200, JSON.stringify(confirmed.body))
  clock.advance(step)
  return {
    secret,
    uri: String(begun.body.uri),
    qr: begun.body.qr,
    cookie: confirmed.cookie ?? '',
    codes: (confirmed.body.recoveryCodes ?? []) as string[],
  }
}

const password = (setup: Setup, email: string, headers: Record<string, string> = {}) =>
  setup.call('POST', '/session', { body: { email, password: goodPassword }, headers })

const complete = (setup: Setup, ticket: unknown, code: string, method = 'totp'): Promise<Answer> =>
  setup.call('POST', '/session/second-factor', { body: { ticket, method, code } })

async function enrolled(t: Parameters<typeof identityUnderTest>[0]) {
  const clock = manualClock(start)
  const setup = await identityUnderTest(t, { clock })
  const ada = await setup.member('ada@example.com', { confirmed: true })
  return { clock, setup, ada, app: await enrol(setup, clock, ada.cookie) }
}

test('an authenticator app is enrolled by QR code or text, and counts once a code has confirmed it', async (t) => {
  const clock = manualClock(start)
  const setup = await identityUnderTest(t, { clock })
  const { call } = setup
  const ada = await setup.member('ada@example.com')
  const begun = await call('POST', '/factors/totp', ada)
  assert.match(begun.body.secret, /^[A-Z2-7]{32}$/)
  assert.match(begun.body.uri, /^otpauth:\/\/totp\/Wayleave:ada%40example\.com\?/)
  assert.ok(begun.body.uri.includes(`secret=${begun.body.secret}`))
  assert.ok(begun.body.qr.size > 30)
  assert.match(begun.body.qr.path, /^(?:M\d+ \d+h1v1h-1z)+$/)
  assert.equal((await password(setup, ada.email)).status, 201, 'not confirmed: asked for nothing')
  const wrong = await call('POST', '/factors/totp/confirm', { ...ada, body: { code: '000000' } })
  assert.deepEqual([wrong.status, wrong.body.violations[0].path], [400, '/code'])
  const typed = codeOf(begun.body.secret, clock).replace(/^(...)/, '$1 ')
  const confirmed = await call('POST', '/factors/totp/confirm', { ...ada, body: { code: typed } })
  assert.equal(confirmed.status, 200)
  assert.equal(confirmed.body.recoveryCodes.length, 10)
  assert.equal((await password(setup, ada.email)).status, 202)
  const { rows } = await sql<{ text: string }>`
    select t::text as text from identity.totp t union all
    select c::text from identity.recovery_code c`.execute(setup.platform.database.as<unknown>())
  assert.equal(rows.length, 11)
  for (const { text } of rows)
    for (const secret of [begun.body.secret, ...confirmed.body.recoveryCodes])
      assert.ok(!text.includes(secret), 'neither the secret nor a code is kept readable')
})

test('a password alone gives half a sign-in, which can do nothing but be completed', async (t) => {
  const { clock, setup, ada, app } = await enrolled(t)
  const half = await password(setup, ada.email)
  assert.equal(half.status, 202)
  assert.deepEqual(half.body.methods, ['totp', 'recovery-code'])
  assert.deepEqual(half.headers.getSetCookie(), [], 'no session and no mark of a known device')
  for (const token of [half.body.ticket, `${half.body.ticket}`.slice(0, 43)])
    assert.equal((await setup.call('GET', '/session', { token })).status, 401)
  const name = ada.cookie.split('=')[0]
  const asCookie = { cookie: `${name}=${half.body.ticket}` }
  assert.equal((await setup.call('GET', '/session', asCookie)).status, 401)
  const done = await complete(setup, half.body.ticket, codeOf(app.secret, clock))
  assert.deepEqual([done.status, done.body.id], [201, ada.memberId])
  assert.equal((await setup.call('GET', '/session', { cookie: done.cookie })).status, 200)
  const again = await complete(setup, half.body.ticket, codeOf(app.secret, clock, 1))
  assert.equal(again.status, 401, 'a ticket is used once')
})

test('a code of the step before or after is good, of two before or after is not, and none is used twice', async (t) => {
  const { clock, setup, ada, app } = await enrolled(t)
  const attempt = async (code: string): Promise<number> => {
    const half = await password(setup, ada.email)
    return (await complete(setup, half.body.ticket, code)).status
  }
  clock.advance(10 * step)
  assert.equal(await attempt(codeOf(app.secret, clock, -2)), 401)
  assert.equal(await attempt(codeOf(app.secret, clock, 2)), 401)
  assert.equal(await attempt(codeOf(app.secret, clock, -1)), 201)
  assert.equal(await attempt(codeOf(app.secret, clock, -1)), 401, 'used')
  const next = codeOf(app.secret, clock, 1)
  assert.equal(await attempt(next), 201)
  assert.equal(await attempt(next), 401, 'used')
  assert.equal(await attempt(codeOf(app.secret, clock)), 401, 'older than one that was used')
  clock.advance(2 * step)
  assert.equal(await attempt(codeOf(app.secret, clock)), 201)
})

test('of ten sign-ins with one code, at once on two nodes, one succeeds', async (t) => {
  const { clock, setup, ada, app } = await enrolled(t)
  const tickets: unknown[] = []
  for (let i = 0; i < 10; i += 1) tickets.push((await password(setup, ada.email)).body.ticket)
  const code = codeOf(app.secret, clock)
  const second = await setup.anotherNode()
  const answers = await Promise.all(
    tickets.map((ticket, i) => {
      const body = { ticket, method: 'totp', code }
      return (i % 2 === 0 ? setup.call : second)('POST', '/session/second-factor', { body })
    }),
  )
  assert.equal(answers.filter(({ status }) => status === 201).length, 1)
  assert.equal(answers.filter(({ status }) => status === 401).length, 9)
})

test('five wrong codes end the half sign-in, and the owner of the password is told', async (t) => {
  const { clock, setup, ada, app } = await enrolled(t)
  const { ticket } = (await password(setup, ada.email)).body
  for (let i = 0; i < 5; i += 1) assert.equal((await complete(setup, ticket, '000000')).status, 401)
  assert.equal((await complete(setup, ticket, codeOf(app.secret, clock))).status, 401)
  const until = performance.now() + 30_000
  while (!(await setup.mailTo(ada.email)).some((m) => m.includes('wrong code, several times')))
    if (performance.now() > until) assert.fail('a mail tells of the guesses')
  const fresh = (await password(setup, ada.email)).body.ticket
  assert.equal((await complete(setup, fresh, codeOf(app.secret, clock))).status, 201)
})

test('a half sign-in ends after ten minutes, and with a new password', async (t) => {
  const { clock, setup, ada, app } = await enrolled(t)
  const late = (await password(setup, ada.email)).body.ticket
  clock.advance(10 * 60_000)
  assert.equal((await complete(setup, late, codeOf(app.secret, clock))).status, 401)
  const { ticket } = (await password(setup, ada.email)).body
  await setup.call('POST', '/recovery', { body: { email: ada.email } })
  const token = await setup.linkTo(ada.email, 'reset')
  const renewed = 'copper lantern 77 meadow'
  const reset = await setup.call('POST', '/recovery/reset', { body: { token, password: renewed } })
  assert.equal(reset.status, 204)
  assert.equal((await complete(setup, ticket, codeOf(app.secret, clock))).status, 401)
  const after = await setup.call('POST', '/session', {
    body: { email: ada.email, password: renewed },
  })
  assert.equal(after.status, 202, 'a new password by mail does not take the second factor away')
})

test('a recovery code signs in once, in whatever way it is typed, and its use is told by mail', async (t) => {
  const { setup, ada, app } = await enrolled(t)
  const [first = '', second = ''] = app.codes
  assert.match(first, /^[0-9a-hjkmnp-tv-z]{4}(?:-[0-9a-hjkmnp-tv-z]{4}){3}$/)
  const attempt = async (code: string): Promise<Answer> =>
    await complete(setup, (await password(setup, ada.email)).body.ticket, code, 'recovery-code')
  const typed = first.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'I')
  const answers = await Promise.all(Array.from({ length: 5 }, () => attempt(typed)))
  assert.equal(answers.filter(({ status }) => status === 201).length, 1)
  assert.equal((await attempt(first)).status, 401)
  const until = performance.now() + 30_000
  while (!(await setup.mailTo(ada.email)).some((m) => m.includes('9 are left')))
    if (performance.now() > until) assert.fail('a mail tells of the use')
  const { cookie = '' } = answers.find(({ status }) => status === 201) ?? {}
  const renewed = await setup.call('POST', '/factors/recovery-codes', { cookie })
  assert.equal(renewed.body.recoveryCodes.length, 10)
  assert.equal((await attempt(second)).status, 401, 'codes of before have ended')
  assert.equal((await attempt(renewed.body.recoveryCodes[3] ?? '')).status, 201)
})

test('a recovery code of one person is nothing to another', async (t) => {
  const { clock, setup, app } = await enrolled(t)
  const eve = await setup.member('eve@example.com')
  await enrol(setup, clock, eve.cookie)
  const { ticket } = (await password(setup, eve.email)).body
  assert.equal((await complete(setup, ticket, app.codes[0] ?? '', 'recovery-code')).status, 401)
})

test('whoever has a passkey only is not signed in by the password alone either', async (t) => {
  const setup = await identityUnderTest(t)
  const ada = await setup.member('ada@example.com')
  const key = new SoftAuthenticator(setup.platform.config.portal.url)
  const options = await setup.call('POST', '/factors/passkeys/options', ada)
  const body = { name: 'Laptop', response: key.create(options.body) }
  const added = await setup.call('POST', '/factors/passkeys', { ...ada, body })
  const half = await password(setup, ada.email)
  assert.deepEqual([half.status, half.body.methods], [202, ['passkey', 'recovery-code']])
  const [code = ''] = added.body.recoveryCodes
  assert.equal((await complete(setup, half.body.ticket, code, 'recovery-code')).status, 201)
})

test('removing the last second factor brings the password back and ends the recovery codes', async (t) => {
  const { setup, ada, app } = await enrolled(t)
  const removed = await setup.call('DELETE', '/factors/totp', { cookie: app.cookie })
  assert.equal(removed.status, 204)
  const { cookie = '' } = removed
  assert.equal((await setup.call('DELETE', '/factors/totp', { cookie })).status, 404)
  const none = await setup.call('POST', '/factors/recovery-codes', { cookie })
  assert.deepEqual([none.status, none.body.code], [409, 'INCOMPATIBLE_STATE'])
  assert.equal((await password(setup, ada.email)).status, 201)
})

test('staff that must have a second factor can do nothing but add one, and keep the last one', async (t) => {
  const clock = manualClock(start)
  const setup = await identityUnderTest(t, {
    clock,
    env: { WAYLEAVE_STAFF_SECOND_FACTOR: 'require' },
  })
  const { call, operator, member } = setup
  const grace = await operator()
  const who = await call('GET', '/session', grace)
  assert.deepEqual([who.status, who.body.secondFactor], [200, 'required'])
  for (const url of ['/operators', '/tokens', '/audit-events']) {
    const refused = await call('GET', url, grace)
    assert.deepEqual([refused.status, refused.body.code], [403, 'SECOND_FACTOR_REQUIRED'], url)
  }
  assert.equal((await call('POST', '/tokens', { ...grace, body: { name: 'x' } })).status, 403)
  assert.equal((await call('GET', '/factors', grace)).body.required, true)
  const { cookie } = await enrol(setup, clock, grace.cookie)
  assert.equal((await call('GET', '/operators', { cookie })).status, 200)
  const last = await call('DELETE', '/factors/totp', { cookie })
  assert.deepEqual([last.status, last.body.code], [409, 'INCOMPATIBLE_STATE'])
  assert.equal((await call('GET', '/factors', { cookie })).body.totp === undefined, false)
  const ada = await member('ada@example.com')
  assert.equal((await call('GET', '/session', ada)).body.secondFactor, 'absent')
  assert.equal((await call('GET', '/tokens', ada)).status, 200, 'members decide for themselves')
})

test('an https portal asks its staff for a second factor unless it is told otherwise', async (t) => {
  const https = { WAYLEAVE_PORTAL_URL: 'https://portal.example' }
  for (const [env, expected] of [
    [{}, 'ask'],
    [https, 'require'],
    [{ ...https, WAYLEAVE_STAFF_SECOND_FACTOR: 'ask' }, 'ask'],
  ] as const) {
    const { platform } = await identityUnderTest(t, { env })
    assert.equal(platform.config.staffSecondFactor, expected)
  }
})

test('an owner resets the factors of a member who has lost them: sessions end, and it is told and recorded', async (t) => {
  const { setup, ada, app } = await enrolled(t)
  const { call, member, operator } = setup
  const bob = await member('bob@example.com', { partnerId: ada.partnerId, role: 'developer' })
  const eve = await member('eve@example.com')
  const grace = await operator()
  const url = `/partners/${ada.partnerId}/members/${ada.memberId}/factors`
  assert.equal((await call('DELETE', url, bob)).status, 403)
  assert.equal((await call('DELETE', url, eve)).status, 404)
  assert.equal((await call('DELETE', url, { cookie: app.cookie })).status, 409, 'not one’s own')
  const { token } = await setup.identity.createToken({
    role: 'operator',
    name: 'ci',
    createdBy: { kind: 'system', id: 'test' },
  })
  assert.equal((await call('DELETE', url, { token })).status, 403, 'no token')
  const carol = await member('carol@example.com', { partnerId: ada.partnerId })
  assert.equal((await call('DELETE', url, carol)).status, 204)
  assert.equal((await call('GET', '/session', { cookie: app.cookie })).status, 401)
  assert.equal((await password(setup, ada.email)).status, 201)
  assert.equal((await call('DELETE', url.replace(ada.memberId, 'mem_x'), grace)).status, 404)
  const until = performance.now() + 30_000
  const told = async () =>
    (await setup.mailTo(ada.email)).some((m) => m.includes('An owner of your'))
  while (!(await told())) if (performance.now() > until) assert.fail('a mail tells of it')
  const actions = async () =>
    (await call('GET', '/audit-events?perPage=100', carol)).body.items.map(
      (e: { action: string }) => e.action,
    )
  while (!(await actions()).includes('factors.reset'))
    if (performance.now() > until) assert.fail('it is in the evidence')
})

test('on the machine itself a member of staff gets in again; nobody else’s factors go that way', async (t) => {
  const clock = manualClock(start)
  const setup = await identityUnderTest(t, { clock })
  const { identity, operator, member } = setup
  const grace = await operator()
  const ada = await member('ada@example.com')
  const app = await enrol(setup, clock, grace.cookie)
  await enrol(setup, clock, ada.cookie)
  const actor = { kind: 'system', id: 'command-line' } as const
  assert.equal(await identity.resetStaffFactors('nobody@operator.example', actor), false)
  assert.equal(await identity.resetStaffFactors(ada.email, actor), false)
  assert.equal((await password(setup, ada.email)).status, 202)
  assert.equal(await identity.resetStaffFactors(grace.email.toUpperCase(), actor), true)
  assert.equal((await setup.call('GET', '/session', { cookie: app.cookie })).status, 401)
  assert.equal((await password(setup, grace.email)).status, 201)
})

test('no factor can be read or changed with an API token', async (t) => {
  const { call, identity, operator } = await identityUnderTest(t)
  await operator()
  const { token } = await identity.createToken({
    role: 'operator',
    name: 'ci',
    createdBy: { kind: 'system', id: 'test' },
  })
  for (const [method, url] of [
    ['GET', '/factors'],
    ['GET', '/sessions'],
    ['DELETE', '/sessions'],
    ['DELETE', '/sessions/ses_x'],
    ['GET', '/session/step-up'],
    ['POST', '/session/step-up/passkey-options'],
    ['POST', '/factors/passkeys/options'],
    ['DELETE', '/factors/passkeys/x'],
    ['POST', '/factors/totp'],
    ['DELETE', '/factors/totp'],
    ['POST', '/factors/recovery-codes'],
  ] as const)
    assert.equal((await call(method, url, { token })).status, 403, `${method} ${url}`)
})
