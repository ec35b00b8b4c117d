import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testPlatform, testRoles } from '#platform/testing'
import { testRedis } from '#platform/testing-redis'
import { testUpstream } from '../testing.ts'
import type { ProcessSettings } from '../testing-process.ts'
import { cluster, type Member, started } from './testing-cluster.ts'

type Context = Parameters<typeof testUpstream>[0]

type Store = Pick<ProcessSettings, 'limits' | 'databaseUrl' | 'storesWithinMs'>

/** A store that answers late on a busy machine is no lost one here: what gateways do then, other tests tell. */
const storesWithinMs = 10_000

async function inPostgres(t: Context): Promise<Store> {
  const platform = await testPlatform(t)
  const urls = await testRoles(platform.database)
  return { limits: 'postgres', databaseUrl: urls.gateway_sandbox, storesWithinMs }
}

async function inRedis(t: Context): Promise<Store> {
  return { limits: (await testRedis(t)).url as `redis://${string}`, storesWithinMs }
}

const stores: readonly [string, (t: Context) => Promise<Store>][] = [
  ['PostgreSQL', inPostgres],
  ['Redis', inRedis],
]

/** The most calls that were answered well within one window. */
function mostIn(members: readonly Member[], windowMs: number): number {
  const times = members.flatMap((member) => member.admittedMs).sort((a, b) => a - b)
  let from = 0
  return times.reduce((most, ms, i) => {
    while ((times[from] ?? ms) <= ms - windowMs) from += 1
    return Math.max(most, i - from + 1)
  }, 0)
}

for (const [where, open] of stores) {
  test(`${where}: 4 gateways and 5 applications that hammer one rate are admitted exactly the limit`, async (t) => {
    const limit = 600
    const all = cluster(
      t,
      await open(t),
      { rate: [{ limit, windowSeconds: 60 }] },
      await testUpstream(t),
    )
    const members = await started(all, 4)
    const hammerFor = (ms: number) => {
      const endMs = performance.now() + ms
      return Promise.all(members.map((member) => member.hammer(8, endMs)))
    }
    // Well within the window, however busy the machine is: until all is used, and then on.
    const lastMs = performance.now() + 40_000
    while (all.admitted() < limit && performance.now() < lastMs) await hammerFor(300)
    await hammerFor(2_000)
    for (const { statuses, codes } of members) {
      assert.deepEqual([...statuses.keys()].sort(), [200, 429])
      assert.deepEqual([...codes.keys()], ['TOO_MANY_REQUESTS'])
    }
    assert.equal(all.admitted(), limit)
    assert.equal(all.upstream.requests.length, limit)
    assert.ok(members.every((member) => member.admitted > 0))
  })

  test(`${where}: a short window under constant load is never passed, and used up to the documented bound`, async (t) => {
    const limit = 100
    const windowMs = 1_000
    const all = cluster(
      t,
      await open(t),
      { rate: [{ limit, windowSeconds: 1 }] },
      await testUpstream(t),
    )
    const members = await started(all, 4)
    const startMs = performance.now()
    const lastMs = 6_000
    await Promise.all(members.map((member) => member.hammer(6, startMs + lastMs)))
    // Answers come later than admissions, and on a busy machine at very different times: half a window is sure.
    assert.ok(mostIn(members, windowMs / 2) <= limit)
    const windows = lastMs / (windowMs * (1 + 1 / 20 + 1 / 64) + 60)
    assert.ok(all.admitted() <= limit * (Math.floor(lastMs / windowMs) + 1))
    assert.ok(all.admitted() >= limit * Math.floor(windows), `${all.admitted()} in ${windows}`)
  })

  test(`${where}: gateways that join, stand still and are killed under load never admit more together`, async (t) => {
    const limit = 900
    const all = cluster(
      t,
      await open(t),
      { rate: [{ limit, windowSeconds: 120 }] },
      await testUpstream(t),
    )
    const first = await all.start()
    const endMs = performance.now() + 9_000
    const loads = [first.hammer(4, endMs)]
    const join = async (): Promise<Member> => {
      const member = await all.start()
      loads.push(member.hammer(4, endMs))
      return member
    }
    const second = await join()
    const third = await join()
    second.child.kill('SIGSTOP')
    const fourth = await join()
    await third.end('SIGKILL')
    second.child.kill('SIGCONT')
    await fourth.end('SIGTERM')
    await join()
    await Promise.all(loads)
    assert.ok(all.upstream.requests.length <= limit, `${all.upstream.requests.length}`)
    // What a killed one had leased is there again a window later only: a lease is a 20th of a window's calls at most.
    assert.ok(all.upstream.requests.length >= limit - limit / 10, `${all.upstream.requests.length}`)
  })

  test(`${where}: calls under way are never more than the contract allows, and a killed gateway's slots come back`, async (t) => {
    const concurrency = 6
    const upstream = await testUpstream(t)
    let underWay = 0
    let most = 0
    upstream.answer = (_request, response) => {
      underWay += 1
      most = Math.max(most, underWay)
      let over = false
      const end = (): void => {
        if (!over) underWay -= 1
        over = true
      }
      response.once('close', end)
      setTimeout(() => {
        end()
        response.setHeader('content-type', 'application/json')
        response.end('{"swapped":false}')
      }, 40)
    }
    const all = cluster(t, await open(t), { concurrency }, upstream)
    const members = await started(all, 3)
    const endMs = performance.now() + 6_000
    const loads = members.map((member) => member.hammer(6, endMs))
    setTimeout(() => members[2]?.child.kill('SIGKILL'), 1_500)
    await Promise.all(loads)
    assert.equal(most, concurrency)
    const kept = members.slice(0, 2)
    for (const { statuses } of kept) assert.deepEqual([...statuses.keys()].sort(), [200, 429])
    // In the last two seconds the two that are left have all slots: each is used nearly all of the time.
    const late = kept.flatMap((m) => m.admittedMs).filter((ms) => ms > endMs - 2_000).length
    assert.ok(late >= (concurrency * 2_000) / 40 / 2.5, `${late}`)
  })
}

test('4 gateways and 5 applications that hammer one quota are admitted exactly the quota', async (t) => {
  const limit = 1_000
  const terms = { quota: { limit, period: 'month' } } as const
  const all = cluster(t, await inPostgres(t), terms, await testUpstream(t))
  const members = await started(all, 4)
  // Until each has met the end: what one holds back for its next call, another cannot use.
  const ended = (member: Member): boolean => (member.codes.get('QUOTA_EXCEEDED') ?? 0) > 50
  await Promise.all(
    members.map(async (member) => {
      while (!ended(member)) await member.hammer(8, performance.now() + 300)
    }),
  )
  for (const { statuses, codes } of members) {
    assert.deepEqual([...statuses.keys()].sort(), [200, 429])
    assert.deepEqual([...codes.keys()], ['QUOTA_EXCEEDED'])
  }
  assert.equal(all.admitted(), limit)
  assert.equal(all.upstream.requests.length, limit)
  assert.ok(members.every((member) => member.admitted > 0))
})
