import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAttempts, forgetOldAttempts } from './attempts.ts'
import { testDatabase } from './testing.ts'

const limit = { name: 'tries', limit: 3, windowSeconds: 900 }

test('of fifty simultaneous attempts just as many pass as the limit says', async (t) => {
  const attempts = createAttempts(await testDatabase(t))
  const tries = Array.from({ length: 50 }, () => attempts.take(limit, 'eve'))
  const passed = (await Promise.allSettled(tries)).filter(({ status }) => status === 'fulfilled')
  assert.equal(passed.length, 3)
})

test('a window begins with its first attempt, is told by Retry-After, and then begins anew', async (t) => {
  const database = await testDatabase(t)
  const attempts = createAttempts(database)
  for (let i = 0; i < 3; i += 1) await attempts.take(limit, 'eve')
  await attempts.take(limit, 'ada')
  const refused = await attempts.take(limit, 'eve').then(undefined, (error: unknown) => error)
  const seconds = Number(Object(Object(refused).headers)['retry-after'])
  assert.ok(seconds > 890 && seconds <= 900, String(seconds))
  await attempts.giveBack(limit, 'eve')
  await attempts.giveBack(limit, 'eve')
  await attempts.take(limit, 'eve')
  // As if the window had begun a quarter of an hour ago.
  await database.pool.query(`update platform.attempt_count set ends_at = now()`)
  for (let i = 0; i < 3; i += 1) await attempts.take(limit, 'eve')
  await assert.rejects(attempts.take(limit, 'eve'), { code: 'TOO_MANY_REQUESTS' })
  await forgetOldAttempts(database)
  const { rows } = await database.pool.query('select key from platform.attempt_count')
  assert.deepEqual(rows, [{ key: 'tries:eve' }])
})
