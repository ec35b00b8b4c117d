import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { manualClock } from '#platform/clock'
import { identityUnderTest } from './testing.ts'
import { SoftAuthenticator, type Twist } from './testing-authenticator.ts'

type Setup = Awaited<ReturnType<typeof identityUnderTest>>

async function addPasskey(
  { call, platform }: Setup,
  cookie: string,
  given: { name?: string; synced?: boolean; counter?: number } = {},
) {
  const key = new SoftAuthenticator(platform.config.portal.url)
  key.synced = given.synced ?? true
  key.counter = given.counter ?? 0
  const options = await call('POST', '/factors/passkeys/options', { cookie })
  assert.equal(options.status, 200)
  const body = { name: given.name ?? 'Laptop', response: key.create(options.body) }
  const added = await call('POST', '/factors/passkeys', { cookie, body })
  assert.equal(added.status, 201, JSON.stringify(added.body))
  return { key, cookie: added.cookie ?? '', added: added.body, options: options.body }
}

async function passkeySignIn({ call }: Setup, key: SoftAuthenticator, twist: Twist = {}) {
  const options = await call('POST', '/session/passkey-options')
  const response = key.get(options.body, twist)
  return await call('POST', '/session/passkey', { body: { response } })
}

test('a passkey is added, named, listed, and signs in without an e-mail address', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, member, mailTo } = setup
  const ada = await member('ada@example.com')
  const { key, cookie, added, options } = await addPasskey(setup, ada.cookie, { name: ' Work ' })
  assert.equal(options.rp.id, 'localhost')
  assert.equal(options.authenticatorSelection.residentKey, 'required')
  assert.equal(options.authenticatorSelection.userVerification, 'required')
  assert.equal(added.name, 'Work')
  assert.equal(added.recoveryCodes.length, 10)
  assert.notEqual(cookie, ada.cookie, 'the session has another id')

  const offer = await call('POST', '/session/passkey-options')
  assert.equal(offer.body.userVerification, 'required')
  assert.equal(offer.body.allowCredentials, undefined)
  const response = key.get(offer.body)
  const signedIn = await call('POST', '/session/passkey', { body: { response } })
  assert.equal(signedIn.status, 201)
  assert.equal(signedIn.body.id, ada.memberId)
  assert.equal(signedIn.body.secondFactor, 'present')
  const again = await call('POST', '/session/passkey', { body: { response } })
  assert.equal(again.status, 401, 'a challenge is used once')

  const second = await addPasskey(setup, signedIn.cookie ?? '', { name: 'Phone', synced: false })
  assert.equal(second.added.recoveryCodes, undefined)
  assert.deepEqual(
    second.options.excludeCredentials.map((c: { id: string }) => c.id),
    [key.id],
  )
  const list = await call('GET', '/factors', { cookie: second.cookie })
  assert.deepEqual(
    list.body.passkeys.map((p: { name: string; synced: boolean }) => [p.name, p.synced]),
    [
      ['Work', true],
      ['Phone', false],
    ],
  )
  assert.ok(list.body.passkeys[0].lastUsedAt)
  const id = list.body.passkeys[1]?.id
  const renamed = await call('PATCH', `/factors/passkeys/${id}`, {
    cookie: second.cookie,
    body: { name: 'Old phone' },
  })
  assert.equal(renamed.body.name, 'Old phone')
  const until = performance.now() + 30_000
  while (
    (await mailTo('ada@example.com')).filter((m) => m.includes('passkey was added')).length < 2
  )
    if (performance.now() > until) assert.fail('two mails tell of two passkeys')
})

test('staff sign in with passkeys as members do', async (t) => {
  const setup = await identityUnderTest(t)
  const grace = await setup.operator()
  const { key } = await addPasskey(setup, grace.cookie)
  const signedIn = await passkeySignIn(setup, key)
  assert.deepEqual([signedIn.status, signedIn.body.kind], [201, 'operator'])
})

test('an answer of an authenticator that is wrong in any one place is refused, always alike', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, member, platform } = setup
  const ada = await member('ada@example.com')
  const eve = await member('eve@example.com')
  const { key } = await addPasskey(setup, ada.cookie)
  const other = await addPasskey(setup, eve.cookie)
  const stranger = new SoftAuthenticator(platform.config.portal.url)
  stranger.userHandle = key.userHandle
  const twists: Record<string, Twist> = {
    'another origin': { origin: 'https://evil.example' },
    'another port': { origin: 'http://localhost:1' },
    'another host': { rpId: 'evil.example' },
    'a registration': { type: 'webauthn.create' },
    'a challenge that we did not make': { challenge: 'A'.repeat(43) },
    'no challenge': { challenge: '' },
    'a user that was not verified': { flags: 0x19 },
    'a user that was not present': { flags: 0x1c },
    'another kind of device': { flags: 0x05 },
    'a signature of another key': { signedBy: other.key },
    'the name of another person': { userHandle: other.key.userHandle },
  }
  const refusals = []
  for (const [what, twist] of Object.entries(twists)) {
    const answer = await passkeySignIn(setup, key, twist)
    assert.equal(answer.status, 401, what)
    assert.equal(answer.cookie, undefined)
    refusals.push(answer.body)
  }
  refusals.push((await passkeySignIn(setup, stranger)).body)
  for (const body of refusals) assert.deepEqual(body, refusals[0])
  const garbage = { ...key.get({ challenge: 'x' }) }
  garbage.response.clientDataJSON = Buffer.from('null').toString('base64url')
  const broken = await call('POST', '/session/passkey', { body: { response: garbage } })
  assert.equal(broken.status, 401)
  assert.equal((await passkeySignIn(setup, key)).status, 201)
})

