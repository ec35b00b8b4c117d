import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { eventually } from '#journal/testing'
import { createDatabasePool } from '#platform/database'
import { testPlatform, testRoles } from '#platform/testing'
import { testRedis } from '#platform/testing-redis'
import { silent } from '../testing.ts'
import type { LimitStore, StoreQuestion, WindowAsk } from './limit-store.ts'
import { decodeAnswer, encodeQuestion } from './limit-wire.ts'
import { memoryLimitStore } from './memory-limit-store.ts'
import { postgresLimitStore } from './postgres-limit-store.ts'
import { limitScript } from './redis-limit-script.ts'
import { redisLimitStore } from './redis-limit-store.ts'

type Context = { after: (fn: () => Promise<void> | void) => void }

/** What a store decides is looked at here, on a machine that may be busy: not how soon it answers. */
const patient = { answerWithinMs: 10_000 }

const inPostgres = async (t: Context): Promise<LimitStore> => {
  const platform = await testPlatform(t)
  const urls = await testRoles(platform.database)
  const database = createDatabasePool(urls.gateway_sandbox, { applicationName: 'test', max: 4 })
  t.after(() => database.close())
  return postgresLimitStore(database, 'sandbox', patient)
}

const inRedis = async (t: Context): Promise<LimitStore> => {
  const redis = await testRedis(t)
  const store = redisLimitStore(redis.url, 'sandbox', silent, patient)
  t.after(() => store.stop())
  await eventually(() =>
    store.ask(question('nobody', { leaving: true })).then(
      () => true,
      () => false,
    ),
  )
  return store
}

const stores: readonly [string, (t: Context) => Promise<LimitStore>][] = [
  ['in memory', async () => memoryLimitStore(() => performance.now())],
  ['in PostgreSQL', inPostgres],
  ['in Redis', inRedis],
]

const question = (member: string, more: Partial<StoreQuestion> = {}): StoreQuestion => ({
  member,
  beat: false,
  release: false,
  leaving: false,
  epoch: '',
  windows: [],
  slots: [],
  ...more,
})

const ask = (key: string, more: Partial<WindowAsk> = {}): WindowAsk => ({
  key,
  windowMs: 60_000,
  limit: 10,
  leaseMs: 1_000,
  least: 1,
  want: 1,
  unused: [],
  used: [],
  ...more,
})

