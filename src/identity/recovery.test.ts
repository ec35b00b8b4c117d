import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { manualClock } from '#platform/clock'
import { goodPassword, identityUnderTest } from './testing.ts'

const comparable = (headers: Headers): [string, string][] =>
  [...headers].filter(([name]) => !['x-correlator', 'date'].includes(name))
const newPassword = 'amber staircase 77 willow'

test('recovery answers alike with and without an account, and beyond its limit', async (t) => {
  const { call, member, linkTo, mailTo } = await identityUnderTest(t)
  await member('ada@example.com')
  const ask = (email: string) => call('POST', '/recovery', { body: { email } })
  const known = await ask('ADA@example.com')
  assert.equal(known.status, 202)
  for (let i = 0; i < 8; i += 1) {
    for (const email of ['eve@example.com', 'ada@example.com']) {
      const answer = await ask(email)
      assert.deepEqual([answer.status, answer.body], [known.status, known.body], email)
      assert.deepEqual(comparable(answer.headers), comparable(known.headers))
    }
  }
  await linkTo('ada@example.com', 'reset', 5)
  assert.equal((await mailTo('ada@example.com')).filter((m) => m.includes('/reset')).length, 5)
  assert.deepEqual(await mailTo('eve@example.com'), [])
})

test('a mailed link sets a password once, ends every session and verifies the address', async (t) => {
  const { call, member, signIn, linkTo } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const elsewhere = await signIn('ada@example.com')
  const eve = await member('eve@example.com')
  await call('POST', '/recovery', { body: { email: 'ada@example.com' } })
  const token = await linkTo('ada@example.com', 'reset')
  const reset = () => call('POST', '/recovery/reset', { body: { token, password: newPassword } })
  assert.equal((await reset()).status, 204)
  for (const cookie of [ada.cookie, elsewhere]) {
    assert.equal((await call('GET', '/session', { cookie })).status, 401)
  }
  assert.equal((await call('GET', '/session', { cookie: eve.cookie })).status, 200)
  const old = await call('POST', '/session', { body: { email: ada.email, password: goodPassword } })
  assert.equal(old.status, 401)
  const cookie = await signIn('ada@example.com', newPassword)
  assert.equal((await call('GET', '/session', { cookie })).body.emailVerified, true)
  const again = await reset()
  assert.equal(again.status, 400)
  assert.equal(again.body.violations[0].path, '/token')
})

test('of 50 simultaneous uses of one link one sets the password', async (t) => {
  const { call, member, signIn, linkTo } = await identityUnderTest(t)
  await member('ada@example.com')
  await call('POST', '/recovery', { body: { email: 'ada@example.com' } })
  const token = await linkTo('ada@example.com', 'reset')
  const passwords = Array.from({ length: 50 }, (_, i) => `${newPassword} ${i}`)
  const answers = await Promise.all(
    passwords.map((password) => call('POST', '/recovery/reset', { body: { token, password } })),
  )
  const won = answers.flatMap(({ status }, i) => (status === 204 ? [i] : []))
  assert.equal(won.length, 1)
  assert.equal(answers.filter(({ status }) => status === 400).length, 49)
  await signIn('ada@example.com', passwords[won[0] ?? 0] ?? '')
})

test('two links of one person, used at once, do not stand in each other’s way', async (t) => {
  const { call, member, linkTo, mailTo } = await identityUnderTest(t)
  await member('ada@example.com')
  for (let i = 0; i < 4; i += 1)
    await call('POST', '/recovery', { body: { email: 'ada@example.com' } })
  await linkTo('ada@example.com', 'reset', 4)
  const tokens = (await mailTo('ada@example.com')).flatMap(
    (text) => /\/reset#token=([\w-]+)/.exec(text)?.[1] ?? [],
  )
  const answers = await Promise.all(
    tokens.map((token) =>
      call('POST', '/recovery/reset', { body: { token, password: newPassword } }),
    ),
  )
  assert.equal(answers.filter(({ status }) => status === 204).length, 1)
  assert.equal(answers.filter(({ status }) => status === 400).length, 3)
})

test('a link ends after 30 minutes, and says the same as one that never was', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const { call, member, linkTo } = await identityUnderTest(t, { clock })
  await member('ada@example.com')
  await call('POST', '/recovery', { body: { email: 'ada@example.com' } })
  const token = await linkTo('ada@example.com', 'reset')
  clock.advance(30 * 60_000)
  const reset = (given: string) =>
    call('POST', '/recovery/reset', { body: { token: given, password: newPassword } })
  const [expired, unknown] = [await reset(token), await reset('x'.repeat(43))]
  assert.equal(expired.status, 400)
  assert.deepEqual(unknown.body, expired.body)
})

