import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { manualClock } from '#platform/clock'
import { goodPassword, identityUnderTest } from './testing.ts'

type Setup = Awaited<ReturnType<typeof identityUnderTest>>

/** Invites somebody into the staff and accepts for them. */
async function join(setup: Setup, by: { cookie: string }, email: string, role: string) {
  const { call, linkTo } = setup
  const invited = await call('POST', '/operators', { ...by, body: { email, role } })
  assert.equal(invited.status, 201, JSON.stringify(invited.body))
  const link = await linkTo(email.toLowerCase(), 'console/accept-invitation')
  const body = { token: link, name: 'Lin', password: goodPassword }
  const joined = await call('POST', '/invitations/accept', { body })
  assert.equal(joined.status, 201, JSON.stringify(joined.body))
  return { id: String(joined.body.id), email, cookie: joined.cookie ?? '', answer: joined, link }
}

test('an administrator invites, and the mailed link makes one of the staff, once', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, operator } = setup
  const grace = await operator()
  const lin = await join(setup, grace, 'Lin@Operator.example', 'auditor')
  assert.deepEqual(
    [lin.answer.body.kind, lin.answer.body.role, lin.answer.body.email],
    ['operator', 'auditor', 'lin@operator.example'],
  )
  const again = await call('POST', '/invitations/accept', {
    body: { token: lin.link, name: 'Eve', password: goodPassword },
  })
  assert.equal(again.status, 400)
  const { body } = await call('GET', '/operators', lin)
  assert.deepEqual(
    body.items.map((one: { email: string; role: string; state: string }) => [
      one.email,
      one.role,
      one.state,
    ]),
    [
      [grace.email, 'administrator', 'active'],
      ['lin@operator.example', 'auditor', 'active'],
    ],
  )
  const colleague = await call('POST', '/operators', {
    ...grace,
    body: { email: 'LIN@operator.example', role: 'product' },
  })
  assert.deepEqual([colleague.status, colleague.body.code], [409, 'ALREADY_EXISTS'])
})

test('of 50 simultaneous acceptances one joins the staff', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, operator, linkTo, platform } = setup
  const grace = await operator()
  const email = 'lin@operator.example'
  await call('POST', '/operators', { ...grace, body: { email, role: 'engineer' } })
  const token = await linkTo(email, 'console/accept-invitation')
  const answers = await Promise.all(
    Array.from({ length: 50 }, () =>
      call('POST', '/invitations/accept', { body: { token, name: 'Lin', password: goodPassword } }),
    ),
  )
  assert.equal(answers.filter(({ status }) => status === 201).length, 1)
  assert.equal(answers.filter(({ status }) => status === 400).length, 49)
  const { rows } = await sql`select person_id from identity.staff`.execute(
    platform.database.as<unknown>(),
  )
  assert.equal(rows.length, 2)
})

test('an invitation ends after three days, is renewed with another role, and is withdrawn', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const { call, operator, linkTo, signIn } = await identityUnderTest(t, { clock })
  const grace = await operator()
  const email = 'lin@operator.example'
  const accept = (token: string) =>
    call('POST', '/invitations/accept', { body: { token, name: 'Lin', password: goodPassword } })
  await call('POST', '/operators', { ...grace, body: { email, role: 'engineer' } })
  const first = await linkTo(email, 'console/accept-invitation')
  clock.advance(3 * 24 * 3_600_000)
  assert.equal((await accept(first)).status, 400)
  const cookie = await signIn(grace.email)
  const renewed = await call('POST', '/operators', { cookie, body: { email, role: 'product' } })
  const second = await linkTo(email, 'console/accept-invitation', 2)
  const list = await call('GET', '/operators', { cookie })
  assert.deepEqual(
    list.body.items.map(({ role, state }: { role: string; state: string }) => [role, state]).sort(),
    [
      ['administrator', 'active'],
      ['product', 'invited'],
    ],
  )
  const changed = await call('PATCH', `/operators/${renewed.body.id}`, {
    cookie,
    body: { role: 'auditor' },
  })
  assert.deepEqual(
    [changed.status, changed.body.role, changed.body.state],
    [200, 'auditor', 'invited'],
  )
  assert.equal((await call('DELETE', `/operators/${renewed.body.id}`, { cookie })).status, 204)
  assert.equal((await accept(second)).status, 400)
})

test('whoever is removed is out at once, with every session and token', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, operator, signIn, anotherNode } = setup
  const grace = await operator()
  const lin = await join(setup, grace, 'lin@operator.example', 'administrator')
  const made = await call('POST', '/tokens', { ...lin, body: { name: 'ci' } })
  const secondSession = await signIn(lin.email)
  const elsewhere = await anotherNode()
  const credentials = [
    { cookie: lin.cookie },
    { cookie: secondSession },
    { token: String(made.body.token) },
  ]
  for (const credential of credentials)
    assert.equal((await elsewhere('GET', '/operators', credential)).status, 200)
  assert.equal((await call('DELETE', `/operators/${lin.id}`, grace)).status, 204)
  for (const credential of credentials)
    assert.equal((await elsewhere('GET', '/operators', credential)).status, 401)
  const signedIn = await call('POST', '/session', {
    body: { email: lin.email, password: goodPassword },
  })
  assert.equal(signedIn.status, 401)
  assert.equal((await call('DELETE', `/operators/${lin.id}`, grace)).status, 404)
  // The address is free again.
  const again = await call('POST', '/operators', {
    ...grace,
    body: { email: lin.email, role: 'auditor' },
  })
  assert.equal(again.status, 201)
})

