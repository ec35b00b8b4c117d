import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { manualClock } from '#platform/clock'
import { lockFor } from '#platform/database'
import { goodPassword, identityUnderTest } from './testing.ts'

test('an owner invites, the invited person joins by the mailed link and is signed in', async (t) => {
  const { call, member, linkTo, identity } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const url = `/partners/${ada.partnerId}/members`
  const invited = await call('POST', url, {
    cookie: ada.cookie,
    body: { email: 'Bob@Example.com', role: 'developer' },
  })
  assert.equal(invited.status, 201)
  const { createdAt, ...rest } = invited.body
  assert.ok(Date.parse(createdAt) > 0)
  const id = invited.body.id
  assert.deepEqual(rest, {
    id,
    name: '',
    email: 'bob@example.com',
    role: 'developer',
    emailVerified: false,
    state: 'invited',
  })
  const token = await linkTo('bob@example.com', 'accept-invitation')
  const body = { token, name: 'Bob', password: goodPassword }
  const joined = await call('POST', '/invitations/accept', { body })
  assert.equal(joined.status, 201)
  const { permissions, ...session } = joined.body
  assert.ok(permissions.includes('credential.change') && !permissions.includes('member.manage'))
  assert.deepEqual(session, {
    kind: 'partner',
    id,
    name: 'Bob',
    email: 'bob@example.com',
    emailVerified: true,
    role: 'developer',
    partnerId: ada.partnerId,
    via: 'session',
    secondFactor: 'absent',
  })
  assert.equal((await call('GET', '/session', { cookie: joined.cookie })).status, 200)
  assert.equal((await call('POST', '/invitations/accept', { body })).status, 400)
  assert.equal(await identity.hasVerifiedMember(ada.partnerId), true)
  const list = await call('GET', `${url}?perPage=1&page=2`, { cookie: joined.cookie })
  assert.deepEqual(list.body.pagination, { page: 2, perPage: 1, totalCount: 2, totalPages: 2 })
  assert.deepEqual([list.body.items[0].id, list.body.items[0].state], [id, 'active'])
})

test('an invitation of an address that has an account elsewhere looks like any other', async (t) => {
  const { call, member, operator, mailTo } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  await member('eve@example.com', { confirmed: true })
  await operator('grace@operator.example')
  const url = `/partners/${ada.partnerId}/members`
  const invite = (email: string) =>
    call('POST', url, { cookie: ada.cookie, body: { email, role: 'viewer' } })
  const shape = ({ status, body, headers }: Awaited<ReturnType<typeof call>>) => [
    status,
    { ...body, id: body.id.length, email: '', createdAt: '' },
    [...headers].filter(([name]) => !['x-correlator', 'date', 'content-length'].includes(name)),
  ]
  const unknown = shape(await invite('new@example.com'))
  assert.deepEqual(shape(await invite('eve@example.com')), unknown)
  assert.deepEqual(shape(await invite('grace@operator.example')), unknown)
  const until = performance.now() + 30_000
  const told = async () => (await mailTo('eve@example.com')).filter((m) => m.includes('invited'))
  while ((await told()).length === 0 && performance.now() < until) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
  const [mail = ''] = await told()
  assert.match(mail, /has an account there already/)
  assert.doesNotMatch(mail, /token=/)
})

