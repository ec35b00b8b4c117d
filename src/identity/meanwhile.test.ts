import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Secret, TOTP } from 'otpauth'
import type { Platform } from '#platform/module'
import { type Answer, goodPassword, identityUnderTest } from './testing.ts'
import { domain, type Landing, partnerWithSso } from './testing-sso.ts'

/**
 * Holds whoever changes a table, until what else is asked meanwhile has got as far as it can without it: it waits for a
 * lock, or is answered.
 */
async function heldAt<T extends Promise<Answer | Landing>[]>(
  { database }: Platform,
  table: string,
  first: () => Promise<Answer>,
  meanwhile: () => T,
): Promise<(Answer | Landing)[]> {
  const holder = await database.pool.connect()
  const waiting = async (count: number, others: Promise<Answer | Landing>[]): Promise<void> => {
    let settled = 0
    for (const other of others) void other.finally(() => (settled += 1))
    const until = performance.now() + 20_000
    for (;;) {
      // Not by the connection that holds the table: within a transaction what is seen of others stays the same.
      const { rows } = await database.pool.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      )
      if ((rows[0]?.count ?? 0) + settled >= count) return
      if (performance.now() > until) throw new Error(`nothing waits for ${table}`)
      await delay(10)
    }
  }
  try {
    await holder.query(`begin; lock table ${table} in exclusive mode`)
    const begun = first()
    await waiting(1, [])
    const others = meanwhile()
    await waiting(1 + others.length, others)
    await holder.query('commit')
    return await Promise.all([begun, ...others])
  } finally {
    await holder.query('rollback')
    holder.release()
  }
}

const statuses = (answers: (Answer | Landing)[]): number[] => answers.map(({ status }) => status)

test('a new password ends also what is just being signed in with the old one, and a token that is just being made', async (t) => {
  const { call, member, linkTo, platform } = await identityUnderTest(t)
  const { email, cookie } = await member('ada@example.com', { confirmed: true })
  await call('POST', '/recovery', { body: { email } })
  const token = await linkTo(email, 'reset')
  const answers = await heldAt(
    platform,
    'identity.sign_in_ticket',
    () =>
      call('POST', '/recovery/reset', { body: { token, password: 'amber staircase 77 willow' } }),
    () => [
      call('POST', '/session', { body: { email, password: goodPassword } }),
      call('POST', '/tokens', { cookie, body: { name: 'kept' } }),
    ],
  )
  assert.deepEqual(statuses(answers), [204, 401, 401])
})

test('a first second factor ends also what is just being signed in with the password alone', async (t) => {
  const { call, member, platform } = await identityUnderTest(t)
  const { email, cookie } = await member('ada@example.com')
  const { body } = await call('POST', '/factors/totp', { cookie })
  const code = new TOTP({ secret: Secret.fromBase32(body.secret) }).generate()
  const answers = await heldAt(
    platform,
    'identity.recovery_code',
    () => call('POST', '/factors/totp/confirm', { cookie, body: { code } }),
    () => [call('POST', '/session', { body: { email, password: goodPassword } })],
  )
  assert.deepEqual(statuses(answers), [200, 401])
})

test('whoever is removed while it signs in or adds something is told so', async (t) => {
  const { call, member, platform } = await identityUnderTest(t)
  const owner = await member('ada@example.com')
  const { email, cookie, memberId } = await member('eve@example.com', {
    partnerId: owner.partnerId,
    role: 'developer',
  })
  const answers = await heldAt(
    platform,
    'identity.recovery_code',
    () =>
      call('DELETE', `/partners/${owner.partnerId}/members/${memberId}`, { cookie: owner.cookie }),
    () => [
      call('POST', '/session', { body: { email, password: goodPassword } }),
      call('POST', '/tokens', { cookie, body: { name: 'kept' } }),
      call('POST', '/factors/totp', { cookie }),
      call('POST', '/factors/passkeys/options', { cookie }),
    ],
  )
  assert.deepEqual(statuses(answers), [204, 401, 401, 404, 404])
})

/** A member of a partner with single sign-on, whose owner may enforce it. */
async function withMember(t: Parameters<typeof partnerWithSso>[0]) {
  const under = await partnerWithSso(t)
  const { call, member, owner } = under
  const eve = await member(`eve@${domain}`, {
    partnerId: owner.partnerId,
    role: 'developer',
    confirmed: true,
  })
  const { body } = await call('POST', '/factors/totp', { cookie: owner.cookie })
  const code = new TOTP({ secret: Secret.fromBase32(body.secret) }).generate()
  const { cookie } = await call('POST', '/factors/totp/confirm', {
    cookie: owner.cookie,
    body: { code },
  })
  const startsOf = async (personId: string): Promise<number> => {
    const { rows } = await under.platform.database.pool.query(
      `select from platform.outbox where payload ->> 'action' = 'session.started' and payload ->> 'target' = $1`,
      [personId],
    )
    return rows.length
  }
  return { ...under, owner: { ...owner, cookie }, eve, startsOf }
}

test('single sign-on that is just being enforced ends also what is just being signed in without it', async (t) => {
  const { platform, call, setUp, owner, eve, startsOf } = await withMember(t)
  const before = await startsOf(eve.memberId)
  const answers = await heldAt(
    platform,
    'platform.outbox',
    () => setUp({ mode: 'enforced' }, owner.cookie),
    () => [call('POST', '/session', { body: { email: eve.email, password: goodPassword } })],
  )
  assert.deepEqual(statuses(answers), [200, 403])
  assert.equal(await startsOf(eve.memberId), before, 'nothing tells of a session that never was')
})

test('a provider that is just being removed signs nobody in any more', async (t) => {
  const under = await withMember(t)
  const { platform, call, owner, eve, url, provider, leave, comeBack, signInAs } = under
  const person = { sub: 'eve-1', email: eve.email, email_verified: true, name: 'Eve' }
  assert.ok((await signInAs(person)).cookie, 'linked before')
  const { url: to, visit } = await leave(eve.email)
  const back = provider.authorize(to)
  const [removed, landed] = await heldAt(
    platform,
    'platform.outbox',
    () => call('DELETE', url, { cookie: owner.cookie }),
    () => [comeBack(back, visit)],
  )
  assert.equal(removed?.status, 204)
  assert.deepEqual(
    [landed?.status, landed && 'location' in landed && landed.location, landed?.cookie],
    [303, '/sign-in?sso=expired', undefined],
  )
})
