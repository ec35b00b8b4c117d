import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as passes } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { eventually } from '#journal/testing'
import { machineClock } from '#platform/testing-clock'
import { testRedis } from '#platform/testing-redis'
import { silent } from '../testing.ts'
import { LimitNode } from './limit-node.ts'
import { redisLimitStore } from './redis-limit-store.ts'

const processes = 6

test('a Redis that stands still for seconds counts each process once again soon after it goes on', async (t) => {
  const now = await machineClock()
  const [wallMs, startedMs] = [performance.now(), now()]
  const redis = await testRedis(t)
  const client = new Redis(redis.url)
  t.after(() => client.disconnect())
  const nodes = Array.from({ length: processes }, (_, n) => {
    const store = redisLimitStore(redis.url, 'sandbox', silent)
    const monotonicMs = (): number => performance.now()
    const node = new LimitNode({ store, member: `p${n}`, log: silent, monotonicMs })
    t.after(() => node.stop())
    return node
  })
  await Promise.all(nodes.map((node) => node.start()))
  const all = (): boolean =>
    nodes.every(({ mode, members }) => mode === 'shared' && members === processes)
  await eventually(all)
  for (let stall = 1; stall <= 2; stall += 1) {
    redis.signal('SIGSTOP')
    // The stall itself: longer than a membership lives.
    await passes(4_000)
    for (const { mode, members } of nodes) {
      assert.equal(mode, 'local')
      assert.equal(members, processes)
    }
    redis.signal('SIGCONT')
    await eventually(all)
    const names = await client.zcard('{wayleave:sandbox}:members')
    // For each second that the machine itself stood still they may have been given up once more.
    const more = Math.floor((performance.now() - wallMs - (now() - startedMs)) / 1_000)
    assert.ok(names <= processes * (1 + stall + more), `${names} names of ${processes} processes`)
  }
})
