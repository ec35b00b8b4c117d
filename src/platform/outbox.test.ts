import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transaction } from 'kysely'
import { sql } from 'kysely'
import { createOutbox, type OutboxEvent, type Subscriber, startDispatcher } from './outbox.ts'
import { testPlatform } from './testing.ts'

type Platform = Awaited<ReturnType<typeof testPlatform>>

async function setUp(
  t: Parameters<typeof testPlatform>[0],
  subscriptions: Record<string, string[]>,
) {
  const platform = await testPlatform(t)
  const outbox = createOutbox({ ...platform, subscriptions })
  const emit = (type: string, key: string, cause?: OutboxEvent): Promise<string> =>
    platform.database
      .as()
      .transaction()
      .execute((trx) =>
        outbox.emit(trx, {
          type,
          key,
          payload: { key },
          ...(cause === undefined ? {} : { cause }),
        }),
      )
  return { platform, outbox, emit }
}

const run = (
  t: { after: (fn: () => Promise<void>) => void },
  platform: Platform,
  subscribers: Subscriber[],
): void => {
  const dispatcher = startDispatcher({
    database: platform.database,
    subscribers,
    log: platform.log,
    pollMs: 50,
  })
  t.after(() => dispatcher.stop())
}

test('each subscriber of a type gets an event once, in order', async (t) => {
  const { platform, outbox, emit } = await setUp(t, { a: ['x'], b: ['x', 'y'] })
  const seen: Record<'a' | 'b', string[]> = { a: [], b: [] }
  const subscriber = (name: 'a' | 'b', types: string[]): Subscriber => ({
    name,
    types,
    handle: async (_trx, event) => {
      seen[name].push(event.key)
    },
  })
  run(t, platform, [subscriber('a', ['x']), subscriber('b', ['x', 'y'])])
  // A second process that delivers the same subscribers must not deliver anything twice.
  run(t, platform, [subscriber('a', ['x']), subscriber('b', ['x', 'y'])])
  const roots: string[] = []
  for (let i = 0; i < 30; i += 1) roots.push(await emit(i % 3 === 0 ? 'y' : 'x', String(i)))
  assert.equal(await outbox.settled(roots, 30_000), true)
  const all = Array.from({ length: 30 }, (_, i) => String(i))
  assert.deepEqual(seen.b, all)
  assert.deepEqual(
    seen.a,
    all.filter((key) => Number(key) % 3 !== 0),
  )
})

test('an event of a transaction that is rolled back never happens', async (t) => {
  const { platform, outbox } = await setUp(t, { a: ['x'] })
  await assert.rejects(
    platform.database
      .as()
      .transaction()
      .execute(async (trx) => {
        await outbox.emit(trx, { type: 'x', key: 'lost', payload: {} })
        throw new Error('changed my mind')
      }),
    /changed my mind/,
  )
  const { rows } = await sql<{ count: number }>`select count(*) from platform.outbox`.execute(
    platform.database.as(),
  )
  assert.equal(rows[0]?.count, 0)
})

test('what a failing reaction wrote is undone, the reaction is tried again, and others are not held up', async (t) => {
  const { platform, outbox, emit } = await setUp(t, { a: ['x'] })
  await sql`create table platform.mark (key text primary key)`.execute(platform.database.as())
  let failures = 0
  run(t, platform, [
    {
      name: 'a',
      types: ['x'],
      async handle(trx, event) {
        await sql`insert into platform.mark (key) values (${event.key})`.execute(trx)
        if (event.key === 'stubborn' && failures < 2) {
          failures += 1
          throw new Error('not yet')
        }
      },
    },
  ])
  const stubborn = await emit('x', 'stubborn')
  assert.equal(await outbox.settled([await emit('x', 'easy')], 30_000), true)
  assert.equal(await outbox.settled([stubborn], 30_000), true)
  const { rows } = await sql<{ key: string }>`select key from platform.mark order by key`.execute(
    platform.database.as(),
  )
  assert.deepEqual(
    rows.map((row) => row.key),
    ['easy', 'stubborn'],
  )
  assert.equal(failures, 2)
})

test('settled waits for what an event caused, too, and tells when that takes too long', async (t) => {
  const { platform, outbox, emit } = await setUp(t, { a: ['x'], b: ['y'] })
  const gate = Promise.withResolvers<void>()
  run(t, platform, [
    {
      name: 'a',
      types: ['x'],
      async handle(trx, event) {
        await outbox.emit(trx as Transaction<unknown>, {
          type: 'y',
          key: 'caused',
          payload: {},
          cause: event,
        })
      },
    },
    { name: 'b', types: ['y'], handle: () => gate.promise },
  ])
  const root = await emit('x', 'cause')
  assert.equal(await outbox.settled([root], 200), false)
  gate.resolve()
  assert.equal(await outbox.settled([root], 30_000), true)
})

test('an event is told at once to whom it is owed, without waiting for the next look', async (t) => {
  const { platform, outbox, emit } = await setUp(t, { a: ['x', 'y'], b: ['y'] })
  const seen: string[] = []
  const subscribers = ['a', 'b'].map((name) => ({
    name,
    types: name === 'a' ? ['x', 'y'] : ['y'],
    handle: async (_trx: unknown, event: OutboxEvent) => void seen.push(`${name} ${event.key}`),
  }))
  const { database, log } = platform
  const dispatcher = startDispatcher({ database, subscribers, log, pollMs: 60_000 })
  t.after(() => dispatcher.stop())
  // The first look, and the one after the listener came, are over once this was delivered.
  assert.equal(await outbox.settled([await emit('y', '1')], 30_000), true)
  for (const key of ['2', '3']) {
    assert.equal(await outbox.settled([await emit('x', key)], 30_000), true)
    assert.equal(await outbox.settled([await emit('y', `${key}y`)], 30_000), true)
  }
  assert.deepEqual(seen.toSorted(), ['a 1', 'a 2', 'a 2y', 'a 3', 'a 3y', 'b 1', 'b 2y', 'b 3y'])
})
