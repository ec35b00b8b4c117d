import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { manualClock } from '#platform/clock'
import type { HttpServer } from '#platform/http-server'
import { grantOf, permissionNames, roles } from './permissions.ts'
import { goodPassword, identityUnderTest } from './testing.ts'

const tenMinutes = 10 * 60_000
const partnerRoles = Object.keys(roles.partner) as (keyof typeof roles.partner)[]
const operatorRoles = Object.keys(roles.operator) as (keyof typeof roles.operator)[]

/** A route for each permission, which says whether its handler ran. */
function probes(server: HttpServer): void {
  for (const access of permissionNames)
    server.post(`/probe/${access}`, { config: { access } }, () => ({ done: true }))
}

describe('every permission before a handler, for every role, with and without a fresh proof', () => {
  type Setup = Awaited<ReturnType<typeof identityUnderTest>>
  let setup: Setup
  const clock = manualClock('2026-01-05T08:00:00Z')
  const suspended = new Set<string>()
  const cleanUps: (() => Promise<void> | void)[] = []
  const cookies: Record<string, string> = {}
  let partnerId = ''
  let tokens: Record<'partner' | 'operator', string>

  before(async () => {
    setup = await identityUnderTest(
      { after: (fn) => void cleanUps.push(fn) },
      { clock, extra: probes, isSuspended: async (id) => suspended.has(id) },
    )
    const { call, member, operator, linkTo, identity } = setup
    const owner = await member('owner@example.com')
    partnerId = owner.partnerId
    cookies.owner = owner.cookie
    for (const role of partnerRoles.filter((one) => one !== 'owner'))
      cookies[role] = (await member(`${role}@example.com`, { partnerId, role })).cookie
    const grace = await operator()
    cookies.administrator = grace.cookie
    for (const role of operatorRoles.filter((one) => one !== 'administrator')) {
      const email = `${role}@operator.example`
      await call('POST', '/operators', { ...grace, body: { email, role } })
      const token = await linkTo(email, 'console/accept-invitation')
      const body = { token, name: role, password: goodPassword }
      cookies[role] = (await call('POST', '/invitations/accept', { body })).cookie ?? ''
    }
    const createdBy = { kind: 'system', id: 'test' } as const
    const made = { name: 'ci', createdBy }
    tokens = {
      partner: (await identity.createToken({ ...made, role: 'partner', partnerId })).token,
      operator: (await identity.createToken({ ...made, role: 'operator' })).token,
    }
  })
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })

  const answers = async (credential: { cookie?: string; token?: string }) =>
    await Promise.all(
      permissionNames.map(async (name) => {
        const { status, body } = await setup.call('POST', `/probe/${name}`, credential)
        return [name, status === 200 ? 'done' : String(body.code)] as const
      }),
    )
  const rolesOf = (name: (typeof permissionNames)[number]): readonly string[] => [
    ...grantOf(name).partner,
    ...grantOf(name).operator,
  ]

  for (const role of [...partnerRoles, ...operatorRoles])
    test(`the role ${role} gets what the table gives, right after signing in`, async () => {
      for (const [name, answer] of await answers({ cookie: cookies[role] ?? '' }))
        assert.equal(answer, rolesOf(name).includes(role) ? 'done' : 'PERMISSION_DENIED', name)
    })

  test('a stranger gets nothing', async () => {
    for (const [name, answer] of await answers({})) assert.equal(answer, 'UNAUTHENTICATED', name)
  })

  for (const kind of ['partner', 'operator'] as const)
    test(`an API token of the ${kind} gets what is not for a person, and is never asked for a proof`, async () => {
      const role = kind === 'partner' ? 'owner' : 'administrator'
      for (const [name, answer] of await answers({ token: tokens[kind] })) {
        const may = rolesOf(name).includes(role) && grantOf(name).person !== true
        assert.equal(answer, may ? 'done' : 'PERMISSION_DENIED', name)
      }
    })

  test('members of a suspended partner do nothing that calls depend on, whatever their role and by token', async () => {
    suspended.add(partnerId)
    try {
      for (const credential of [{ cookie: cookies.owner ?? '' }, { token: tokens.partner }])
        for (const [name, answer] of await answers(credential)) {
          const { partner, person, active } = grantOf(name)
          const may =
            partner.includes('owner') && active !== true && !('token' in credential && person)
          assert.equal(answer, may ? 'done' : 'PERMISSION_DENIED', name)
        }
    } finally {
      suspended.clear()
    }
  })

  test('after ten minutes what asks for a proof is refused until one is given, and nothing else', async () => {
    clock.advance(tenMinutes)
    for (const role of [...partnerRoles, ...operatorRoles])
      for (const [name, answer] of await answers({ cookie: cookies[role] ?? '' })) {
        const may = grantOf(name).stepUp === true ? 'STEP_UP_REQUIRED' : 'done'
        assert.equal(answer, rolesOf(name).includes(role) ? may : 'PERMISSION_DENIED', name)
      }
  })
})

test('staff who owe a second factor get what is needed to add one, and nothing else', async (t) => {
  const { call, operator } = await identityUnderTest(t, {
    extra: probes,
    env: { WAYLEAVE_STAFF_SECOND_FACTOR: 'require' },
  })
  const grace = await operator()
  for (const name of permissionNames) {
    const { operator: may, withoutFactor } = grantOf(name)
    const { status, body } = await call('POST', `/probe/${name}`, grace)
    const refused = may.length === 0 ? 'PERMISSION_DENIED' : 'SECOND_FACTOR_REQUIRED'
    assert.equal(
      status === 200 ? 'done' : body.code,
      withoutFactor === true ? 'done' : refused,
      name,
    )
  }
})

test('an answer that goes on is told when the role, the session or the token of its caller ends', async (t) => {
  const asked: (() => Promise<boolean>)[] = []
  const { call, member, identity } = await identityUnderTest(t, {
    extra: (server) =>
      server.get('/probe/long', { config: { access: 'credential.change' } }, (request) => {
        asked.push(request.mayStill)
        return {}
      }),
  })
  const owner = await member('ada@example.com')
  const { partnerId } = owner
  const developer = await member('dev@example.com', { partnerId, role: 'developer' })
  const leaver = await member('bob@example.com', { partnerId, role: 'developer' })
  const createdBy = { kind: 'system', id: 'test' } as const
  const made = await identity.createToken({ role: 'partner', partnerId, name: 'ci', createdBy })
  for (const caller of [developer, leaver, { token: made.token }, owner])
    assert.equal((await call('GET', '/probe/long', caller)).status, 200)
  const still = async () => await Promise.all(asked.map((ask) => ask()))
  assert.deepEqual(await still(), [true, true, true, true])
  const people = `/partners/${partnerId}/members`
  await call('PATCH', `${people}/${developer.memberId}`, { ...owner, body: { role: 'viewer' } })
  await call('DELETE', `${people}/${leaver.memberId}`, owner)
  await call('DELETE', `/tokens/${made.id}`, owner)
  assert.deepEqual(await still(), [false, false, false, true])
})
