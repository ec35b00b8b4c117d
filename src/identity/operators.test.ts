import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { manualClock } from '#platform/clock'
import { goodPassword, identityUnderTest } from './testing.ts'

const tokenOf = (link: string | undefined): string =>
  new URL(link ?? 'http://none').searchParams.get('token') ?? ''
const person = { name: 'Grace Hopper', email: 'grace@operator.example', password: goodPassword }

test('whoever opens the printed link becomes the first operator; then the link exists no more', async (t) => {
  const { call, identity, platform } = await identityUnderTest(t)
  const link = await identity.firstOperatorLink()
  assert.ok(link?.startsWith(`${platform.config.portal.url}/console/welcome?token=`))
  const body = { token: tokenOf(link), ...person }
  const made = await call('POST', '/operators/first', { body })
  assert.equal(made.status, 201)
  assert.equal(made.body.kind, 'operator')
  assert.equal(made.body.role, 'administrator')
  const { cookie } = made
  assert.equal((await call('GET', '/session', { cookie })).body.email, person.email)
  const again = await call('POST', '/operators/first', {
    body: { ...body, email: 'eve@operator.example' },
  })
  assert.equal(again.status, 400)
  assert.equal(await identity.firstOperatorLink(), undefined)
  const signedIn = await call('POST', '/session', {
    body: { email: person.email, password: goodPassword },
  })
  assert.equal(signedIn.body.kind, 'operator')
  const staff = await call('GET', '/operators', { cookie })
  assert.equal(staff.status, 200)
  assert.deepEqual(
    staff.body.items.map((o: { email: string; role: string }) => [o.email, o.role]),
    [[person.email, 'administrator']],
  )
})

test('50 simultaneous uses of the link make one operator', async (t) => {
  const { call, identity, platform } = await identityUnderTest(t)
  const token = tokenOf(await identity.firstOperatorLink())
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      call('POST', '/operators/first', {
        body: { ...person, token, email: `op${i}@operator.example` },
      }),
    ),
  )
  assert.equal(answers.filter(({ status }) => status === 201).length, 1)
  assert.equal(answers.filter(({ status }) => status === 400).length, 49)
  const { rows } = await sql<{ people: number; staff: number }>`
    select (select count(*)::int from identity.person) as people,
      (select count(*)::int from identity.staff) as staff`.execute(platform.database.as<unknown>())
  assert.deepEqual(rows, [{ people: 1, staff: 1 }])
})

test('the way to become the first operator stays closed when the staff is gone', async (t) => {
  const { identity, operator, platform } = await identityUnderTest(t)
  await operator()
  await sql`delete from identity.staff`.execute(platform.database.as<unknown>())
  assert.equal(await identity.firstOperatorLink(), undefined)
})

test('a newer link replaces the older; a link ends after 15 minutes', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const { call, identity } = await identityUnderTest(t, { clock })
  const older = tokenOf(await identity.firstOperatorLink())
  const newer = tokenOf(await identity.firstOperatorLink())
  const use = (token: string) => call('POST', '/operators/first', { body: { token, ...person } })
  assert.equal((await use(older)).status, 400)
  clock.advance(15 * 60_000)
  assert.equal((await use(newer)).status, 400)
  const fresh = tokenOf(await identity.firstOperatorLink())
  clock.advance(15 * 60_000 - 1)
  assert.equal((await use(fresh)).status, 201)
})

test('what is wrong with the form is said all at once and does not use the link up', async (t) => {
  const { call, identity, member, platform } = await identityUnderTest(t)
  await member('ada@example.com', { confirmed: true })
  const token = tokenOf(await identity.firstOperatorLink())
  const use = (given: object) =>
    call('POST', '/operators/first', { body: { token, ...person, ...given } })
  const paths = (answer: { body: { violations: { path: string }[] } }): string[] =>
    answer.body.violations.map((v) => v.path)
  assert.deepEqual(paths(await use({ email: 'no address', password: 'short', name: ' ' })).sort(), [
    '/email',
    '/name',
    '/password',
  ])
  assert.deepEqual(paths(await use({ token: 'wrong', password: 'password1234' })), [
    '/token',
    '/password',
  ])
  assert.deepEqual(paths(await use({ password: `${platform.config.operatorName} harbour 58` })), [
    '/password',
  ])
  assert.deepEqual(paths(await use({ email: 'no address', password: 'password1234' })), [
    '/email',
    '/password',
  ])
  for (const body of [null, [], 'text', 5]) {
    assert.equal((await call('POST', '/operators/first', { body })).status, 400)
  }
  const taken = await use({ email: 'ADA@example.com' })
  assert.deepEqual([taken.status, taken.body.code], [409, 'ALREADY_EXISTS'])
  assert.equal((await use({})).status, 201)
})

test('the list of operators is for operators', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  assert.equal((await call('GET', '/operators')).status, 401)
  assert.equal((await call('GET', '/operators', { cookie: ada.cookie })).status, 403)
})
