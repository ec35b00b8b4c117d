import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testPlatform } from '#platform/testing'
import { type Artifacts, createArtifacts } from './artifacts.ts'
import { createAuthorization } from './create-authorization.ts'

type Made = Awaited<ReturnType<typeof testPlatform>>

async function artifacts(t: Parameters<typeof testPlatform>[0]) {
  let ahead = 0
  const clock = { now: () => new Date(Date.now() + ahead) }
  const platform: Made = { ...(await testPlatform(t)), clock }
  const { database, sealing, outbox } = platform
  const made: Artifacts = createArtifacts({
    ...{ environment: 'sandbox', database: database.as(), sealing, outbox, clock },
  })
  const count = async (): Promise<number> => {
    const { rows } = await database.pool.query<{ n: number }>(
      'select count(*)::int as n from "authorization".artifact',
    )
    return rows[0]?.n ?? -1
  }
  const at = (seconds: number): void => {
    ahead = seconds * 1_000
  }
  return { platform, made, count, at, sweep: () => createAuthorization(platform).maintain() }
}

test('what has expired is gone for its holder at once, and from the disk with the next sweep', async (t) => {
  const { made, count, at, sweep } = await artifacts(t)
  await made.put('AuthorizationCode', 'code', { grantId: 'g1' }, 60)
  await made.put('RefreshToken', 'refresh', { grantId: 'g1' }, 600)
  at(59)
  await sweep()
  assert.ok(await made.find('AuthorizationCode', 'code'))
  at(61)
  assert.equal(await made.find('AuthorizationCode', 'code'), undefined)
  assert.equal(await made.consume('AuthorizationCode', 'code'), false)
  assert.equal(await count(), 2)
  await sweep()
  assert.equal(await count(), 1)
  assert.ok(await made.find('RefreshToken', 'refresh'))
})

test('a used code is kept until it would have expired, so that its second use still ends the grant', async (t) => {
  const { made, at, sweep, count } = await artifacts(t)
  await made.put('AuthorizationCode', 'code', { grantId: 'g1' }, 60)
  assert.equal(await made.consume('AuthorizationCode', 'code'), true)
  at(58)
  await sweep()
  assert.ok((await made.find('AuthorizationCode', 'code'))?.consumedAt)
  at(61)
  await sweep()
  assert.equal(await count(), 0)
})

test('that a grant has ended is remembered for as long as its tokens could live', async (t) => {
  const { made, at, sweep, count } = await artifacts(t)
  await made.put('Grant', 'g1', {}, 86_400)
  await made.put('RefreshToken', 'refresh', { grantId: 'g1' }, 86_400)
  await made.endGrant('g1')
  const token = { jti: 'token', grantId: 'g1' }
  at(890)
  await sweep()
  assert.equal(await made.isRevoked(token), true)
  at(910)
  await sweep()
  assert.equal(await count(), 0)
})

test('sweeps at the same moment take everything that has expired between them, beyond one batch, and nothing else', async (t) => {
  const { platform, made, at, sweep, count } = await artifacts(t)
  await made.put('AuthorizationCode', 'live', { grantId: 'g1' }, 3_600)
  await platform.database.pool.query(
    `insert into "authorization".artifact
       (environment, model, id, grant_id, payload, created_at, expires_at)
     select 'sandbox', 'AuthorizationCode', 'a' || n, null, '', now(), now() + interval '1 minute'
     from generate_series(1, 25000) n`,
  )
  at(120)
  await Promise.all([sweep(), sweep(), sweep()])
  // What another sweep held at that moment is left to the next one.
  await sweep()
  assert.equal(await count(), 1)
  assert.ok(await made.find('AuthorizationCode', 'live'))
})
