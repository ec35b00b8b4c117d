import { type Kysely, sql } from 'kysely'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import type { CheckpointSink } from './checkpoint-sink.ts'
import { logKey } from './log-key.ts'
import { logSize, rootAt } from './proofs.ts'
import type { AuditTables, CheckpointRow } from './tables.ts'
import { openCheckpoint } from './verify.mjs'

export type CheckpointPlatform = Pick<Platform, 'database' | 'sealing' | 'clock'>

const dueLeaves = 1_000
const dueMs = 60_000

/** The database says something else than what was signed before: nothing is signed on top of it. */
export class ContradictionError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ContradictionError'
  }
}

/**
 * Signs a checkpoint when the log has grown by 1 000 leaves, or at all for a minute, and exports what is not exported.
 * @param options.now signs whatever is new at once
 * @throws ContradictionError when the log is not a continuation of what was signed or exported
 */
export async function makeCheckpoint(
  platform: CheckpointPlatform,
  sinks: readonly CheckpointSink[],
  options: { now?: boolean } = {},
): Promise<void> {
  const db = platform.database.as<AuditTables>()
  const now = platform.clock.now()
  const due = await isDue(db, now, options.now === true)
  const owed = await Promise.all(sinks.map(async (sink) => (await owedTo(db, sink)).length > 0))
  // A sink may have to read all that it has: only when something is to be added to it.
  if (!due && !owed.includes(true)) return
  await refuseContradiction(db, sinks)
  if (due) await signNew(db, platform)
  for (const sink of sinks) await exportTo(db, sink, now)
}

/** @throws ContradictionError when leaves that were signed are gone */
async function isDue(db: Kysely<AuditTables>, now: Date, atOnce: boolean): Promise<boolean> {
  const last = await newestCheckpoint(db)
  // Read after the checkpoint: the log only grows.
  const size = await logSize(db)
  const signed = last?.size ?? 0
  if (size < signed)
    throw new ContradictionError(
      `${signed} leaves were signed and only ${size} are left. No checkpoint is signed; run \`wayleave audit verify\``,
    )
  if (size === signed) return false
  if (last === undefined || atOnce || size - signed >= dueLeaves) return true
  // A clock that was set back must not stop checkpoints until it has caught up.
  const age = now.getTime() - last.made_at.getTime()
  return age < 0 || age >= dueMs
}

async function signNew(db: Kysely<AuditTables>, platform: CheckpointPlatform): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await lockFor(trx, 'audit.checkpoint')
    const [size, last] = [await logSize(trx), await newestCheckpoint(trx)]
    // Another process was faster.
    if (size <= (last?.size ?? 0)) return
    const now = platform.clock.now()
    const key = await logKey(trx, platform)
    const root = await rootAt(trx, size)
    const text = `${key.origin}\n${size}\n${root.toString('base64')}\ntime ${now.toISOString()}\n`
    await trx
      .insertInto('audit.checkpoint')
      .values({ size, root, key_id: key.id, note: key.sign(text), made_at: now })
      .execute()
  })
}

const owedTo = (db: Kysely<AuditTables>, sink: CheckpointSink) =>
  db
    .selectFrom('audit.checkpoint as c')
    .innerJoin('audit.signing_key as k', 'k.id', 'c.key_id')
    .select(['c.size', 'c.note as checkpoint', 'k.public_key as key'])
    // They are exported in order: what is recorded has everything before it.
    .where('c.size', '>', (eb) =>
      eb
        .selectFrom('audit.checkpoint_export as e')
        .select((one) => one.fn.coalesce(one.fn.max('e.size'), sql<number>`0`).as('size'))
        .where('e.sink', '=', sink.name),
    )
    .orderBy('c.size')
    .limit(10_000)
    .execute()

async function exportTo(db: Kysely<AuditTables>, sink: CheckpointSink, at: Date): Promise<void> {
  const owed = await owedTo(db, sink)
  await sink.add(owed)
  if (owed.length === 0) return
  await db
    .insertInto('audit.checkpoint_export')
    .values(owed.map(({ size }) => ({ sink: sink.name, size, exported_at: at })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export const newestCheckpoint = (db: Kysely<AuditTables>): Promise<CheckpointRow | undefined> =>
  db.selectFrom('audit.checkpoint').selectAll().orderBy('size', 'desc').limit(1).executeTakeFirst()

/** The newest checkpoint, and that of each sink, must be one of the log that is there. */
async function refuseContradiction(
  db: Kysely<AuditTables>,
  sinks: readonly CheckpointSink[],
): Promise<void> {
  const own = await newestCheckpoint(db)
  if (own !== undefined && !(await rootAt(db, own.size)).equals(own.root))
    throw new ContradictionError(
      `the log is not what was signed (${own.size} leaves): its root is another one. No checkpoint is signed; run \`wayleave audit verify\``,
    )
  for (const sink of sinks) {
    const last = await sink.newest()
    if (last === undefined) continue
    const { size, root } = openCheckpoint(last.checkpoint, last.key)
    const known = await sql`select 1 from audit.signing_key where public_key = ${last.key}`.execute(
      db,
    )
    const reason =
      known.rows.length === 0
        ? 'it is signed with a key that this database does not know'
        : await contradictionOf(db, size, root)
    if (reason !== undefined)
      throw new ContradictionError(
        `the log is not what ${sink.name} has a checkpoint of (${size} leaves): ${reason}. No checkpoint is signed; run \`wayleave audit verify\``,
      )
  }
}

/** What of a signed checkpoint does not hold for the log that is there. */
async function contradictionOf(
  db: Kysely<AuditTables>,
  size: number,
  root: Buffer,
): Promise<string | undefined> {
  const present = await logSize(db)
  if (present < size) return `only ${present} leaves are left`
  return (await rootAt(db, size)).equals(root) ? undefined : 'its root is another one'
}
