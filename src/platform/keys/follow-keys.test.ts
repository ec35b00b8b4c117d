import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { manualClock } from '../clock.ts'
import { testPlatform } from '../testing.ts'
import { followKeys } from './follow-keys.ts'
import { type InstallationKeys, openKeys } from './open-keys.ts'
import { rotateDataKey } from './rotate-data-key.ts'

const day = 86_400_000

async function twoProcesses(t: TestContext, times: { pollMs: number; firstMs: number }) {
  const { config, database, log } = await testPlatform(t)
  const clock = manualClock('2026-01-01T00:00:00Z')
  const open = () => openKeys({ config, database, clock, create: true })
  const one = await open()
  const other = await open()
  const follower = followKeys({ keys: other, url: database.url, log, ...times })
  t.after(() => follower.stop())
  const rotate = async (): Promise<void> => {
    clock.advance(day)
    const record = () => Promise.resolve()
    assert.equal((await rotateDataKey({ database, keys: one, clock, record })).rotated, true)
  }
  return { database, one, other, rotate }
}

const opens = ({ sealing }: InstallationKeys, sealed: string): boolean => {
  try {
    return sealing.open(sealed, 'place') === 'text'
  } catch {
    return false
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 10) {
    assert.ok(waited < 30_000, 'it did not happen in time')
    await delay(10)
  }
}

test('a process that hears of nothing reads a key that it does not know when a value names it', async (t) => {
  const { one, other, rotate } = await twoProcesses(t, { pollMs: day, firstMs: day })
  await rotate()
  assert.ok(opens(other, one.sealing.seal('text', 'place')), 'the next key is known ahead')
  await rotate()
  const sealed = one.sealing.seal('text', 'place')
  assert.equal(opens(other, sealed), false)
  await until(() => opens(other, sealed))
})

test('a notification brings a new key at once, also after the connection was lost', async (t) => {
  const { database, one, other, rotate } = await twoProcesses(t, { pollMs: day, firstMs: 0 })
  const listening = async (): Promise<number> =>
    (
      await database.pool.query(
        `select 1 from pg_stat_activity where application_name = 'wayleave data keys'
          and datname = current_database() and query ilike 'listen%' and state = 'idle'`,
      )
    ).rowCount ?? 0
  await until(async () => (await listening()) === 1)
  const idOf = ({ ring }: InstallationKeys): string => {
    const current = ring.current()
    return current === 'v1' ? current : current.id
  }
  await rotate()
  await until(() => idOf(other) === idOf(one))
  await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'wayleave data keys' and datname = current_database()`,
  )
  await rotate()
  await rotate()
  await until(() => idOf(other) === idOf(one))
  assert.ok(opens(other, one.sealing.seal('text', 'place')))
})

test('a lost notification is made up for by the poll', async (t) => {
  const { one, other, rotate } = await twoProcesses(t, { pollMs: 50, firstMs: day })
  await rotate()
  await rotate()
  const known = one.ring.current()
  assert.ok(known !== 'v1')
  await until(() => other.ring.knows(known.id))
})
