import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { manualClock } from '#platform/clock'
import { unconfirmedDays } from './forget-unconfirmed.ts'
import { goodPassword, identityUnderTest } from './testing.ts'

const day = 24 * 3_600_000
const another = 'copper lantern 77 meadow'

test('only what nobody confirmed, used or shares for long is removed, and no address is freed or taken by it', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const under = await identityUnderTest(t, { clock })
  const { call, identity, member, platform } = under
  const { pool } = platform.database
  const abandoned = async (): Promise<string[]> => {
    const { rows } = await pool.query(
      `select key from platform.outbox where type = 'partner.abandoned' order by position`,
    )
    return rows.map(({ key }) => key)
  }
  const forgotten: string[] = []
  const kept: string[] = []
  const open = async (into: string[], name: string) => {
    const made = await member(`${name}@example.com`)
    into.push(made.memberId)
    await pool.query('update identity.person set last_sign_in_at = null where id = $1', [
      made.memberId,
    ])
    return made
  }
  const idle = await open(forgotten, 'idle')
  await call('POST', '/recovery', { body: { email: idle.email } })
  const [reset, confirm] = [
    await under.linkTo(idle.email, 'reset'),
    await under.linkTo(idle.email, 'verify-email'),
  ]
  await call('POST', `/partners/${idle.partnerId}/members`, {
    cookie: idle.cookie,
    body: { email: 'guest@example.com', role: 'viewer' },
  })
  // The rest is not signed in any more either, or else that alone would keep it.
  const confirmed = await member('confirmed@example.com', { confirmed: true })
  const claiming = await member('confirmed@example.com', { password: another })
  forgotten.push(claiming.memberId)
  kept.push(confirmed.memberId)
  const busy = await open(kept, 'busy')
  const owner = await open(kept, 'owner')
  kept.push((await member('colleague@example.com', { partnerId: owner.partnerId })).memberId)
  const [signsIn, program, machine, provided] = [
    await open(kept, 'signs-in'),
    await open(kept, 'program'),
    await open(kept, 'machine'),
    await open(kept, 'provided'),
  ]
  const { body: token } = await call('POST', '/tokens', {
    cookie: program.cookie,
    body: { name: 'ci', expiresInDays: 365 },
  })
  const by = { kind: 'system', id: 'test' } as const
  const ofMachine = { role: 'partner', name: 'ci', createdBy: by } as const
  await identity.createToken({ ...ofMachine, partnerId: machine.partnerId })
  await pool.query(
    `insert into identity.provider (partner_id, issuer, client_id, sealed_secret, mode, roles, acr_values, second_factor, changed_at)
     values ($1, 'https://login.example', 'x', 'x', 'optional', '[]', '{}', 'provider', now())`,
    [provided.partnerId],
  )
  const asked: string[] = []
  const forget = () =>
    identity.forgetUnconfirmed(async (partnerId, since) => {
      asked.push(partnerId)
      assert.equal(since.getTime(), clock.now().getTime() - unconfirmedDays * day)
      return partnerId === busy.partnerId
    })

  clock.advance(unconfirmedDays * day - 60_000)
  await call('GET', '/session', { token: token.token })
  await call('POST', '/session', { body: { email: signsIn.email, password: goodPassword } })
  assert.equal(await forget(), 0, 'not a minute too early')
  assert.deepEqual(asked, [])
  clock.advance(120_000)
  const late = await Promise.all([forget(), forget()])
  assert.equal(late[0] + late[1], forgotten.length, 'each once, however many look')
  assert.deepEqual((await abandoned()).sort(), [idle.partnerId, claiming.partnerId].sort())
  const { rows } = await pool.query('select id from identity.person order by id')
  assert.deepEqual(
    rows.map(({ id }) => id),
    [...kept].sort(),
  )
  assert.equal(await forget(), 0)
  const { rows: left } = await pool.query(
    `select (select count(*)::int from identity.invitation) as invitations,
       (select count(*)::int from identity.link where subject_id = $1) as links`,
    [idle.memberId],
  )
  assert.deepEqual(left, [{ invitations: 0, links: 0 }])

  const confirmation = { body: { token: confirm } }
  assert.equal((await call('POST', '/email-verification/confirm', confirmation)).status, 400)
  const password = { body: { token: reset, password: another } }
  assert.equal((await call('POST', '/recovery/reset', password)).status, 400)
  const signIn = (email: string, typed: string) =>
    call('POST', '/session', { body: { email, password: typed } })
  assert.equal((await signIn(confirmed.email, goodPassword)).body.id, confirmed.memberId)
  assert.equal((await signIn(confirmed.email, another)).status, 401, 'the claim is gone')
  assert.equal((await signIn(idle.email, goodPassword)).status, 401)
  const again = await member(idle.email)
  assert.notEqual(again.memberId, idle.memberId, 'an address may be claimed anew, as before')
})

test('an account that is confirmed while it is being removed is either there, or was never confirmed', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const { call, identity, member, linkTo, platform } = await identityUnderTest(t, { clock })
  const links: { id: string; token: string }[] = []
  for (let i = 0; i < 6; i += 1) {
    const { memberId, email } = await member(`ada${i}@example.com`)
    links.push({ id: memberId, token: await linkTo(email, 'verify-email') })
  }
  // The links are the newest ones of accounts that are old enough.
  clock.advance((unconfirmedDays + 1) * day)
  await platform.database.pool.query('update identity.link set expires_at = $1', [
    new Date(clock.now().getTime() + day),
  ])
  const [ended, ...answers] = await Promise.all([
    identity.forgetUnconfirmed(async () => false),
    ...links.map(({ token }) => call('POST', '/email-verification/confirm', { body: { token } })),
  ])
  const { rows } = await platform.database.pool.query(
    'select id, email_verified_at is not null as confirmed from identity.person',
  )
  const there = new Map(rows.map(({ id, confirmed }) => [id, confirmed]))
  for (const [at, { id }] of links.entries())
    assert.equal(answers[at]?.status, there.get(id) === true ? 204 : 400)
  assert.equal(there.size, links.length - ended)
  assert.deepEqual(new Set(there.values()), new Set(there.size > 0 ? [true] : []))
})

test('page and guide say after how many days', () => {
  const root = path.join(import.meta.dirname, '../..')
  for (const file of ['web/portal/app/pages/account.tsx', 'docs/guides/sign-in.md'])
    assert.match(
      readFileSync(path.join(root, file), 'utf8').replaceAll(/\s+/g, ' '),
      new RegExp(`neither confirmed nor used for ${unconfirmedDays} days is removed`),
    )
})
