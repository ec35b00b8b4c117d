import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { testPlatform, testRoles } from '#platform/testing'
import { machineClock } from '#platform/testing-clock'
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
    const now = await machineClock()
    const clients = 6
    const lastMs = 6_000
    const least = limit * Math.floor(lastMs / (windowMs * (1 + 1 / 20 + 1 / 64) + 60))
    // A machine that stood still meanwhile has used up less: then once more.
    for (let turn = 1, used = 0; used < least; turn += 1) {
      const [startMs, startedAt, before] = [performance.now(), now(), all.admitted()]
      await Promise.all(members.map((member) => member.hammer(clients, startMs + lastMs)))
      used = all.admitted() - before
      // Answers come later than admissions, and on a busy machine at very different times: half a window is sure. What was
      // under way when the machine stood still comes together with what was admitted afterwards.
      const stoodStillMs = performance.now() - startMs - (now() - startedAt)
      const late = stoodStillMs > 100 ? clients * members.length : 0
      assert.ok(mostIn(members, windowMs / 2) <= limit + late, `${stoodStillMs} ms`)
      const windows = Math.floor((performance.now() - startMs) / windowMs) + 1
      assert.ok(used <= limit * windows, `${used} in ${windows}`)
      assert.ok(used >= least || turn < 3, `${used} of ${least}`)
    }
  })

  test(`${where}: gateways that join, stand still and are killed under load never admit more together`, async (t) => {
    const limit = 900
    const all = cluster(
      t,
      await open(t),
      { rate: [{ limit, windowSeconds: 120 }] },
      await testUpstream(t),
    )
    // What a killed one had leased is there again a window later only: a lease is a 20th of a window's calls at most.
    const least = limit - limit / 10
    const lastMs = performance.now() + 80_000
    let changing = true
    // Within one window, however busy the machine is: until all is used, and then on.
    const hammer = async (member: Member): Promise<void> => {
      const goesOn = () => changing || all.upstream.requests.length < least
      while (goesOn() && !member.gone() && performance.now() < lastMs)
        await member.hammer(4, performance.now() + 300)
      await member.hammer(4, performance.now() + 2_000)
    }
    const first = await all.start()
    const loads = [hammer(first)]
    const join = async (): Promise<Member> => {
      const member = await all.start()
      loads.push(hammer(member))
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
    changing = false
    await Promise.all(loads)
    assert.ok(all.upstream.requests.length <= limit, `${all.upstream.requests.length}`)
    assert.ok(all.upstream.requests.length >= least, `${all.upstream.requests.length}`)
  })

  test(`${where}: calls under way are never more than the contract allows, and a killed gateway's slots come back`, async (t) => {
    const concurrency = 6
    const upstream = await testUpstream(t)
    let underWay = 0
    let most = 0
    let mostSince = 0
    upstream.answer = (_request, response) => {
      underWay += 1
      most = Math.max(most, underWay)
      mostSince = Math.max(mostSince, underWay)
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
    const kept = members.slice(0, 2)
    const lastMs = performance.now() + 60_000
    let goesOn = true
    const loads = members.map(async (member) => {
      while (goesOn && !member.gone()) await member.hammer(6, performance.now() + 300)
    })
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds() && performance.now() < lastMs) await delay(50)
    }
    await until(() => most >= concurrency && members.every((member) => member.admitted >= 20))
    await members[2]?.end('SIGKILL')
    // Its calls have ended with it by then, also where the upstream hears of it late.
    await delay(500)
    mostSince = 0
    await until(() => mostSince >= concurrency)
    // Two that have all slots use them again and again, and never one more.
    const before = all.upstream.requests.length
    await until(() => all.upstream.requests.length >= before + 100)
    goesOn = false
    await Promise.all(loads)
    assert.equal(most, concurrency)
    assert.equal(mostSince, concurrency, 'the slots of the killed one came back')
    for (const { statuses } of kept) assert.deepEqual([...statuses.keys()].sort(), [200, 429])
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
