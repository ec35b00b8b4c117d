import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transaction } from 'kysely'
import { testDispatcher, testPlatform } from '#platform/testing'
import { partnersInUse } from './partners-in-use.ts'
import { wireControl } from './run-control.ts'

test('an organisation that nobody confirmed or uses ends with all that it called with; one that calls, or is bound, stays', async (t) => {
  const platform = await testPlatform(t)
  const control = wireControl(platform)
  t.after(() => control.catalog.close())
  await control.contracts.prepare()
  const { pool } = platform.database
  const passwordHash = await control.identity.hashPassword({
    password: 'violet harbour 58 lantern',
    email: 'ada@example.com',
  })
  for (const name of ['idle', 'calls', 'called', 'production', 'agreed']) {
    const partnerId = `prt_${name}`
    await pool.query(
      `insert into partners.partner (id, name, kind, state, created_at) values ($1, $1, 'organisation', 'active', now())`,
      [partnerId],
    )
    await pool.query(
      `insert into partners.application (id, partner_id, name, environment, client_id, state, created_at)
       values ('app_' || $1, 'prt_' || $1, $1, $2, 'client_' || $1, 'active', now())`,
      [name, name === 'production' ? 'production' : 'sandbox'],
    )
    await platform.database
      .as<unknown>()
      .transaction()
      .execute((trx: Transaction<unknown>) =>
        control.identity.createMember(trx, {
          memberId: `mem_${name}`,
          partnerId,
          name,
          email: 'ada@example.com',
          passwordHash,
          role: 'owner',
        }),
      )
  }
  await pool.query(`update identity.person set created_at = now() - interval '91 days'`)
  await pool.query(
    `insert into contracts.acceptance
       (agreement_id, partner_id, member_id, member_name, sha256, ip, user_agent, accepted_at)
     select id, 'prt_agreed', 'mem_agreed', 'agreed', sha256, '', '', now() from contracts.agreement`,
  )
  for (const [name, days] of [
    ['calls', 89],
    ['called', 91],
  ])
    await pool.query(
      `with meter as (insert into metering.meter
           (environment, partner_id, application_id, credential_id, contract_id, api_id, operation_id, method, price_id)
         values ('sandbox', 'prt_' || $1, 'app_' || $1, '', '', 'sim-swap/v2', 'check', 'POST', '') returning id)
       insert into metering.rollup select id, date_trunc('hour', now() - $2 * interval '1 day'), 200, 1, 1, 1 from meter`,
      [name, days],
    )
  testDispatcher(t, platform, [control.partners.subscriber])
  const ended = await control.identity.forgetUnconfirmed(partnersInUse(control))
  assert.equal(ended, 2)
  for (const name of ['idle', 'called']) await platform.outbox.settledAbout(`prt_${name}`, 30_000)
  const { rows } = await pool.query(
    `select id, state from partners.application where partner_id <> '' order by id`,
  )
  assert.deepEqual(
    rows.map(({ id, state }) => [id, state]),
    [
      ['app_agreed', 'active'],
      ['app_called', 'deleted'],
      ['app_calls', 'active'],
      ['app_idle', 'deleted'],
      ['app_production', 'active'],
    ],
  )
  const { rows: told } = await pool.query(
    `select key from platform.outbox where type = 'application.changed' order by key`,
  )
  assert.deepEqual(
    told.map(({ key }) => key),
    ['app_called', 'app_idle'],
  )
})
