import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAudit, createExchangeLog } from '#audit'
import { systemClock } from '#platform/clock'
import { openKeys } from '#platform/keys/open-keys'
import { resealValues } from '#platform/keys/reseal'
import { rotateDataKey } from '#platform/keys/rotate-data-key'
import { asRole, ownInstallation, testPlatform } from '#platform/testing'
import { sealedColumns } from './sealed-columns.ts'

test('what is personal in evidence opens after a rotation, with keys of subscribers that were wrapped anew', async (t) => {
  const platform = await testPlatform(t)
  const { config, database } = platform
  // Who seals anew is control, whose role has no other right to these columns.
  const control = await asRole(t, platform, 'control')
  await ownInstallation(database)
  const keys = await openKeys({ config, database, clock: systemClock, create: true })
  const own = { ...platform, sealing: keys.sealing }
  const log = createExchangeLog(own)
  const prepared = await log.prepare(
    { environment: 'production', gatewayId: 'g', boot: 'b', sequence: 0, sha256: '0'.repeat(64) },
    [
      {
        ...{ id: 'exc_1', at: Date.now(), environment: 'production', method: 'POST', status: 200 },
        ...{ requestBytes: 1, responseBytes: 1, units: 1, subject: 'pseudonym' },
      },
    ],
  )
  assert.ok(prepared)
  await database
    .as()
    .transaction()
    .execute(async (trx) => {
      await log.write(trx, prepared)
      await log.append(trx, prepared)
    })
  const wrapped = async () =>
    (await database.pool.query<{ wrapped_key: string }>('select wrapped_key from audit.subject'))
      .rows[0]?.wrapped_key
  const before = await wrapped()
  const use = {
    database: control.database,
    keys,
    clock: systemClock,
    record: async () => undefined,
  }
  await rotateDataKey(use, { settleMs: 0 })
  const { left } = await resealValues(use, sealedColumns, { settleMs: 0 })
  assert.equal(left, 0)
  assert.notEqual(await wrapped(), before)
  const found = await createAudit(own).exchangeEvidence('exc_1')
  assert.ok(found?.personal !== undefined && found.personal !== 'erased')
  assert.equal(found.personal.values, '{"subject":"pseudonym"}')

  const now = (await wrapped()) ?? ''
  for (const value of ['x', '', now.slice(0, -8), `${now.slice(0, -2)}AA`, now])
    await assert.rejects(
      control.database.pool.query('update audit.subject set wrapped_key = $1', [value]),
      /audit\.subject\.wrapped_key is only sealed anew/,
      value,
    )
  assert.equal(await wrapped(), now)
})
