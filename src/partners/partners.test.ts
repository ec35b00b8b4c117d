import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { partnersUnderTest, person, staff } from './testing.ts'

test('however many are asked for at once, two secrets of an application live', async (t) => {
  const { call, newApplication } = await partnersUnderTest(t)
  const id = await newApplication('prt_1')
  const owner = person('prt_1')
  const answers = await Promise.all(
    Array.from({ length: 50 }, () =>
      call(owner, 'POST', `/applications/${id}/credentials`, { type: 'client_secret' }),
    ),
  )
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [
    201,
    ...Array.from({ length: 49 }, () => 409),
  ])
  const list = await call(owner, 'GET', `/applications/${id}/credentials`)
  assert.equal(list.body.pagination.totalCount, 2)
})

test('a partner has as many applications as the operator allows, however many it asks for at once', async (t) => {
  const { call } = await partnersUnderTest(t, { WAYLEAVE_APPLICATIONS_PER_PARTNER: '3' })
  const create = (partner: string) =>
    call(person(partner), 'POST', '/applications', { name: 'One', environment: 'sandbox' })
  const answers = await Promise.all(Array.from({ length: 9 }, () => create('prt_1')))
  const made = answers.filter(({ status }) => status === 201)
  const refused = answers.filter(({ status }) => status === 409)
  assert.deepEqual([made.length, refused.length], [3, 6])
  for (const { body } of refused) {
    assert.equal(body.code, 'INCOMPATIBLE_STATE')
    assert.match(body.message, /may have 3 applications/)
  }
  // Another partner has its own, and one that is deleted makes room.
  assert.equal((await create('prt_2')).status, 201)
  await call(person('prt_1'), 'DELETE', `/applications/${made[0]?.body.id}`)
  assert.equal((await create('prt_1')).status, 201)
  assert.equal((await create('prt_1')).status, 409)
})

test('who suspends a partner has a role for it', async (t) => {
  const { call } = await partnersUnderTest(t)
  const reason = { reason: 'unpaid' }
  const path = '/partners/prt_1/suspension'
  for (const role of ['engineer', 'auditor'] as const) {
    assert.equal((await call(staff(role), 'POST', path, reason)).status, 403)
    assert.equal((await call(staff(role), 'DELETE', path)).status, 403)
  }
  assert.equal((await call(staff('partner-success'), 'POST', path, reason)).body.state, 'suspended')
  assert.equal((await call(staff('administrator'), 'DELETE', path)).body.state, 'active')
})

test('why a partner was suspended is told to it, and stays in the audit trail when it goes on', async (t) => {
  const { call, db } = await partnersUnderTest(t)
  const path = '/partners/prt_1/suspension'
  const owner = person('prt_1')
  await call(staff('administrator'), 'POST', path, { reason: 'unpaid since March' })
  const told = await call(owner, 'GET', '/partners/prt_1')
  assert.equal(told.body.suspendedReason, 'unpaid since March')
  await call(staff('administrator'), 'DELETE', path)
  assert.equal((await call(owner, 'GET', '/partners/prt_1')).body.suspendedReason, undefined)
  const { rows } = await sql<{ action: string; reason: string | null }>`
    select payload->>'action' as action, payload->'detail'->>'reason' as reason from platform.outbox
    where payload->>'action' in ('partner.suspended', 'partner.resumed') order by position
  `.execute(db)
  assert.deepEqual(rows, [
    { action: 'partner.suspended', reason: 'unpaid since March' },
    { action: 'partner.resumed', reason: null },
  ])
})

test('a name of control characters, or of ones that hide or turn text, is refused, for a new application and for another name', async (t) => {
  const { call, newApplication } = await partnersUnderTest(t)
  const id = await newApplication('prt_1')
  for (const name of [
    '',
    '   ',
    'a\u0000b',
    '\u001b[2J',
    'x\ny',
    '\u0085',
    'x'.repeat(121),
    'App \u202egpj.exe',
    '\u3164',
  ]) {
    const made = { name, environment: 'sandbox' }
    assert.equal((await call(person('prt_1'), 'POST', '/applications', made)).status, 400)
    assert.equal(
      (await call(person('prt_1'), 'PATCH', `/applications/${id}`, { name })).status,
      400,
    )
  }
})

test('a list is paged by the database and shows another partner nothing', async (t) => {
  const { call, newApplication } = await partnersUnderTest(t)
  const ids = [
    await newApplication('prt_1'),
    await newApplication('prt_1'),
    await newApplication('prt_1'),
  ]
  const second = await call(person('prt_1'), 'GET', '/applications?page=2&perPage=2')
  assert.deepEqual(
    second.body.items.map((item: { id: string }) => item.id),
    ids.slice(2),
  )
  assert.equal(second.body.pagination.totalCount, 3)
  const foreign = await call(person('prt_2'), 'GET', '/applications?partnerId=prt_1')
  const absent = await call(person('prt_2'), 'GET', '/applications?partnerId=prt_none')
  assert.deepEqual(foreign, absent)
  assert.deepEqual(foreign.body.items, [])
})

test('an application that is held is not deleted until the transaction ends', async (t) => {
  const { partners, call, newApplication, db } = await partnersUnderTest(t)
  const id = await newApplication('prt_1')
  let deleted = false
  let deletion: Promise<unknown> | undefined
  await db.transaction().execute(async (trx) => {
    assert.equal((await partners.holdApplication(trx, id))?.id, id)
    deletion = call(person('prt_1'), 'DELETE', `/applications/${id}`).then(() => {
      deleted = true
    })
    // Other work goes on meanwhile, so the deletion had its chance.
    await newApplication('prt_2')
    assert.equal(deleted, false)
  })
  await deletion
  assert.equal(
    await db.transaction().execute((trx) => partners.holdApplication(trx, id)),
    undefined,
  )
})
