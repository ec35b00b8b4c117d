import { Client } from 'pg'
import type { Environment } from '#platform/config'
import { closeClient, listen } from '#platform/listen'
import type { Log } from '#platform/log'
import { HeldEntries } from './held-entries.ts'
import type { Change } from './read-snapshot.ts'
import type { SnapshotChange, SnapshotEntry, SnapshotKind } from './schema.ts'
import { SnapshotFile } from './snapshot-file.ts'

export interface SnapshotFollower {
  /**
   * Loads everything, from PostgreSQL or, when it is down, from the file; then follows the changes. The first call of
   * `onChange` is complete, later ones bring single changes in the order of their revisions; a complete one may come
   * again after a long time away. What is complete is made while it is read: fifty thousand changes at once would stay
   * in the memory of the process.
   */
  start(onChange: (changes: Iterable<SnapshotChange>, complete: boolean) => void): Promise<void>
  /** Reads what is newer now; calls at the same time share one read. */
  catchUp(): Promise<void>
  revision(): number
  /** milliseconds since what is published was last read; a gateway that lost PostgreSQL serves on and grows older */
  ageMs(): number
  stop(): Promise<void>
}

type Row = { kind: SnapshotKind; id: string; revision: number; body: SnapshotEntry | null }

const pollMs = 1_000
/** of everything so much at a time: the rows of fifty thousand applications at once would stay in the memory of the process */
const rowsAtOnce = 500

/** Follows the snapshot of one environment, with a database role that can read that environment's only. */
export function followSnapshot(options: {
  databaseUrl: string
  environment: Environment
  log: Log
  /** where the last good snapshot is kept, so that a start without PostgreSQL serves */
  cacheFile?: string
  monotonicMs?: () => number
}): SnapshotFollower {
  const { environment, log, cacheFile } = options
  const view = (name: string): string => `snapshot.${environment}_${name}`
  let entries = new HeldEntries()
  const file = cacheFile === undefined ? undefined : new SnapshotFile(cacheFile, environment, log)
  const monotonicMs = options.monotonicMs ?? (() => performance.now())
  let readMs = monotonicMs()
  let revision = -1
  let notify: (changes: Iterable<SnapshotChange>, complete: boolean) => void = () => undefined
  let client: Client | undefined
  let reading: Promise<void> | undefined
  let stopped = false

  const connection = async (): Promise<Client> => {
    if (client !== undefined) return client
    const next = new Client({
      connectionString: options.databaseUrl,
      application_name: `wayleave snapshot ${environment}`,
      connectionTimeoutMillis: 3_000,
      query_timeout: 15_000,
      keepAlive: true,
    })
    next.on('error', () => {
      if (client === next) client = undefined
    })
    await next.connect()
    client = next
    return next
  }

  /** Holds what a row says, and tells it on. */
  const take = (held: HeldEntries, { revision, kind, id, body }: Row): SnapshotChange => {
    if (body === null) held.delete(kind, id)
    else held.put(kind, id, body)
    // One text for both: of a hundred thousand names, twice would be megabytes.
    const name = body?.id === id ? body.id : id
    return { environment, revision, kind, id: name, entry: body ?? undefined }
  }

  /** What is held, as changes of one revision. */
  function* everything(): Generator<SnapshotChange> {
    for (const entry of entries.values())
      yield { environment, revision, kind: entry.kind, id: entry.id, entry }
  }

  const replaceAll = (held: HeldEntries, upTo: number): void => {
    entries = held
    revision = upTo
    notify(everything(), true)
  }

  /** Reads everything within the transaction that is open; what was held stays until all of it came. */
  const readAll = async (db: Client): Promise<HeldEntries> => {
    const held = new HeldEntries()
    await db.query(
      `declare entries no scroll cursor for select kind, id, revision::float8 as revision, body from ${view('entry')} where body is not null order by revision`,
    )
    for (;;) {
      const { rows } = await db.query<Row>(`fetch ${rowsAtOnce} from entries`)
      for (const row of rows) take(held, row)
      if (rows.length < rowsAtOnce) return held
    }
  }

  const readNewer = async (db: Client): Promise<SnapshotChange[]> => {
    const { rows } = await db.query<Row>(
      `select kind, id, revision::float8 as revision, body from ${view('entry')} where revision > $1 order by revision`,
      [revision],
    )
    return rows.map((row) => take(entries, row))
  }

  const read = async (): Promise<void> => {
    const db = await connection()
    await db.query('begin isolation level repeatable read read only')
    try {
      const heads = await db.query<{ revision: number; floor: number }>(
        `select revision::float8 as revision, floor::float8 as floor from ${view('head')}`,
      )
      const head = heads.rows[0]
      if (head === undefined) throw new Error('the snapshot has no head')
      // A database that was set back to an earlier state is loaded whole, too.
      const complete = revision < head.floor || revision < 0 || head.revision < revision
      if (complete) {
        replaceAll(await readAll(db), head.revision)
        file?.replace(revision, entries, false)
      } else if (head.revision > revision) {
        const changes = await readNewer(db)
        revision = head.revision
        notify(changes, false)
        file?.append(changes.map(toSaved), revision, entries)
      }
    } finally {
      await db.query('commit').catch(() => {
        if (client === db) client = undefined
      })
    }
  }

  const catchUp = async (): Promise<void> => {
    reading ??= read()
      .then(() => {
        readMs = monotonicMs()
      })
      .catch((error: unknown) => {
        const broken = client
        client = undefined
        if (broken !== undefined) void closeClient(broken)
        throw error
      })
      .finally(() => {
        reading = undefined
      })
    await reading
  }

  let wake = (): void => undefined
  let loop: Promise<void> | undefined
  let listener: { stop(): Promise<void> } | undefined
  const follow = async (): Promise<void> => {
    let down = false
    while (!stopped) {
      const signal = Promise.withResolvers<void>()
      wake = () => signal.resolve()
      try {
        await catchUp()
        if (down) log.info({ revision }, 'the snapshot is followed again')
        down = false
      } catch (error) {
        if (!down)
          log.warn(
            { reason: String(error), revision },
            'the snapshot cannot be followed; serving the last one',
          )
        down = true
      }
      const timer = setTimeout(signal.resolve, pollMs)
      if (!stopped) await signal.promise
      clearTimeout(timer)
    }
  }

  return {
    async start(onChange) {
      notify = onChange
      try {
        await catchUp()
      } catch (error) {
        const saved = file?.load()
        if (saved === undefined) throw error
        log.warn(
          { reason: String(error), revision: saved.revision },
          'PostgreSQL is down: serving the last good snapshot',
        )
        replaceAll(saved.entries, saved.revision)
      }
      listener = listen({
        url: options.databaseUrl,
        channel: `wayleave_snapshot_${environment}`,
        applicationName: `wayleave snapshot ${environment} feed`,
        onSignal: () => wake(),
      })
      loop = follow()
    },
    catchUp,
    revision: () => revision,
    ageMs: () => monotonicMs() - readMs,
    async stop() {
      stopped = true
      wake()
      await listener?.stop()
      await loop
      await file?.close()
      if (client !== undefined) await closeClient(client)
    },
  }
}

const toSaved = ({ revision, kind, id, entry }: SnapshotChange): Change => ({
  revision,
  kind,
  id,
  entry: entry ?? null,
})