test('an invitation is renewed, changed and withdrawn; a member is not invited again', async (t) => {
  const { call, member, linkTo } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const url = `/partners/${ada.partnerId}/members`
  const { cookie } = ada
  const invite = (role: string) =>
    call('POST', url, { cookie, body: { email: 'bob@example.com', role } })
  const first = await invite('viewer')
  const second = await invite('finance')
  assert.equal(second.body.id, first.body.id)
  assert.equal(second.body.role, 'finance')
  const token = await linkTo('bob@example.com', 'accept-invitation', 2)
  const changed = await call('PATCH', `${url}/${first.body.id}`, {
    cookie,
    body: { role: 'viewer' },
  })
  assert.deepEqual(
    [changed.status, changed.body.role, changed.body.state],
    [200, 'viewer', 'invited'],
  )
  assert.equal((await call('DELETE', `${url}/${first.body.id}`, { cookie })).status, 204)
  const late = await call('POST', '/invitations/accept', {
    body: { token, name: 'Bob', password: goodPassword },
  })
  assert.equal(late.status, 400)
  const self = await call('POST', url, {
    cookie,
    body: { email: 'ADA@example.com', role: 'viewer' },
  })
  assert.deepEqual([self.status, self.body.code], [409, 'ALREADY_EXISTS'])
  assert.equal(
    (await call('POST', url, { cookie, body: { email: 'x', role: 'king' } })).status,
    400,
  )
})

test('an address that got an account after it was invited is told to sign in', async (t) => {
  const { call, member, linkTo } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  await call('POST', `/partners/${ada.partnerId}/members`, {
    cookie: ada.cookie,
    body: { email: 'bob@example.com', role: 'viewer' },
  })
  const token = await linkTo('bob@example.com', 'accept-invitation')
  await member('bob@example.com', { confirmed: true })
  const body = { token, name: 'Bob', password: goodPassword }
  const answer = await call('POST', '/invitations/accept', { body })
  assert.deepEqual([answer.status, answer.body.code], [409, 'ALREADY_EXISTS'])
})

test('of 50 simultaneous acceptances one becomes the member', async (t) => {
  const { call, member, linkTo } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const url = `/partners/${ada.partnerId}/members`
  await call('POST', url, {
    cookie: ada.cookie,
    body: { email: 'bob@example.com', role: 'viewer' },
  })
  const token = await linkTo('bob@example.com', 'accept-invitation')
  const body = { token, name: 'Bob', password: goodPassword }
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => call('POST', '/invitations/accept', { body })),
  )
  assert.equal(answers.filter(({ status }) => status === 201).length, 1)
  assert.equal(answers.filter(({ status }) => status === 400).length, 49)
  assert.equal((await call('GET', url, { cookie: ada.cookie })).body.pagination.totalCount, 2)
})

test('who may manage members, role by role; everybody may leave', async (t) => {
  const { call, member, operator } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const { partnerId } = ada
  const url = `/partners/${partnerId}/members`
  const people = {
    owner: ada,
    developer: await member('dev@example.com', { partnerId, role: 'developer' }),
    finance: await member('fin@example.com', { partnerId, role: 'finance' }),
    viewer: await member('view@example.com', { partnerId, role: 'viewer' }),
    administrator: await operator(),
  }
  const victim = await member('victim@example.com', { partnerId, role: 'viewer' })
  const mayManage = {
    owner: true,
    developer: false,
    finance: false,
    viewer: false,
    administrator: true,
  }
  for (const [role, { cookie }] of Object.entries(people)) {
    const may = mayManage[role as keyof typeof mayManage]
    assert.equal((await call('GET', url, { cookie })).status, 200, role)
    const invite = await call('POST', url, {
      cookie,
      body: { email: `${role}@new.example`, role: 'viewer' },
    })
    assert.equal(invite.status, may ? 201 : 403, role)
    const change = await call('PATCH', `${url}/${victim.memberId}`, {
      cookie,
      body: { role: 'finance' },
    })
    assert.equal(change.status, may ? 200 : 403, role)
    if (!may) {
      const removal = await call('DELETE', `${url}/${victim.memberId}`, { cookie })
      assert.equal(removal.status, 403, role)
    }
  }
  const { viewer } = people
  assert.equal(
    (await call('DELETE', `${url}/${viewer.memberId}`, { cookie: viewer.cookie })).status,
    204,
  )
  assert.equal((await call('GET', '/session', { cookie: viewer.cookie })).status, 401)
})