for (const [where, open] of stores) {
  test(`${where}: the first member is alone, a second waits until it is given up, then both share`, async (t) => {
    const store = await open(t)
    const first = await store.ask(question('a', { beat: true }))
    assert.deepEqual([first.standing, first.members, first.lostMs], ['alone', 1, undefined])
    assert.equal((await store.ask(question('b', { beat: true }))).standing, 'waiting')
    const windows = [ask('k', { want: 4 })]
    // What waits is given nothing, and what it tells is kept all the same.
    const told = [ask('k', { used: [{ ageMs: 5, amount: 2 }] })]
    const waiting = await store.ask(question('b', { windows: told }))
    assert.equal(waiting.windows[0]?.granted, 0)
    assert.equal((await store.ask(question('a', { beat: true }))).standing, 'shared')
    assert.equal((await store.ask(question('b', { beat: true }))).standing, 'waiting')
    const released = await store.ask(question('a', { beat: true, release: true, windows }))
    assert.equal(released.standing, 'shared')
    assert.deepEqual(
      released.windows.map(({ granted, left }) => [granted, left]),
      [[4, 4]],
    )
    const shared = await store.ask(question('b', { beat: true }))
    assert.deepEqual([shared.standing, shared.members], ['shared', 2])
  })

  test(`${where}: who leaves makes room at once, who is silent after its time, and the last one is alone`, async (t) => {
    const store = await open(t)
    await store.ask(question('a', { beat: true }))
    await store.ask(question('b', { beat: true }))
    await store.ask(question('a', { beat: true, release: true }))
    const leavesMs = performance.now()
    await store.ask(question('b', { leaving: true }))
    const alone = await store.ask(question('a', { beat: true }))
    assert.equal(alone.standing, 'alone')
    const goneMs = performance.now() - leavesMs
    assert.ok(alone.othersMs !== undefined && alone.othersMs < goneMs + 500)
    // A dead one is waited out.
    await eventually(
      async () => (await store.ask(question('c', { beat: true }))).standing === 'alone',
    )
  })

  test(`${where}: grants never pass the limit, whole or not at all below the least, and tell when there is more`, async (t) => {
    const store = await open(t)
    await store.ask(question('a', { beat: true }))
    const one = async (more: Partial<WindowAsk>) => {
      const { windows } = await store.ask(question('a', { windows: [ask('k', more)] }))
      return windows[0] ?? assert.fail()
    }
    const first = await one({ want: 7 })
    assert.deepEqual([first.granted, first.left, first.waitMs], [7, 3, 0])
    const none = await one({ want: 5, least: 4 })
    assert.deepEqual([none.granted, none.left], [0, 3])
    assert.ok(none.waitMs > 60_000 && none.waitMs <= 60_000 + 1_000 + 60_000 / 64)
    assert.deepEqual((await one({ want: 5, least: 3 })).granted, 3)
    assert.deepEqual((await one({ want: 5 })).granted, 0)
    const back = await one({ least: 0, want: 0, unused: [{ mark: first.mark, amount: 6 }] })
    assert.deepEqual([back.granted, back.left], [0, 6])
    assert.deepEqual((await one({ want: 50 })).granted, 6)
    // A larger limit is there at once; a smaller one takes nothing back.
    assert.deepEqual((await one({ want: 50, limit: 12 })).granted, 2)
    assert.deepEqual((await one({ want: 50, limit: 3 })).left, 0)
  })

  test(`${where}: a place is given back one window after its lease, at most a step later`, async (t) => {
    const store = await open(t)
    await store.ask(question('a', { beat: true }))
    const short = { windowMs: 200, leaseMs: 40, limit: 3 }
    const get = async (more: Partial<WindowAsk>) => {
      const { windows } = await store.ask(
        question('a', { windows: [ask('k', { ...short, ...more })] }),
      )
      return windows[0]?.granted
    }
    const askedMs = performance.now()
    assert.equal(await get({ want: 2 }), 2)
    const grantedMs = performance.now()
    // What was admitted without a lease leaves a window after it was admitted.
    assert.equal(await get({ least: 0, want: 0, used: [{ ageMs: 150, amount: 1 }] }), 0)
    await eventually(async () => (await get({ want: 1 })) === 1)
    await eventually(async () => (await get({ want: 2, least: 2 })) === 2)
    const tookMs = performance.now() - grantedMs
    assert.ok(performance.now() - askedMs >= 240 - 1, `only ${tookMs} ms`)
  })

  test(`${where}: slots are shared, those of a dead member come back, and what is under way stays`, async (t) => {
    const store = await open(t)
    const slot = (floor: number, want: number) => ({ key: 'c', limit: 5, floor, want })
    const hold = async (member: string, floor: number, want: number) =>
      (await store.ask(question(member, { beat: true, slots: [slot(floor, want)] }))).slots[0]
    await store.ask(question('a', { beat: true }))
    await store.ask(question('b', { beat: true }))
    await store.ask(question('a', { beat: true, release: true }))
    assert.equal(await hold('a', 0, 3), 3)
    assert.equal(await hold('b', 0, 4), 2)
    assert.equal(await hold('a', 1, 1), 1)
    assert.equal(await hold('b', 2, 4), 4)
    assert.equal(await hold('a', 3, 3), 3)
    await store.ask(question('b', { leaving: true }))
    assert.equal(await hold('a', 3, 9), 5)
    await eventually(async () => (await hold('c', 0, 9)) === 5)
  })

  test(`${where}: a gateway that has seen another state tells all that something was lost`, async (t) => {
    const store = await open(t)
    const { epoch } = await store.ask(question('a', { beat: true }))
    assert.equal((await store.ask(question('a', { beat: true, epoch }))).lostMs, undefined)
    const lost = await store.ask(question('a', { beat: true, epoch: randomUUID() }))
    assert.ok(lost.lostMs !== undefined && lost.lostMs < 10_000)
    assert.equal(lost.epoch, epoch)
    assert.notEqual((await store.ask(question('b', { beat: true }))).lostMs, undefined)
  })
}

