import { type Kysely, sql, type Transaction } from 'kysely'
import { type Environment, environments } from '#platform/config'
import { endIfStalled, lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import type { SnapshotEntry, SnapshotKind } from './schema.ts'
import type { SnapshotTables } from './tables.ts'

type Db = Kysely<SnapshotTables> | Transaction<SnapshotTables>

/** Writers go one after the other: two that touch both environments in another order would wait for each other. */
export const writerLock = 'wayleave.snapshot'

export const snapshotChannel = (environment: Environment): string =>
  `wayleave_snapshot_${environment}`

/** Writes one entry, or the tombstone of one that is gone. */
export const putEntry = (
  trx: Transaction<SnapshotTables>,
  environment: Environment,
  kind: SnapshotKind,
  id: string,
  entry: SnapshotEntry | undefined,
  at: Date,
): Promise<boolean> => putEntries(trx, environment, kind, new Map([[id, entry]]), at)

/**
 * Writes these entries, or the tombstones of those that are gone. An entry that says what is written already keeps its
 * revision, so a repeated event costs the gateways nothing. One statement: from the first revision on all others wait.
 * @returns whether any of them was other than it is now
 */
export async function putEntries(
  trx: Transaction<SnapshotTables>,
  environment: Environment,
  kind: SnapshotKind,
  entries: ReadonlyMap<string, SnapshotEntry | undefined>,
  at: Date,
): Promise<boolean> {
  const bodies = [...entries.values()].map((entry) =>
    entry === undefined ? null : JSON.stringify(entry),
  )
  const { rows } = await sql`
    with given as (
      select g.id, g.body::jsonb as body, g.place
      from unnest(${[...entries.keys()]}::text[], ${bodies}::text[]) with ordinality as g (id, body, place)
    ), changed as (
      select g.id, g.body, row_number() over (order by g.place) as place, count(*) over () as of_them
      from given g
      left join snapshot.entry e on e.environment = ${environment} and e.kind = ${kind} and e.id = g.id
      where g.body is distinct from e.body
    ), head as (
      update snapshot.head set revision = revision + (select count(*) from changed)
      where environment = ${environment} and exists (select from changed)
      returning revision
    ), written as (
      insert into snapshot.entry (environment, kind, id, revision, body, changed_at)
      select ${environment}, ${kind}, c.id, head.revision - c.of_them + c.place, c.body, ${at}
      from changed c, head
      on conflict (environment, kind, id) do update
        set revision = excluded.revision, body = excluded.body, changed_at = excluded.changed_at
    )
    select pg_notify(${snapshotChannel(environment)}, revision::text) from head`.execute(trx)
  return rows.length > 0
}

/** For the reactions to one event each: what ends does not wait for a control process that hangs. */
export async function beginWriting(trx: Transaction<SnapshotTables>): Promise<void> {
  await endIfStalled(trx)
  await lockFor(trx, writerLock)
}

/** Whoever holds it is the only writer of the environment: also of what ends, whose writers know no other lock. */
export async function lockHead(
  trx: Transaction<SnapshotTables>,
  environment: Environment,
): Promise<void> {
  await sql`
    select from snapshot.head where environment = ${environment} for no key update`.execute(trx)
}

/** The ids of the entries of a kind that exist. */
export async function entryIds(
  db: Db,
  environment: Environment,
  kind: SnapshotKind,
): Promise<string[]> {
  const rows = await db
    .selectFrom('snapshot.entry')
    .select('id')
    .where('environment', '=', environment)
    .where('kind', '=', kind)
    .where('body', 'is not', null)
    .execute()
  return rows.map((row) => row.id)
}

export const readHeads = (
  db: Db,
): Promise<{ environment: Environment; revision: number; format: number }[]> =>
  db
    .selectFrom('snapshot.head')
    .select(['environment', 'revision', 'format'])
    .orderBy('environment')
    .execute()

/**
 * The revision that the control side has published, by environment.
 * @public
 */
export const readPublishedRevisions = (
  database: Platform['database'],
): Promise<{ environment: Environment; revision: number }[]> =>
  readHeads(database.as<SnapshotTables>())

export async function setFormat(db: Db, format: number): Promise<void> {
  await db.updateTable('snapshot.head').set({ format }).execute()
}

const tombstonesKeptMs = 86_400_000

/** Sweeps tombstones older than a day; a reader that is behind them loads everything anew. */
export async function sweepTombstones(
  platform: Pick<Platform, 'database' | 'clock'>,
): Promise<void> {
  const db = platform.database.as<SnapshotTables>()
  const before = new Date(platform.clock.now().getTime() - tombstonesKeptMs)
  for (const environment of environments) {
    await sql`
      with gone as (
        delete from snapshot.entry
        where environment = ${environment} and body is null and changed_at < ${before}
        returning revision)
      update snapshot.head set floor = greatest(floor, (select max(revision) from gone))
      where environment = ${environment} and exists (select from gone)`.execute(db)
  }
}
