import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import type { Clock } from './clock.ts'
import type { DatabasePool } from './database.ts'
import type { NewId } from './ids.ts'
import { listen } from './listen.ts'
import type { Log } from './log.ts'

/**
 * Something that happened in a module, told to others after the change is committed.
 * `key` names the thing it is about; `rootId` the first event of a chain of reactions.
 * @public
 */
export type OutboxEvent = {
  id: string
  type: string
  key: string
  rootId: string
  payload: unknown
  occurredAt: Date
}

/**
 * A reaction of one module to events of others. It runs in a transaction that also takes the event off its list, so
 * it happens exactly once as far as that database can see. Events of one subscriber come in order, one at a time;
 * one that fails is tried again later and does not hold up the others.
 * @public
 */
export type Subscriber = {
  name: string
  types: readonly string[]
  /**
   * Called with the events that are next, before anything is locked for them: what they need from elsewhere is got here,
   * for in `handle` others may wait for this transaction with every connection that there is. A fault in it is none of theirs.
   */
  prepare?(events: readonly OutboxEvent[]): Promise<void>
  handle(trx: Transaction<unknown>, event: OutboxEvent): Promise<void>
}

/**
 * A reaction that is a part of what happened: in its transaction, in whichever process that is.
 * @public
 */
export type ReactionAtOnce = (trx: Transaction<unknown>, event: OutboxEvent) => Promise<void>

/** @public */
export interface Outbox {
  /**
   * Writes an event in the caller's transaction.
   * @returns the id of the root of its chain, to wait for with `settled`
   */
  emit<T>(
    trx: Transaction<T>,
    event: { type: string; key: string; payload: unknown; cause?: OutboxEvent },
  ): Promise<string>
  /** Resolves to true once every reaction to these roots, and to what they caused, is done; false on time-out. */
  settled(rootIds: readonly string[], timeoutMs: number): Promise<boolean>
  /** The same for every event so far about this thing. */
  settledAbout(key: string, timeoutMs: number): Promise<boolean>
}

type OutboxTables = {
  'platform.outbox': {
    position: number
    id: string
    type: string
    key: string
    root_id: string
    payload: unknown
    occurred_at: Date
  }
  'platform.delivery': {
    event_id: string
    subscriber: string
    position: number
    root_id: string
    attempts: number
    next_attempt_at: Date
    last_error: string | null
  }
}

const channel = 'wayleave_outbox'
const batchSize = 50

/**
 * The writing side. `subscriptions` says who is owed which event type: it must be the same in every process that
 * emits, so it is one constant table of the composition.
 * @public
 */
export function createOutbox(options: {
  database: DatabasePool
  subscriptions: Readonly<Record<string, readonly string[]>>
  atOnce?: ReactionAtOnce
  newId: NewId
  clock: Clock
}): Outbox {
  const { subscriptions, atOnce, newId, clock } = options
  const db = options.database.as<OutboxTables>()
  const owed = (type: string): string[] =>
    Object.entries(subscriptions)
      .filter(([, types]) => types.includes(type))
      .map(([name]) => name)

  return {
    async emit(trx, event) {
      const id = newId('event')
      const rootId = event.cause?.rootId ?? id
      const occurredAt = clock.now()
      const subscribers = owed(event.type)
      await sql`
        with event as (
          insert into platform.outbox (id, type, key, root_id, payload, occurred_at)
          values (${id}, ${event.type}, ${event.key}, ${rootId}, ${JSON.stringify(event.payload)}::jsonb, ${occurredAt})
          returning id, position, root_id
        )
        insert into platform.delivery (event_id, subscriber, position, root_id)
        select event.id, owed.name, event.position, event.root_id
        from event, unnest(${subscribers}::text[]) as owed (name)`.execute(trx)
      if (subscribers.length > 0)
        await sql`select pg_notify(${channel}, ${event.type})`.execute(trx)
      const { type, key, payload } = event
      await atOnce?.(trx as unknown as Transaction<unknown>, {
        id,
        type,
        key,
        rootId,
        payload,
        occurredAt,
      })
      return rootId
    },
    settled: (rootIds, timeoutMs) =>
      untilNone(timeoutMs, () =>
        db
          .selectFrom('platform.delivery')
          .select('event_id')
          .where('root_id', 'in', [...rootIds])
          .limit(1)
          .executeTakeFirst(),
      ),
    settledAbout: (key, timeoutMs) =>
      untilNone(timeoutMs, () =>
        db
          .selectFrom('platform.delivery as d')
          .innerJoin('platform.outbox as o', 'o.root_id', 'd.root_id')
          .select('d.event_id')
          .where('o.key', '=', key)
          .limit(1)
          .executeTakeFirst(),
      ),
  }
}