test('a link of one purpose opens nothing else', async (t) => {
  const { call, member, linkTo } = await identityUnderTest(t)
  await member('ada@example.com')
  const token = await linkTo('ada@example.com', 'verify-email')
  const body = { token, password: newPassword }
  assert.equal((await call('POST', '/recovery/reset', { body })).status, 400)
  const accept = { ...body, name: 'Eve' }
  assert.equal((await call('POST', '/invitations/accept', { body: accept })).status, 400)
  assert.equal((await call('POST', '/email-verification/confirm', { body: { token } })).status, 204)
})

test('a weak password is refused without using the link up, every fault at once', async (t) => {
  const { call, member, linkTo } = await identityUnderTest(t)
  await member('lovelace@example.com')
  await call('POST', '/recovery', { body: { email: 'lovelace@example.com' } })
  const token = await linkTo('lovelace@example.com', 'reset')
  const weak = await call('POST', '/recovery/reset', {
    body: { token, password: 'lovelacelovelace' },
  })
  assert.equal(weak.status, 400)
  assert.deepEqual(
    weak.body.violations.map((v: { path: string }) => v.path),
    ['/password'],
  )
  const both = await call('POST', '/recovery/reset', {
    body: { token: 'x', password: 'password1234' },
  })
  assert.deepEqual(
    both.body.violations.map((v: { path: string }) => v.path),
    ['/token', '/password'],
  )
  const short = await call('POST', '/recovery/reset', { body: { password: 'short' } })
  assert.deepEqual(
    short.body.violations.map((v: { path: string }) => v.path),
    ['/token', '/password'],
  )
  assert.equal((await call('POST', '/recovery', { body: { email: 'no address' } })).status, 400)
  const good = { token, password: newPassword }
  assert.equal((await call('POST', '/recovery/reset', { body: good })).status, 204)
})

test('guessing links is stopped', async (t) => {
  const { call } = await identityUnderTest(t)
  const body = { token: 'x'.repeat(43) }
  const answers = await Promise.all(
    Array.from({ length: 210 }, () => call('POST', '/email-verification/confirm', { body })),
  )
  assert.equal(answers.filter(({ status }) => status === 400).length, 200)
  assert.equal(answers.filter(({ status }) => status === 429).length, 10)
})

test('no event keeps an address, a link or a password', async (t) => {
  const { call, member, linkTo, platform } = await identityUnderTest(t)
  await member('ada@example.com')
  await call('POST', '/recovery', { body: { email: 'ada@example.com' } })
  const token = await linkTo('ada@example.com', 'reset')
  await call('POST', '/recovery/reset', { body: { token, password: newPassword } })
  const { rows } = await sql<{ text: string }>`
    select o::text as text from platform.outbox o
    union all select e::text from audit.entry e
    union all select l::text from identity.link l`.execute(platform.database.as<unknown>())
  assert.ok(rows.length > 4)
  for (const { text } of rows) {
    for (const secret of ['ada@', token, 'staircase', 'harbour'])
      assert.ok(!text.includes(secret), text)
  }
})

test('mail that cannot be sent is kept and sent later, with a link that works', async (t) => {
  const { call, member, linkTo, platform } = await identityUnderTest(t)
  const { rm, writeFile, mkdir } = await import('node:fs/promises')
  const folder = `${platform.config.dataDir}/mail`
  await mkdir(platform.config.dataDir, { recursive: true })
  await rm(folder, { recursive: true, force: true })
  // A file where the folder should be: every try to write a mail fails.
  await writeFile(folder, '')
  await member('ada@example.com')
  const failed = async (): Promise<boolean> => {
    const { rows } = await sql<{ attempts: number }>`
      select attempts from platform.delivery where subscriber = 'identity' and attempts > 0`.execute(
      platform.database.as<unknown>(),
    )
    return rows.length > 0
  }
  const until = performance.now() + 30_000
  while (!(await failed())) {
    assert.ok(performance.now() < until, 'the mail was not tried')
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
  }
  await rm(folder)
  const token = await linkTo('ada@example.com', 'verify-email')
  assert.equal((await call('POST', '/email-verification/confirm', { body: { token } })).status, 204)
})