test('slots are shared fairly in PostgreSQL and in Redis as the plain rules say, whoever asks and at whatever time', async (t) => {
  let nowMs = 1_700_000_000_000
  const memory = memoryLimitStore(() => nowMs)
  const platform = await testPlatform(t)
  const urls = await testRoles(platform.database)
  const database = createDatabasePool(urls.gateway_sandbox, { applicationName: 'test', max: 1 })
  t.after(() => database.close())
  const postgres = postgresLimitStore(database, 'sandbox', patient)
  const redis = await testRedis(t)
  const client = new Redis(redis.url) as Redis & {
    limits(prefix: string, question: string, epoch: string): Promise<string>
  }
  t.after(() => client.disconnect())
  // Both by the test's time: what they make of it is theirs.
  const timed = limitScript.replace(`redis.call('TIME')`, `redis.call('MGET', 's', 'us')`)
  assert.notEqual(timed, limitScript)
  client.defineCommand('limits', { numberOfKeys: 1, lua: timed })
  const setClock = async (ms: number): Promise<void> => {
    nowMs = ms
    await client.mset('s', Math.floor(ms / 1_000), 'us', (ms % 1_000) * 1_000)
    await platform.database.pool.query(
      `create or replace function gateway.limit_now() returns bigint language sql as 'select ${ms}'`,
    )
  }
  const all = async (asked: StoreQuestion): Promise<readonly number[]> => {
    const answers = [
      memory.answer(asked),
      await postgres.ask(asked),
      decodeAnswer(JSON.parse(await client.limits('{x}:', encodeQuestion(asked), 'epoch'))),
    ].map(({ standing, slots }) => ({ standing, slots }))
    assert.deepEqual(answers[1], answers[0], 'PostgreSQL')
    assert.deepEqual(answers[2], answers[0], 'Redis')
    return answers[0]?.slots ?? []
  }
  const members = ['a', 'b', 'c', 'd']
  const step = fc.record({
    member: fc.constantFrom(...members),
    afterMs: fc.constantFrom(0, 1, 20, 160),
    /** how many calls have ended or begun since, as far as that is allowed */
    calls: fc.integer({ min: -4, max: 4 }),
    more: fc.integer({ min: 0, max: 6 }),
    former: fc.constantFrom(false, false, false, true),
  })
  let run = 0
  let fewer = 0
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.array(step, { minLength: 8, maxLength: 16 }),
      async (limit, steps) => {
        run += 1
        await setClock(nowMs + 10_000)
        for (const member of members) await all(question(`${member}${run}`, { beat: true }))
        await all(question(`a${run}`, { beat: true, release: true }))
        const held = new Map<string, number>()
        const underWay = new Map<string, number>()
        const startMs = nowMs
        for (const { member, afterMs, calls, more, former } of steps) {
          // Within their membership.
          if (nowMs - startMs < 800) await setClock(nowMs + afterMs)
          const may = held.get(member) ?? 0
          const now = underWay.get(member) ?? 0
          const floor = Math.max(
            0,
            calls < 0 ? now + calls : Math.max(now, Math.min(may, now + calls)),
          )
          const want = floor + more
          const slots = [{ key: `${run}`, limit, floor, want, held: Math.min(may, want) }]
          const wire = former ? slots.map(({ held: _, ...rest }) => rest) : slots
          const [given = 0] = await all(question(`${member}${run}`, { slots: wire }))
          if (given < floor) fewer += 1
          if (former) assert.ok(given >= floor)
          held.set(member, given)
          underWay.set(member, floor)
          const used = members.map((name) => Math.max(held.get(name) ?? 0, underWay.get(name) ?? 0))
          assert.ok(used.reduce((sum, one) => sum + one, 0) <= limit)
        }
      },
    ),
    { numRuns: 40 },
  )
  assert.ok(fewer > 5, 'nobody was told to use fewer: nothing is proved')
})

test('PostgreSQL and Redis decide as the plain rules do, whatever is asked', async (t) => {
  const [postgres, redis] = [await inPostgres(t), await inRedis(t)]
  const asks = fc.record({
    key: fc.constantFrom('a', 'b'),
    want: fc.integer({ min: 0, max: 30 }),
    leastShare: fc.integer({ min: 0, max: 3 }),
    limit: fc.integer({ min: 1, max: 60 }),
    used: fc.array(
      fc.record({
        ageMs: fc.integer({ min: 0, max: 9_000_000 }),
        amount: fc.integer({ min: 1, max: 9 }),
      }),
      { maxLength: 3 },
    ),
    giveBack: fc.integer({ min: 0, max: 5 }),
  })
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(asks, { maxLength: 4 }), { maxLength: 12 }),
      async (questions) => {
        run += 1
        const memory = memoryLimitStore(() => performance.now())
        const all = [memory, postgres, redis]
        for (const store of all) await store.ask(question('m', { beat: true }))
        const granted = all.map(() => new Map<string, { mark: number; amount: number }>())
        for (const wanted of questions) {
          const answers = await Promise.all(
            all.map(async (store, i) => {
              const windows = wanted.map(({ key, want, leastShare, limit, used, giveBack }) => {
                // No more than was given with it: what else lies in the same step depends on the clock of the store.
                const last = granted[i]?.get(key)
                const amount = Math.min(giveBack, last?.amount ?? 0)
                const unused = last === undefined || amount === 0 ? [] : [{ ...last, amount }]
                if (last !== undefined) last.amount -= amount
                // Windows of two hours: nothing expires, so that the stores' clocks do not matter.
                const least = Math.min(want, leastShare)
                return ask(`${run} ${key}`, {
                  windowMs: 7_200_000,
                  limit,
                  want,
                  least,
                  used,
                  unused,
                })
              })
              const answer = await store.ask(question('m', { windows }))
              wanted.forEach(({ key }, at) => {
                const grant = answer.windows[at]
                if (grant !== undefined && grant.granted > 0)
                  granted[i]?.set(key, { mark: grant.mark, amount: grant.granted })
              })
              return answer.windows.map(({ granted, left, waitMs }) => [granted, left, waitMs > 0])
            }),
          )
          assert.deepEqual(answers[1], answers[0], 'PostgreSQL')
          assert.deepEqual(answers[2], answers[0], 'Redis')
        }
      },
    ),
    { numRuns: 60 },
  )
})