async function untilNone(timeoutMs: number, find: () => Promise<unknown>): Promise<boolean> {
  const until = performance.now() + timeoutMs
  for (;;) {
    if ((await find()) === undefined) return true
    if (performance.now() >= until) return false
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}

/**
 * The delivering side, in the control process. Any number may run: a subscriber is served by one at a time.
 * @public
 */
export function startDispatcher(options: {
  database: DatabasePool
  subscribers: readonly Subscriber[]
  log: Log
  pollMs?: number
}): { stop(): Promise<void> } {
  const { subscribers, log } = options
  const db = options.database.as<OutboxTables>()
  let stopping = false
  const wakes = new Map<() => void, readonly string[]>()
  const wakeAll = (): void => {
    for (const wake of wakes.keys()) wake()
  }
  /** Only who is owed it looks: of a dozen subscribers each would ask the database for every event otherwise. */
  const wakeFor = (type: string | undefined): void => {
    for (const [wake, types] of wakes)
      if (type === undefined || type === '' || types.includes(type)) wake()
  }
  const listener = listen({
    url: options.database.url,
    channel,
    applicationName: 'wayleave outbox',
    onSignal: wakeFor,
    onError: (error) => log.warn({ reason: error.message }, 'outbox connection lost'),
  })
  const loops = subscribers.map(async (subscriber) => {
    while (!stopping) {
      let delivered = 0
      // Made before reading, so that a signal that comes while reading is not missed.
      const signal = Promise.withResolvers<void>()
      wakes.set(signal.resolve, subscriber.types)
      try {
        delivered = await deliverBatch(db, subscriber, log)
      } catch (error) {
        log.warn({ subscriber: subscriber.name, reason: reasonOf(error) }, 'delivery postponed')
      }
      if (delivered === 0 && !stopping) {
        const timer = setTimeout(signal.resolve, options.pollMs ?? 1_000)
        await signal.promise
        clearTimeout(timer)
      }
      wakes.delete(signal.resolve)
    }
  })
  return {
    async stop() {
      stopping = true
      wakeAll()
      await listener.stop()
      await Promise.all(loops)
    },
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

/** @returns how many deliveries were tried */
async function deliverBatch(
  db: Kysely<OutboxTables>,
  subscriber: Subscriber,
  log: Log,
): Promise<number> {
  return await db.transaction().execute(async (trx) => {
    const lock = await sql<{ held: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${`wayleave.outbox.${subscriber.name}`}, 0)) as held`.execute(
      trx,
    )
    if (lock.rows[0]?.held !== true) return 0
    const due = await trx
      .selectFrom('platform.delivery as d')
      .innerJoin('platform.outbox as o', 'o.id', 'd.event_id')
      .selectAll('o')
      .select('d.attempts')
      .where('d.subscriber', '=', subscriber.name)
      .where('d.next_attempt_at', '<=', sql<Date>`clock_timestamp()`)
      .orderBy('d.position')
      .limit(batchSize)
      .execute()
    await subscriber.prepare?.(due.map(eventOf)).catch((error: unknown) => {
      log.warn({ subscriber: subscriber.name, reason: reasonOf(error) }, 'events come unprepared')
    })
    for (const row of due) await deliver(trx, subscriber, row, log)
    return due.length
  })
}

const eventOf = (row: Selectable<OutboxTables['platform.outbox']>): OutboxEvent => ({
  id: row.id,
  type: row.type,
  key: row.key,
  rootId: row.root_id,
  payload: row.payload,
  occurredAt: row.occurred_at,
})

async function deliver(
  trx: Transaction<OutboxTables>,
  subscriber: Subscriber,
  row: Selectable<OutboxTables['platform.outbox']> & { attempts: number },
  log: Log,
): Promise<void> {
  const event = eventOf(row)
  await sql`savepoint delivery`.execute(trx)
  try {
    await subscriber.handle(trx as unknown as Transaction<unknown>, event)
    await trx
      .deleteFrom('platform.delivery')
      .where('subscriber', '=', subscriber.name)
      .where('event_id', '=', row.id)
      .execute()
    await sql`release savepoint delivery`.execute(trx)
  } catch (error) {
    await sql`rollback to savepoint delivery`.execute(trx)
    const delaySeconds = Math.min(300, 0.2 * 2 ** row.attempts)
    await trx
      .updateTable('platform.delivery')
      .set({
        attempts: row.attempts + 1,
        next_attempt_at: sql<Date>`clock_timestamp() + make_interval(secs => ${delaySeconds})`,
        last_error: reasonOf(error).slice(0, 500),
      })
      .where('subscriber', '=', subscriber.name)
      .where('event_id', '=', row.id)
      .execute()
    log.error(
      {
        subscriber: subscriber.name,
        event: event.type,
        eventId: event.id,
        reason: reasonOf(error),
      },
      'an event could not be handled; it will be tried again',
    )
  }
}
