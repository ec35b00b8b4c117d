import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { Actor } from '#audit'
import { scopesQuery } from './store.ts'
import { emitted, member, served, staff, testContracts } from './testing.ts'

type World = Awaited<ReturnType<typeof testContracts>>
type Call = Awaited<ReturnType<typeof served>>

/** Everything that production needs, by the routes. */
async function openProduction(world: World, call: Call, owner: Actor, planId = 'pln_paid') {
  if (owner.kind === 'partner') world.world.verified.add(owner.partnerId)
  const agreements = await call(owner, 'GET', '/agreements')
  const agreementId = agreements.body.items[0].id
  await call(owner, 'POST', `/agreements/${agreementId}/acceptances`)
  const opened = await call(owner, 'POST', '/contracts', { planId, agreementId })
  assert.equal(opened.status, 201, JSON.stringify(opened.body))
  return opened.body
}

test('a registration that is told many times at once makes one sandbox contract and one subscription', async (t) => {
  const { platform, contracts, tell } = await testContracts(t)
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0
        ? tell('partner.registered', { partnerId: 'prt_1', applicationId: 'app_s1' })
        : tell('application.changed', { applicationId: 'app_s1', environment: 'sandbox' }),
    ),
  )
  const ids = await contracts.contractIds('sandbox', '')
  assert.equal(ids.length, 1)
  assert.deepEqual(await contracts.contractIds('production', ''), [])
  const [id] = ids
  assert.ok(id)
  const entry = await contracts.contractEntry(id)
  assert.equal(entry?.tier, 'free')
  assert.deepEqual(entry?.rate, [{ limit: 20, windowSeconds: 1 }])
  assert.deepEqual(entry?.quota, { limit: 10_000, period: 'day' })
  const subscriptions = await contracts.subscriptionIds('sandbox', '')
  assert.equal(subscriptions.length, 1)
  assert.equal((await contracts.subscriptionEntry(subscriptions[0] ?? ''))?.apiId, '*')
  assert.equal((await emitted(platform, 'contract.changed')).length, 1)
  assert.equal((await emitted(platform, 'subscription.changed')).length, 1)
})

test('a sandbox application has the scopes of every published API, also of one that comes later', async (t) => {
  const { world, contracts, tell } = await testContracts(t)
  await tell('partner.registered', { partnerId: 'prt_1' })
  assert.deepEqual(await contracts.scopesOf('app_s1'), ['otp:send', 'sim-swap', 'sim-swap:check'])
  world.apis.push({ apiId: 'new/v1', scopes: ['new:read'], prices: {}, plans: [] })
  await tell('api.changed', { apiId: 'new/v1' })
  assert.ok((await contracts.scopesOf('app_s1')).includes('new:read'))
  world.apis = world.apis.filter((api) => api.apiId !== 'otp/v1')
  await tell('api.changed', { apiId: 'otp/v1' })
  assert.deepEqual(await contracts.scopesOf('app_s1'), ['new:read', 'sim-swap', 'sim-swap:check'])
  assert.deepEqual(await contracts.scopesOf('app_unknown'), [])
})

test('the subscription of a sandbox application ends when the application is gone', async (t) => {
  const { platform, world, contracts, tell } = await testContracts(t)
  await tell('partner.registered', { partnerId: 'prt_1' })
  const [id = ''] = await contracts.subscriptionIds('sandbox', '')
  world.applications = world.applications.filter((app) => app.id !== 'app_s1')
  await tell('application.changed', { applicationId: 'app_s1', environment: 'sandbox' })
  assert.equal(await contracts.subscriptionEntry(id), undefined)
  assert.deepEqual(await contracts.scopesOf('app_s1'), [])
  assert.deepEqual((await emitted(platform, 'subscription.changed')).at(-1), {
    subscriptionId: id,
    environment: 'sandbox',
  })
})

