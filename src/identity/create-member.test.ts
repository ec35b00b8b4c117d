import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hashPassword } from './hash-password.ts'
import { type Answer, goodPassword, identityUnderTest } from './testing.ts'

const another = 'copper lantern 77 meadow'
const email = 'ada@example.com'
type Under = Awaited<ReturnType<typeof identityUnderTest>>

const signIn = ({ call }: Under, password: string, cookie?: string): Promise<Answer> =>
  call('POST', '/session', { body: { email, password }, cookie })

/** Waits for the mail to an address that says this. */
async function mailWith({ mailTo }: Under, pattern: RegExp): Promise<string> {
  const until = performance.now() + 30_000
  for (;;) {
    const found = (await mailTo(email)).find((text) => pattern.test(text))
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error(`no mail with ${pattern}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}

test('an account opened with an address that has one is like any other, and never meets it', async (t) => {
  const under = await identityUnderTest(t)
  const ada = await under.member(email, { confirmed: true })
  const eve = await under.member(email, { password: another })
  assert.notEqual(eve.memberId, ada.memberId)
  const mine = await signIn(under, goodPassword)
  const hers = await signIn(under, another)
  assert.deepEqual([mine.status, mine.body.id], [201, ada.memberId])
  assert.deepEqual([hers.status, hers.body.id], [201, eve.memberId], 'it opens again, elsewhere')
  assert.equal(hers.body.emailVerified, false)
  const mail = await mailWith(under, /You have one already/)
  assert.match(mail, /\/sign-in/)
  assert.doesNotMatch(mail, /token=/)
  assert.equal((await under.call('POST', '/email-verification', eve)).status, 202)
  assert.equal(await under.identity.hasVerifiedMember(eve.partnerId), false)
})

test('of many accounts that claim an address, one confirms it; links of the others end', async (t) => {
  const under = await identityUnderTest(t)
  const opened = []
  for (let i = 0; i < 4; i += 1) opened.push(await under.member(email))
  await under.linkTo(email, 'verify-email', 4)
  const tokens = (await under.mailTo(email)).flatMap(
    (text) => /verify-email#token=([\w-]+)/.exec(text)?.[1] ?? [],
  )
  const confirm = (token: string) =>
    under.call('POST', '/email-verification/confirm', { body: { token } })
  const statuses = (await Promise.all(tokens.map(confirm))).map(({ status }) => status)
  assert.deepEqual(statuses.sort(), [204, 400, 400, 400])
  const sessions = await Promise.all(
    opened.map(({ cookie }) => under.call('GET', '/session', { cookie })),
  )
  assert.equal(sessions.filter(({ body }) => body.emailVerified).length, 1)
})

test('a browser opens the account that it opened before, also when newer ones claim the address', async (t) => {
  const under = await identityUnderTest(t)
  const first = await under.member(email)
  // As it was stored before those who claim an address shared a salt.
  await under.platform.database.pool.query(
    'update identity.person set password_hash = $2 where id = $1',
    [first.memberId, await hashPassword(goodPassword)],
  )
  const { device } = await signIn(under, goodPassword)
  for (let i = 0; i < 3; i += 1) await under.member(email, { password: another })
  assert.equal((await signIn(under, goodPassword)).body.id, first.memberId, 'and so does any other')
  const here = await signIn(under, goodPassword, device)
  assert.deepEqual([here.status, here.body.id], [201, first.memberId])
})

test('whoever opened an account opens it again, however many others claim the address', async (t) => {
  const under = await identityUnderTest(t)
  const { call, platform } = under
  const [, { device: hers }] = [await under.member(email), await signIn(under, goodPassword)]
  const { body: ada } = await signIn(under, goodPassword)
  const eve = await under.member(email, { password: another })
  // As many sign-ups of a stranger, without the time that they take.
  await platform.database.pool.query(
    `with opened as (insert into identity.person
       select 'mem_eve' || n, email, name, password_hash, null, null, created_at + n * interval '1 second'
         from identity.person, generate_series(-20, 300) n where id = $1 returning id)
     insert into identity.member select id, 'prt_' || id, 'owner' from opened`,
    [eve.memberId],
  )
  assert.equal((await signIn(under, goodPassword)).body.id, ada.id, 'on a new device')
  assert.equal((await signIn(under, another)).body.id, 'mem_eve300', 'of equal ones the newest')
  await call('POST', '/recovery', { body: { email }, cookie: hers })
  const token = await under.linkTo(email, 'reset')
  for (let i = 0; i < 10; i += 1) await signIn(under, 'wrong')
  assert.equal((await signIn(under, goodPassword)).status, 429, 'strangers guessed too often')
  assert.equal((await signIn(under, goodPassword, hers)).body.id, ada.id, 'not on this device')
  await call('POST', '/recovery/reset', { body: { token, password: 'velvet copper 19 orchard' } })
  const moved = await signIn(under, 'velvet copper 19 orchard', hers)
  assert.deepEqual(
    [moved.body.id, moved.body.emailVerified],
    [ada.id, true],
    'of many the one here',
  )
})

const guessesByClaim = async (t: TestContext, confirmed: { confirmed?: true }): Promise<void> => {
  const under = await identityUnderTest(t)
  const ada = await under.member(email, confirmed)
  const { device: hers } = await signIn(under, goodPassword)
  const eve = await under.member(email, { password: another })
  const marked = async (): Promise<string> => (await signIn(under, another)).device ?? ''
  const devices = [await marked(), await marked()]
  for (const device of devices)
    for (let i = 0; i < 5; i += 1) assert.equal((await signIn(under, 'wrong', device)).status, 401)
  for (const device of devices)
    assert.equal(
      (await signIn(under, goodPassword, device)).status,
      401,
      'the 11th is not compared',
    )
  assert.equal((await signIn(under, goodPassword)).status, 429, 'they counted as a stranger’s')
  assert.equal((await signIn(under, goodPassword, hers)).body.id, ada.memberId, 'her own device')
  const own = await signIn(under, another, devices[0])
  assert.deepEqual([own.status, own.body.id], [201, eve.memberId], 'and eve in what is hers')
}

test('an account opened with somebody’s address gives no guesses at the password that belongs to it', (t) =>
  guessesByClaim(t, { confirmed: true }))

test('nor at the passwords of others who claim the address', (t) => guessesByClaim(t, {}))

test('an address gets the first mails of an hour, however many accounts are opened with it', async (t) => {
  const under = await identityUnderTest(t)
  const opened = []
  for (let i = 0; i < 12; i += 1) opened.push(await under.member(email, { password: another }))
  for (const { cookie } of opened.slice(0, 8)) {
    const asked = await Promise.all(
      [1, 2].map(() => under.call('POST', '/email-verification', { cookie })),
    )
    assert.deepEqual(
      asked.map(({ status }) => status),
      [202, 202],
    )
  }
  await under.linkTo(email, 'verify-email', 15)
  await under.identity.hashPassword({ email: 'x@example.com', password: goodPassword })
  assert.equal((await under.mailTo(email)).length, 15, 'five for accounts, ten that were asked for')
})

test('whoever moves into an account by mail finds nothing that still opens it for others', async (t) => {
  const under = await identityUnderTest(t)
  const { call } = under
  const eve = await under.member(email, { password: another })
  const { body: token } = await call('POST', '/tokens', { cookie: eve.cookie, body: { name: 'x' } })
  await call('POST', '/recovery', { body: { email } })
  assert.match(await mailWith(under, /reset#token/), /this address was never confirmed/)
  const link = await under.linkTo(email, 'reset')
  const reset = await call('POST', '/recovery/reset', {
    body: { token: link, password: goodPassword },
  })
  assert.equal(reset.status, 204)
  assert.equal((await call('GET', '/session', { token: token.token })).status, 401)
  assert.equal((await call('GET', '/session', { cookie: eve.cookie })).body.code, 'UNAUTHENTICATED')
  assert.equal((await signIn(under, another)).status, 401)
  assert.equal((await signIn(under, goodPassword)).body.emailVerified, true)
})