test('who sees of a member an address, its last sign-in and whether it has a second factor, role by role', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const { call, member, operator, platform, identity } = await identityUnderTest(t, { clock })
  const { pool } = platform.database
  const ada = await member('ada@example.com', { confirmed: true })
  clock.advance(1_000)
  const bob = await member('bob@example.com', { partnerId: ada.partnerId, role: 'viewer' })
  clock.advance(1_000)
  const grace = await operator()
  const url = `/partners/${ada.partnerId}/members`
  await call('POST', url, {
    cookie: ada.cookie,
    body: { email: 'new@example.com', role: 'viewer' },
  })
  await pool.query(
    `insert into identity.totp (person_id, sealed_secret, last_step, created_at) values ($1, 'x', 0, now())`,
    [ada.memberId],
  )
  await pool.query('update identity.person set last_sign_in_at = null where id = $1', [
    bob.memberId,
  ])
  const seen = async (by: { cookie?: string; token?: string }) => {
    const { status, body } = await call('GET', url, by)
    assert.equal(status, 200)
    return body.items.map(({ email, lastSignInAt, secondFactor }) => ({
      ...(email !== undefined && { email }),
      ...(lastSignInAt !== undefined && { lastSignInAt }),
      ...(secondFactor !== undefined && { secondFactor }),
    }))
  }
  const emails = ['ada@example.com', 'bob@example.com', 'new@example.com'].map((email) => ({
    email,
  }))
  const signIns = [
    { lastSignInAt: '2026-01-05T08:00:00.000Z', secondFactor: true },
    { secondFactor: false },
    {},
  ]
  const both = emails.map((one, at) => ({ ...one, ...signIns[at] }))
  const byRole = {
    member: { owner: both, developer: emails, finance: emails, viewer: emails },
    staff: {
      administrator: both,
      product: signIns,
      'partner-success': both,
      auditor: both,
      engineer: undefined,
    },
  }
  for (const [role, expected] of Object.entries(byRole.member)) {
    await pool.query('update identity.member set role = $2 where person_id = $1', [
      bob.memberId,
      role,
    ])
    assert.deepEqual(await seen({ cookie: bob.cookie }), expected, role)
  }
  for (const [role, expected] of Object.entries(byRole.staff)) {
    await pool.query('update identity.staff set role = $2 where person_id = $1', [grace.id, role])
    const { cookie } = grace
    if (expected === undefined) assert.equal((await call('GET', url, { cookie })).status, 403, role)
    else assert.deepEqual(await seen({ cookie }), expected, role)
  }
  const { token } = await identity.createToken({
    role: 'partner',
    partnerId: ada.partnerId,
    name: 'ci',
    scopes: ['member.read'],
    createdBy: { kind: 'system', id: 'test' },
  })
  assert.deepEqual(await seen({ token }), [{}, {}, {}], 'a token sees what it was made for')
  const { rows } = await pool.query(`select payload::text from platform.outbox`)
  for (const { payload } of rows) assert.ok(!payload.includes('ada@'))
})

test('another’s members answer like those of a partner that does not exist', async (t) => {
  const { call, member, operator } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const eve = await member('eve@example.com')
  const grace = await operator()
  const requests = [
    ['GET', '', undefined],
    ['POST', '', { email: 'bob@example.com', role: 'viewer' }],
    ['PATCH', `/${eve.memberId}`, { role: 'viewer' }],
    ['DELETE', `/${eve.memberId}`, undefined],
  ] as const
  for (const [method, tail, body] of requests) {
    const given = { cookie: ada.cookie, body }
    const other = await call(method, `/partners/${eve.partnerId}/members${tail}`, given)
    const absent = await call(method, `/partners/prt_absent/members${tail}`, given)
    assert.equal(other.status, 404, method)
    assert.deepEqual(other.body, absent.body, method)
    assert.deepEqual(
      (
        await call(method, `/partners/prt_absent/members${tail}`, {
          ...given,
          cookie: grace.cookie,
        })
      ).body,
      absent.body,
    )
  }
  const own = `/partners/${ada.partnerId}/members`
  for (const memberId of [eve.memberId, 'mem_absent', 'x'.repeat(64)]) {
    const given = { cookie: ada.cookie, body: { role: 'viewer' } }
    const answer = await call('PATCH', `${own}/${memberId}`, given)
    assert.deepEqual([answer.status, answer.body.message], [404, 'There is no such member.'])
    assert.equal((await call('DELETE', `${own}/${memberId}`, { cookie: ada.cookie })).status, 404)
  }
})