test('production names everything that is missing, then opens once, however many ask at once', async (t) => {
  const { platform, world, contracts } = await testContracts(t)
  const call = await served(t, platform, contracts.routes)
  const owner = member('prt_1')
  const agreement = (await call(owner, 'GET', '/agreements')).body.items[0]
  const wanted = { planId: 'pln_paid', agreementId: agreement.id, timeZone: 'Europe/Berlin' }
  const early = await call(owner, 'POST', '/contracts', wanted)
  assert.equal(early.status, 409)
  assert.equal(early.body.code, 'INCOMPATIBLE_STATE')
  assert.match(early.body.message, /e-mail address.*must be verified; the agreement .* accepted/)
  assert.deepEqual(
    (await contracts.requirementsOf('prt_1')).map((one) => [one.id, one.done]),
    [
      ['email-verified', false],
      ['agreement-accepted', false],
      ['production-contract', false],
    ],
  )
  world.verified.add('prt_1')
  await call(owner, 'POST', `/agreements/${agreement.id}/acceptances`)
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => call(owner, 'POST', '/contracts', wanted)),
  )
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [
    201,
    ...Array.from({ length: 9 }, () => 409),
  ])
  const again = answers.find((answer) => answer.status === 409)
  assert.equal(again?.body.code, 'ALREADY_EXISTS')
  assert.ok((await contracts.requirementsOf('prt_1')).every((one) => one.done))
  const [id = ''] = await contracts.contractIds('production', '')
  const entry = await contracts.contractEntry(id)
  assert.equal(entry?.timeZone, 'Europe/Berlin')
  assert.deepEqual(entry?.rate, [{ limit: 50, windowSeconds: 1 }])
})

test('refuses a contract with every fault of the input at once', async (t) => {
  const { platform, contracts } = await testContracts(t)
  const call = await served(t, platform, contracts.routes)
  const bad = { planId: 'pln_gold', agreementId: 'agr_x', timeZone: '+02:00' }
  const answer = await call(member('prt_1'), 'POST', '/contracts', bad)
  assert.equal(answer.status, 400)
  assert.deepEqual(
    answer.body.violations.map((v: { path: string }) => v.path),
    ['/planId', '/agreementId', '/timeZone'],
  )
})

test('a plan that only the operator gives is not taken, and is given by a change of plan', async (t) => {
  const world = await testContracts(t)
  const call = await served(t, world.platform, world.contracts.routes)
  const owner = member('prt_1')
  world.world.verified.add('prt_1')
  const agreementId = (await call(owner, 'GET', '/agreements')).body.items[0].id
  await call(owner, 'POST', `/agreements/${agreementId}/acceptances`)
  const refused = await call(owner, 'POST', '/contracts', {
    planId: 'pln_enterprise',
    agreementId,
  })
  assert.equal(refused.status, 409)
  const contract = await openProduction(world, call, owner)
  const path = `/contracts/${contract.id}/plan`
  assert.equal((await call(staff('auditor'), 'POST', path, { planId: 'pln_free' })).status, 403)
  assert.equal((await call(staff(), 'POST', path, { planId: 'pln_none' })).status, 400)
  const changed = await call(staff(), 'POST', path, { planId: 'pln_enterprise' })
  assert.equal(changed.status, 200)
  assert.equal(changed.body.tier, 'enterprise')
  const changedTo = (await world.contracts.contractEntry(contract.id))?.planId ?? ''
  const entry = await world.contracts.planEntry(changedTo)
  assert.equal((await world.contracts.price(entry?.prices['*'] ?? ''))?.unit, '0.0120')
  assert.equal((await world.contracts.price(entry?.prices['*'] ?? ''))?.list, '0.0200')
})