test('another role holds from the next request on, for sessions and tokens', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, operator } = setup
  const grace = await operator()
  const lin = await join(setup, grace, 'lin@operator.example', 'administrator')
  const { token } = (await call('POST', '/tokens', { ...lin, body: { name: 'ci' } })).body
  const invite = (caller: object, email: string) =>
    call('POST', '/operators', { ...caller, body: { email, role: 'auditor' } })
  assert.equal((await invite({ token }, 'a@operator.example')).status, 201)
  const changed = await call('PATCH', `/operators/${lin.id}`, {
    ...grace,
    body: { role: 'engineer' },
  })
  assert.deepEqual([changed.status, changed.body.role], [200, 'engineer'])
  for (const caller of [{ token }, { cookie: lin.cookie }]) {
    const refused = await invite(caller, 'b@operator.example')
    assert.deepEqual(
      [refused.status, refused.body.message],
      [
        403,
        'The role engineer may not invite and remove staff and give them roles. Roles that may: administrator.',
      ],
    )
  }
  const session = await call('GET', '/session', lin)
  assert.equal(session.body.role, 'engineer')
  assert.ok(!session.body.permissions.includes('staff.manage'))
})

test('one administrator always remains, also when two remove or demote each other at once', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, operator, anotherNode } = setup
  const grace = await operator()
  const url = `/operators/${grace.id}`
  const alone = await call('DELETE', url, grace)
  assert.deepEqual([alone.status, alone.body.code], [409, 'INCOMPATIBLE_STATE'])
  const demoted = await call('PATCH', url, { ...grace, body: { role: 'auditor' } })
  assert.deepEqual([demoted.status, demoted.body.code], [409, 'INCOMPATIBLE_STATE'])
  const elsewhere = await anotherNode()
  let first: { id: string; cookie: string } = grace
  for (let round = 0; round < 6; round += 1) {
    const second = await join(setup, first, `lin-${round}@operator.example`, 'administrator')
    const attack = (ask: typeof call, by: { cookie: string }, { id }: { id: string }) =>
      round % 2 === 0
        ? ask('DELETE', `/operators/${id}`, by)
        : ask('PATCH', `/operators/${id}`, { ...by, body: { role: 'auditor' } })
    const answers = await Promise.all([
      attack(call, first, second),
      attack(elsewhere, second, first),
    ])
    const done = answers.map(({ status }) => status < 300)
    assert.deepEqual(done.toSorted(), [false, true], `round ${round}`)
    first = done[0] === true ? first : second
    const { body } = await call('GET', '/session', first)
    assert.equal(body.role, 'administrator')
  }
})

test('who changes the staff, and to what, is recorded', async (t) => {
  const setup = await identityUnderTest(t)
  const { call, operator } = setup
  const grace = await operator()
  const lin = await join(setup, grace, 'lin@operator.example', 'engineer')
  await call('PATCH', `/operators/${lin.id}`, { ...grace, body: { role: 'product' } })
  await call('DELETE', `/operators/${lin.id}`, grace)
  const wanted = ['staff.removed', 'staff.role-changed', 'staff.joined', 'staff.invited']
  const until = performance.now() + 30_000
  for (;;) {
    const { body } = await call('GET', '/audit-events?perPage=100', grace)
    const seen = body.items.filter(({ action }: { action: string }) => action.startsWith('staff.'))
    if (seen.length === wanted.length || performance.now() > until) {
      assert.deepEqual(seen.map((one: { action: string }) => one.action).sort(), wanted.toSorted())
      for (const one of seen) assert.equal(one.target, lin.id)
      const change = seen.find(({ action }: { action: string }) => action === 'staff.role-changed')
      assert.deepEqual(change?.detail, { from: 'engineer', to: 'product' })
      assert.doesNotMatch(JSON.stringify(seen), /@/)
      return
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
  }
})

test('an address with an account at a partner is invited like any other, and its mail says that it cannot follow', async (t) => {
  const { call, operator, member, mailTo } = await identityUnderTest(t)
  const grace = await operator()
  await member('ada@example.com', { confirmed: true })
  const invited = await call('POST', '/operators', {
    ...grace,
    body: { email: 'ada@example.com', role: 'product' },
  })
  assert.equal(invited.status, 201)
  const until = performance.now() + 30_000
  const told = async () => (await mailTo('ada@example.com')).filter((m) => m.includes('invited'))
  while ((await told()).length === 0 && performance.now() < until) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
  const [mail = ''] = await told()
  assert.match(mail, /has an account there already/)
  assert.doesNotMatch(mail, /token=/)
})
