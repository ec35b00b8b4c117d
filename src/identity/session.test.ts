import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { manualClock } from '#platform/clock'
import { hashLike, hashPassword, verifyPassword } from './hash-password.ts'
import { goodPassword, identityUnderTest } from './testing.ts'

const comparable = (headers: Headers): [string, string][] =>
  [...headers].filter(([name]) => !['x-correlator', 'date'].includes(name))

test('signs in, says who it is, and ends the session on the server', async (t) => {
  const { call, member, platform } = await identityUnderTest(t)
  const ada = await member('Ada@Example.com')
  const started = await call('POST', '/session', {
    body: { email: ' ADA@example.COM'.trim(), password: goodPassword },
  })
  assert.equal(started.status, 201)
  const expected = {
    kind: 'partner',
    id: ada.memberId,
    name: 'Ada Lovelace',
    email: 'ada@example.com',
    emailVerified: false,
    role: 'owner',
    partnerId: ada.partnerId,
    via: 'session',
    secondFactor: 'absent',
  }
  const { permissions, ...session } = started.body
  assert.deepEqual(session, expected)
  assert.ok(permissions.includes('member.manage') && !permissions.includes('staff.read'))
  const { cookie } = started
  assert.deepEqual((await call('GET', '/session', { cookie })).body, { ...expected, permissions })
  const ended = await call('DELETE', '/session', { cookie })
  assert.equal(ended.status, 204)
  assert.match(ended.headers.get('set-cookie') ?? '', /Max-Age=0/)
  assert.equal((await call('GET', '/session', { cookie })).status, 401)
  assert.equal((await call('GET', '/session', { cookie: ada.cookie })).status, 200)
  const rows = await sql<{ text: string }>`select s::text as text from identity.session s`.execute(
    platform.database.as<unknown>(),
  )
  const secret = cookie?.split('=')[1] ?? 'absent'
  assert.ok(rows.rows.every(({ text }) => !text.includes(secret)))
})

test('the session cookie is out of reach of scripts and other sites, and bound to https where there is https', async (t) => {
  const local = await identityUnderTest(t)
  await local.member('ada@example.com')
  const body = { email: 'ada@example.com', password: goodPassword }
  const plain = await local.call('POST', '/session', { body })
  const port = new URL(local.platform.config.portal.url).port
  assert.match(
    plain.headers.getSetCookie()[0] ?? '',
    new RegExp(
      `^wayleave_session_${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800$`,
    ),
  )
  assert.match(
    plain.headers.getSetCookie()[1] ?? '',
    new RegExp(
      `^wayleave_device_${port}=[\\w-]{43}\\.[\\w-]{43}\\.[\\w-]+; Path=/; HttpOnly; SameSite=Lax; Max-Age=15552000$`,
    ),
  )
  const secure = await identityUnderTest(t, {
    env: { WAYLEAVE_PORTAL_URL: 'https://portal.example' },
  })
  await secure.member('ada@example.com')
  const answer = await secure.call('POST', '/session', { body })
  assert.match(
    answer.headers.getSetCookie()[0] ?? '',
    /^__Host-wayleave_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=604800$/,
  )
})

test('a wrong password and an unknown account are answered alike: status, body and headers', async (t) => {
  const { call, member } = await identityUnderTest(t)
  await member('ada@example.com')
  const wrong = await call('POST', '/session', {
    body: { email: 'ada@example.com', password: 'another good passphrase' },
  })
  const unknown = await call('POST', '/session', {
    body: { email: 'eve@example.com', password: 'another good passphrase' },
  })
  assert.equal(wrong.status, 401)
  assert.equal(wrong.body.code, 'UNAUTHENTICATED')
  assert.deepEqual([unknown.status, unknown.body], [wrong.status, wrong.body])
  assert.deepEqual(comparable(unknown.headers), comparable(wrong.headers))
})

test('checking a password takes the same work whether or not there is a stored hash', async () => {
  const stored = await hashPassword(goodPassword)
  const measure = async (
    hash: string | undefined,
    compare: typeof verifyPassword | typeof hashLike = verifyPassword,
  ): Promise<number> => {
    const times: number[] = []
    for (let i = 0; i < 7; i += 1) {
      const start = performance.now()
      await compare('wrong', hash)
      times.push(performance.now() - start)
    }
    return times.sort((a, b) => a - b)[3] ?? 0
  }
  const [known, unknown] = [await measure(stored), await measure(undefined)]
  // A skipped hash takes microseconds; the bounds only have to tell that from a real one on a busy machine.
  const isAlike = (one: number) => assert.ok(one > known / 4 && one < known * 4, `${known}, ${one}`)
  isAlike(unknown)
  isAlike(await measure(stored, hashLike))
  isAlike(await measure(undefined, hashLike))
})