test('an acceptance is evidence: one text, one person, written once and never changed', async (t) => {
  const { platform, contracts } = await testContracts(t)
  const call = await served(t, platform, contracts.routes)
  const { id, sha256, text } = (await call(member('prt_1'), 'GET', '/agreements')).body.items[0]
  assert.match(text, /^# Terms for production access/)
  const path = `/agreements/${id}/acceptances`
  assert.equal((await call(member('prt_1', 'developer'), 'POST', path, {})).status, 403)
  assert.equal((await call(member('prt_1'), 'POST', '/agreements/agr_x/acceptances')).status, 404)
  const wrong = await call(member('prt_1'), 'POST', path, { sha256: '0'.repeat(64) })
  assert.equal(wrong.status, 409)
  const first = await call(member('prt_1'), 'POST', path, { sha256 })
  assert.equal(first.status, 201)
  assert.equal(first.body.sha256, sha256)
  const second = await call(member('prt_1'), 'POST', path)
  assert.equal(second.status, 200)
  assert.deepEqual(second.body, first.body)
  assert.equal(
    (await emitted(platform, 'audit.action')).filter(
      (payload) => (payload as { action: string }).action === 'agreement.accepted',
    ).length,
    1,
  )
  const db = platform.database.as<unknown>()
  for (const statement of [
    `update contracts.acceptance set member_name = 'x'`,
    'delete from contracts.acceptance',
    `update contracts.agreement set text = 'x'`,
    `update contracts.price set unit = 0`,
    'truncate contracts.acceptance',
  ]) {
    await assert.rejects(sql.raw(statement).execute(db), /append-only/, statement)
  }
  await contracts.prepare()
  assert.equal((await call(member('prt_1'), 'GET', '/agreements')).body.items.length, 1)
})

test('a production application calls only the APIs that it subscribes to, while the contract lives', async (t) => {
  const world = await testContracts(t)
  const { contracts, platform } = world
  const call = await served(t, platform, contracts.routes)
  const owner = member('prt_1')
  const wanted = { applicationId: 'app_p1', apiId: 'sim-swap/v2' }
  const early = await call(owner, 'POST', '/subscriptions', wanted)
  assert.equal(early.status, 409)
  assert.match(early.body.message, /no active production contract/)
  const contract = await openProduction(world, call, owner, 'pln_free')
  assert.equal(
    (await call(member('prt_1', 'viewer'), 'POST', '/subscriptions', wanted)).status,
    403,
  )
  const created = await call(member('prt_1', 'developer'), 'POST', '/subscriptions', wanted)
  assert.equal(created.status, 201)
  assert.deepEqual(created.body.scopes, ['sim-swap', 'sim-swap:check'])
  assert.deepEqual(await contracts.scopesOf('app_p1'), ['sim-swap', 'sim-swap:check'])
  const cases: [object, number][] = [
    [wanted, 409],
    [{ applicationId: 'app_p1', apiId: 'otp/v1' }, 409],
    [{ applicationId: 'app_p1', apiId: '*' }, 400],
    [{ applicationId: 'app_p1', apiId: 'absent/v1' }, 404],
    [{ applicationId: 'app_p2', apiId: 'sim-swap/v2' }, 404],
    [{ applicationId: 'app_none', apiId: 'sim-swap/v2' }, 404],
    [{ applicationId: 'app_s1', apiId: 'sim-swap/v2' }, 409],
  ]
  for (const [body, status] of cases) {
    const answer = await call(owner, 'POST', '/subscriptions', body)
    assert.equal(answer.status, status, JSON.stringify([body, answer.body]))
  }
  const suspension = `/contracts/${contract.id}/suspension`
  const suspended = await call(staff(), 'POST', suspension, { reason: 'unpaid invoices' })
  assert.equal(suspended.status, 201)
  assert.equal(suspended.body.suspension.reason, 'unpaid invoices')
  assert.equal((await call(staff(), 'POST', suspension, { reason: 'again' })).status, 409)
  assert.deepEqual(await contracts.scopesOf('app_p1'), [])
  assert.equal((await contracts.contractEntry(contract.id))?.state, 'suspended')
  assert.equal((await call(staff(), 'DELETE', suspension)).status, 204)
  assert.equal((await call(staff(), 'DELETE', suspension)).status, 404)
  assert.equal((await contracts.scopesOf('app_p1')).length, 2)
  assert.equal((await call(owner, 'DELETE', `/subscriptions/${created.body.id}`)).status, 204)
  assert.equal((await call(owner, 'DELETE', `/subscriptions/${created.body.id}`)).status, 404)
  assert.deepEqual(await contracts.scopesOf('app_p1'), [])
  assert.equal((await call(owner, 'POST', '/subscriptions', wanted)).status, 201)
  assert.equal((await call(owner, 'DELETE', `/contracts/${contract.id}`)).status, 204)
  assert.equal((await call(owner, 'DELETE', `/contracts/${contract.id}`)).status, 409)
  assert.deepEqual(await contracts.scopesOf('app_p1'), [])
  assert.equal(await contracts.contractEntry(contract.id), undefined)
  assert.deepEqual(await contracts.subscriptionIds('production', ''), [])
})

test('what belongs to another partner answers exactly as what does not exist', async (t) => {
  const world = await testContracts(t)
  const { contracts, platform, tell } = world
  const call = await served(t, platform, contracts.routes)
  const owner = member('prt_1')
  const contract = await openProduction(world, call, owner)
  await tell('partner.registered', { partnerId: 'prt_1' })
  const subscription = await call(owner, 'POST', '/subscriptions', {
    applicationId: 'app_p1',
    apiId: 'sim-swap/v2',
  })
  const stranger = member('prt_2')
  for (const [method, mine, absent] of [
    ['GET', `/contracts/${contract.id}`, '/contracts/ctr_none'],
    ['DELETE', `/contracts/${contract.id}`, '/contracts/ctr_none'],
    ['GET', `/subscriptions/${subscription.body.id}`, '/subscriptions/sub_none'],
    ['DELETE', `/subscriptions/${subscription.body.id}`, '/subscriptions/sub_none'],
    ['GET', '/contracts?partnerId=prt_1', '/contracts?partnerId=prt_none'],
    ['GET', '/subscriptions?partnerId=prt_1', '/subscriptions?partnerId=prt_none'],
    ['GET', `/subscriptions?contractId=${contract.id}`, '/subscriptions?contractId=ctr_none'],
  ] as const) {
    const [theirs, nothing] = [
      await call(stranger, method, mine),
      await call(stranger, method, absent),
    ]
    assert.deepEqual([theirs.status, theirs.body], [nothing.status, nothing.body], mine)
  }
  assert.equal((await call(owner, 'GET', '/contracts')).body.pagination.totalCount, 2)
  assert.equal((await call(staff(), 'GET', '/contracts')).body.pagination.totalCount, 2)
  const sandbox = await call(staff(), 'GET', '/contracts?environment=sandbox&partnerId=prt_1')
  assert.equal(sandbox.body.items.length, 1)
  const kept = await call(owner, 'DELETE', `/contracts/${sandbox.body.items[0].id}`)
  assert.equal(kept.status, 409)
})

test('finds the scopes of one among 40 000 applications by index', async (t) => {
  const { platform } = await testContracts(t)
  const db = platform.database.as<unknown>()
  await sql`
    insert into contracts.contract (id, partner_id, environment, plan_id, state, time_zone, starts_at)
    select 'ctr_' || i, 'prt_' || i, 'sandbox', 'pln_free', 'active', 'UTC', now()
    from generate_series(1, 40000) i`.execute(db)
  await sql`
    insert into contracts.subscription
      (id, contract_id, partner_id, application_id, environment, api_id, state, created_at)
    select 'sub_' || i, 'ctr_' || i, 'prt_' || i, 'app_' || i, 'sandbox', '*', 'active', now()
    from generate_series(1, 40000) i`.execute(db)
  await sql`analyze contracts.contract`.execute(db)
  await sql`analyze contracts.subscription`.execute(db)
  const plan = await sql<{ 'QUERY PLAN': string }>`explain ${scopesQuery('app_777')}`.execute(db)
  const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n')
  assert.doesNotMatch(text, /Seq Scan on (contract|subscription)/, text)
})

test('a partner sees that its quota runs out, once for each part of it, and nobody else does', async (t) => {
  const world = await testContracts(t)
  const call = await served(t, world.platform, world.contracts.routes)
  await world.tell('partner.registered', { partnerId: 'prt_1' })
  const [contractId = ''] = await world.contracts.contractIds('sandbox', '')
  const warned = { contractId, environment: 'sandbox', period: '2026-03-01', limit: 10_000 }
  for (const percent of [80, 80, 100])
    await world.tell('quota.warned', {
      ...warned,
      percent,
      at: `2026-03-01T1${percent / 20}:00:00.000Z`,
    })
  const mine = await call(member('prt_1'), 'GET', `/contracts/${contractId}`)
  assert.deepEqual(mine.body.quotaWarnings, [
    { period: '2026-03-01', percent: 100, quota: 10_000, at: '2026-03-01T15:00:00.000Z' },
    { period: '2026-03-01', percent: 80, quota: 10_000, at: '2026-03-01T14:00:00.000Z' },
  ])
  assert.equal((await call(member('prt_2'), 'GET', `/contracts/${contractId}`)).status, 404)
})