test('a passkey is made only for the person, the challenge and the origin that it was asked for', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const setup = await identityUnderTest(t, { clock })
  const { call, member, platform } = setup
  const ada = await member('ada@example.com')
  const eve = await member('eve@example.com')
  const begin = async () => (await call('POST', '/factors/passkeys/options', ada)).body
  const finish = async (cookie: string, response: unknown) =>
    await call('POST', '/factors/passkeys', { cookie, body: { name: 'x', response } })
  const key = () => new SoftAuthenticator(platform.config.portal.url)
  const forAda = key().create(await begin())
  assert.equal((await finish(eve.cookie, forAda)).status, 400, 'a challenge of another person')
  for (const twist of [
    { origin: 'https://evil.example' },
    { rpId: 'evil.example' },
    { type: 'webauthn.get' },
    { flags: 0x19 },
    { challenge: 'A'.repeat(43) },
  ]) {
    const answer = await finish(ada.cookie, key().create(await begin(), twist))
    assert.equal(answer.status, 400, JSON.stringify(twist))
    assert.equal(answer.body.violations[0].path, '/response')
  }
  const late = key().create(await begin())
  clock.advance(5 * 60_000 + 1)
  assert.equal((await finish(ada.cookie, late)).status, 400, 'too late')
  const offer = await call('POST', '/session/passkey-options')
  assert.equal(
    (await finish(ada.cookie, key().create({ ...(await begin()), ...offer.body }))).status,
    400,
    'a challenge of a sign-in',
  )
  const one = key()
  const made = one.create(await begin())
  const [first, second] = await Promise.all([finish(ada.cookie, made), finish(ada.cookie, made)])
  assert.deepEqual([first.status, second.status].sort(), [201, 400], 'one challenge, one passkey')
  const stolen = one.create((await call('POST', '/factors/passkeys/options', eve)).body)
  assert.equal((await finish(eve.cookie, stolen)).status, 409, 'a passkey of somebody else')
})

test('of 50 simultaneous uses of one signed challenge one signs in', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, member } = setup
  const ada = await member('ada@example.com')
  const { key } = await addPasskey(setup, ada.cookie)
  const response = key.get((await call('POST', '/session/passkey-options')).body)
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => call('POST', '/session/passkey', { body: { response } })),
  )
  assert.equal(answers.filter(({ status }) => status === 201).length, 1)
  assert.equal(answers.filter(({ status }) => status === 401).length, 49)
})

test('an authenticator whose count does not grow is refused, and its owner is told', async (t) => {
  const setup = await identityUnderTest(t)
  const { member, mailTo } = setup
  const ada = await member('ada@example.com')
  const { key } = await addPasskey(setup, ada.cookie, { counter: 5 })
  for (const [counter, status] of [
    [5, 401],
    [4, 401],
    [0, 401],
    [6, 201],
    [6, 401],
    [100, 201],
    [7, 401],
  ] as const) {
    assert.equal((await passkeySignIn(setup, key, { counter })).status, status, String(counter))
  }
  assert.equal((await passkeySignIn(setup, key, { counter: 101, origin: 'http://x' })).status, 401)
  const until = performance.now() + 30_000
  while (!(await mailTo('ada@example.com')).some((m) => m.includes('two of it')))
    if (performance.now() > until) assert.fail('a mail tells of the copy')
})

test('however many strangers guess at a password, its owner signs in with a passkey', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, member } = setup
  const ada = await member('ada@example.com')
  const { key } = await addPasskey(setup, ada.cookie)
  const guess = () => call('POST', '/session', { body: { email: ada.email, password: 'wrong' } })
  const answers = await Promise.all(Array.from({ length: 80 }, guess))
  assert.ok(answers.some(({ status }) => status === 429))
  assert.equal((await passkeySignIn(setup, key)).status, 201)
})

test('a passkey that was removed signs in no more; another’s is as if it were absent', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, member } = setup
  const ada = await member('ada@example.com')
  const eve = await member('eve@example.com')
  const { key, cookie, added } = await addPasskey(setup, ada.cookie)
  const url = `/factors/passkeys/${added.id}`
  assert.equal((await call('DELETE', url, { cookie: eve.cookie })).status, 404)
  assert.equal((await call('PATCH', url, { cookie: eve.cookie, body: { name: 'x' } })).status, 404)
  const removed = await call('DELETE', url, { cookie })
  assert.equal(removed.status, 204)
  assert.equal((await passkeySignIn(setup, key)).status, 401)
  const factors = await call('GET', '/factors', { cookie: removed.cookie ?? '' })
  assert.deepEqual(factors.body, { passkeys: [], recoveryCodesLeft: 0, required: false })
})

test('nothing that a passkey signs, and no challenge, is kept readable', async (t) => {
  const setup = await identityUnderTest(t)
  const offer = await setup.call('POST', '/session/passkey-options')
  const { rows } = await sql<{ text: string }>`
    select c::text as text from identity.challenge c`.execute(setup.platform.database.as<unknown>())
  assert.equal(rows.length, 1)
  assert.ok(!rows[0]?.text.includes(offer.body.challenge))
})