test('stops guesses at one account, known or not, alike; a success is not counted', async (t) => {
  const { call, member, signIn } = await identityUnderTest(t)
  await member('ada@example.com')
  for (let i = 0; i < 15; i += 1) await signIn('ada@example.com')
  const guess = (email: string) => call('POST', '/session', { body: { email, password: 'wrong' } })
  for (const email of ['ada@example.com', 'eve@example.com']) {
    const statuses = await Promise.all(Array.from({ length: 14 }, () => guess(email)))
    assert.equal(statuses.filter(({ status }) => status === 401).length, 10, email)
    assert.equal(statuses.filter(({ status }) => status === 429).length, 4, email)
  }
  const refused = await call('POST', '/session', {
    body: { email: 'ada@example.com', password: goodPassword },
  })
  assert.equal(refused.status, 429)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
})

test('refuses a malformed sign-in with every fault at once', async (t) => {
  const { call } = await identityUnderTest(t)
  const answer = await call('POST', '/session', { body: { email: 5, extra: true } })
  assert.equal(answer.status, 400)
  assert.deepEqual(answer.body.violations.map((v: { path: string }) => v.path).sort(), [
    '/email',
    '/extra',
    '/password',
  ])
})

test('a session ends after 12 idle hours and, however busy, after 7 days', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const { call, member, signIn } = await identityUnderTest(t, { clock })
  await member('ada@example.com')
  const hour = 3_600_000
  const idle = await signIn('ada@example.com')
  clock.advance(12 * hour - 1_000)
  assert.equal((await call('GET', '/session', { cookie: idle })).status, 200)
  clock.advance(12 * hour)
  assert.equal((await call('GET', '/session', { cookie: idle })).status, 401)

  const busy = await signIn('ada@example.com')
  for (let hours = 0; hours < 7 * 24 - 8; hours += 8) {
    clock.advance(8 * hour)
    assert.equal((await call('GET', '/session', { cookie: busy })).status, 200, `after ${hours} h`)
  }
  clock.advance(8 * hour)
  assert.equal((await call('GET', '/session', { cookie: busy })).status, 401)
})

test('a session is touched at most once a minute', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const { call, member, platform } = await identityUnderTest(t, { clock })
  const { cookie } = await member('ada@example.com')
  const touched = async (): Promise<Date | undefined> => {
    const { rows } = await sql<{ last_used_at: Date }>`
      select last_used_at from identity.session`.execute(platform.database.as<unknown>())
    return rows[0]?.last_used_at
  }
  const start = await touched()
  clock.advance(59_000)
  await call('GET', '/session', { cookie })
  assert.deepEqual(await touched(), start)
  clock.advance(1_000)
  await call('GET', '/session', { cookie })
  assert.deepEqual(await touched(), clock.now())
})

test('signing in again ends the session that the browser came with', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const again = await call('POST', '/session', {
    body: { email: ada.email, password: goodPassword },
    cookie: ada.cookie,
  })
  assert.equal(again.status, 201)
  assert.notEqual(again.cookie, ada.cookie)
  assert.equal((await call('GET', '/session', { cookie: ada.cookie })).status, 401)
})

test('a hash of an older cost still signs in and is renewed', async (t) => {
  const { platform, member, signIn } = await identityUnderTest(t)
  await member('ada@example.com')
  const db = platform.database.as<unknown>()
  const { argon2Sync } = await import('node:crypto')
  const nonce = Buffer.alloc(16, 7)
  const key = argon2Sync('argon2id', {
    message: goodPassword,
    nonce,
    parallelism: 1,
    tagLength: 32,
    memory: 8_192,
    passes: 1,
  })
  const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
  await sql`update identity.person set password_hash = ${`$argon2id$v=19$m=8192,t=1,p=1$${unpadded(nonce)}$${unpadded(key)}`}`.execute(
    db,
  )
  await signIn('ada@example.com')
  const { rows } = await sql<{ password_hash: string }>`
    select password_hash from identity.person`.execute(db)
  assert.match(rows[0]?.password_hash ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  await signIn('ada@example.com')
})