test('the last owner stays an owner', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const { partnerId, memberId, cookie } = await member('ada@example.com')
  const url = `/partners/${partnerId}/members/${memberId}`
  const demoted = await call('PATCH', url, { cookie, body: { role: 'viewer' } })
  assert.deepEqual([demoted.status, demoted.body.code], [409, 'INCOMPATIBLE_STATE'])
  assert.equal((await call('DELETE', url, { cookie })).status, 409)
  assert.equal((await call('PATCH', url, { cookie, body: { role: 'owner' } })).status, 200)
})

test('two owners who send each other away at once do not leave the partner without one', async (t) => {
  const { call, member, platform } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const { partnerId } = ada
  const bob = await member('bob@example.com', { partnerId, role: 'owner' })
  const url = `/partners/${partnerId}/members`
  const db = platform.database.as<unknown>()
  const waiting = async (): Promise<number> => {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from pg_locks
      where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`.execute(db)
    return rows[0]?.count ?? 0
  }
  // Both changes are held at the point where each still sees the other owner, and then let go together.
  const answers = await db.transaction().execute(async (trx) => {
    await lockFor(trx, `identity.partner.${partnerId}`)
    const both = [
      call('DELETE', `${url}/${ada.memberId}`, { cookie: bob.cookie }),
      call('PATCH', `${url}/${bob.memberId}`, { cookie: ada.cookie, body: { role: 'viewer' } }),
    ]
    const until = performance.now() + 30_000
    while ((await waiting()) < 2) {
      assert.ok(performance.now() < until, 'the changes do not take turns')
    }
    return { both }
  })
  const statuses = (await Promise.all(answers.both)).map(({ status }) => status).sort()
  assert.equal(statuses.filter((status) => status < 300).length, 1, String(statuses))
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from identity.member where role = 'owner'`.execute(db)
  assert.equal(rows[0]?.count, 1)
})

test('removal ends the sessions and tokens of a member at once', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const bob = await member('bob@example.com', { partnerId: ada.partnerId, role: 'developer' })
  const { body } = await call('POST', '/tokens', { cookie: bob.cookie, body: { name: 'ci' } })
  assert.equal((await call('GET', '/session', { token: body.token })).status, 200)
  const url = `/partners/${ada.partnerId}/members/${bob.memberId}`
  assert.equal((await call('DELETE', url, { cookie: ada.cookie })).status, 204)
  assert.equal((await call('GET', '/session', { cookie: bob.cookie })).status, 401)
  assert.equal((await call('GET', '/session', { token: body.token })).status, 401)
  assert.equal((await call('DELETE', url, { cookie: ada.cookie })).status, 404)
  await member('bob@example.com')
})

test('what was done about members is in the evidence of the partner', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const url = `/partners/${ada.partnerId}/members`
  const { body } = await call('POST', url, {
    cookie: ada.cookie,
    body: { email: 'bob@example.com', role: 'viewer' },
  })
  await call('DELETE', `${url}/${body.id}`, { cookie: ada.cookie })
  const until = performance.now() + 30_000
  let actions: string[] = []
  while (!actions.includes('invitation.withdrawn') && performance.now() < until) {
    const events = await call('GET', '/audit-events', { cookie: ada.cookie })
    actions = events.body.items.map((event: { action: string }) => event.action)
  }
  assert.deepEqual(actions, ['invitation.withdrawn', 'member.invited', 'session.started'])
})
