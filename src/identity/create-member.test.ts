import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { createAttempts } from '#platform/attempts'
import { testPlatform } from '#platform/testing'
import { createIdentity } from './create-identity.ts'

test('a known e-mail address is refused without an error in PostgreSQL, whose log would show the address', async (t) => {
  const platform = await testPlatform(t)
  const identity = createIdentity(platform, {
    attempts: createAttempts(platform.database),
    mail: { send: async () => undefined },
  })
  const member = {
    partnerId: 'prt_1',
    name: 'Ada',
    email: 'ada@example.com',
    passwordHash: 'x',
    role: 'owner' as const,
  }
  const db = platform.database.as<unknown>()
  await db
    .transaction()
    .execute((trx) => identity.createMember(trx, { ...member, memberId: 'mem_1' }))
  await db.transaction().execute(async (trx) => {
    await assert.rejects(
      identity.createMember(trx, { ...member, memberId: 'mem_2', email: 'ADA@example.com' }),
      { code: 'ALREADY_EXISTS' },
    )
    // A transaction in which a statement failed would refuse everything that follows.
    assert.equal((await sql`select 1`.execute(trx)).rows.length, 1)
  })
})
