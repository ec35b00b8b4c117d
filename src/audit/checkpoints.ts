import { type Kysely, sql, type Transaction } from 'kysely'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import type { CheckpointSink } from './checkpoint-sink.ts'
import { type LogKey, logKey } from './log-key.ts'
import { logSize, rootAt } from './proofs.ts'
import type { AuditTables, CheckpointRow } from './tables.ts'
import { openCheckpoint, Refused } from './verify.mjs'

export type CheckpointPlatform = Pick<Platform, 'database' | 'sealing' | 'clock'>

const dueLeaves = 1_000
const dueMs = 60_000

/** The database says something else than what was signed before: nothing is signed on top of it. */
export class ContradictionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ContradictionError'
  }
}

/** Places that could not be asked or given anything; they are tried again, and nothing is lost meanwhile. */
export class SinkError extends Error {
  readonly sinks: readonly string[]
  constructor(faults: ReadonlyMap<CheckpointSink, unknown>) {
    const told = [...faults].map(([{ name }, error]) => `${name}: ${reasonOf(error)}`)
    super(`signed checkpoints could not be exported: ${told.join('; ')}`, {
      cause: [...faults.values()][0],
    })
    this.name = 'SinkError'
    this.sinks = [...faults.keys()].map(({ name }) => name)
  }
}

export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

/**
 * Signs a checkpoint when the log has grown by 1 000 leaves, or at all for a minute, and exports what is not exported.
 * A sink that does not answer keeps no other from getting its own, and stops no signature.
 * @param options.now signs whatever is new at once
 * @throws ContradictionError when the log is not a continuation of what was signed or exported; SinkError
 */
export async function makeCheckpoint(
  platform: CheckpointPlatform,
  sinks: readonly CheckpointSink[],
  options: { now?: boolean } = {},
): Promise<void> {
  const db = platform.database.as<AuditTables>()
  const now = platform.clock.now()
  const due = await isDue(db, now, options.now === true)
  const owing: CheckpointSink[] = []
  for (const sink of sinks) if ((await owedTo(db, sink, 1)).length > 0) owing.push(sink)
  // A sink may have to be asked: only when something is to be added to it.
  if (!due && owing.length === 0) return
  const faults = await refuseContradiction(db, due ? sinks : owing)
  if (due) await signNew(db, platform)
  for (const sink of due ? sinks : owing) {
    if (faults.has(sink)) continue
    try {
      await exportTo(db, sink, now)
    } catch (error) {
      faults.set(sink, error)
    }
  }
  if (faults.size > 0) throw new SinkError(faults)
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
  await db.transaction().execute((trx) => signIn(trx, platform))
}

/**
 * Signs all leaves that this transaction sees, unless another process was faster.
 * @param by the newest key unless another one is to sign
 */
export async function signIn(
  trx: Transaction<AuditTables>,
  platform: CheckpointPlatform,
  by?: LogKey,
): Promise<void> {
  await lockFor(trx, 'audit.checkpoint')
  const [size, last] = [await logSize(trx), await newestCheckpoint(trx)]
  if (size <= (last?.size ?? 0)) return
  const now = platform.clock.now()
  const key = by ?? (await logKey(trx, platform))
  const root = await rootAt(trx, size)
  const text = `${key.origin}\n${size}\n${root.toString('base64')}\ntime ${now.toISOString()}\n`
  await trx
    .insertInto('audit.checkpoint')
    .values({ size, root, key_id: key.id, note: key.sign(text), made_at: now })
    .execute()
}

const owedTo = (db: Kysely<AuditTables>, sink: CheckpointSink, limit: number) =>
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
    .limit(limit)
    .execute()

async function exportTo(db: Kysely<AuditTables>, sink: CheckpointSink, at: Date): Promise<void> {
  const owed = await owedTo(db, sink, 10_000)
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

/**
 * The newest checkpoint, and that of each sink, must be one of the log that is there.
 * @returns the sinks that could not be asked, and why
 * @throws ContradictionError
 */
export async function refuseContradiction(
  db: Kysely<AuditTables>,
  sinks: readonly CheckpointSink[],
): Promise<Map<CheckpointSink, unknown>> {
  const own = await newestCheckpoint(db)
  if (own !== undefined && !(await isRootAt(db, own.size, own.root)))
    throw new ContradictionError(
      `the log is not what was signed (${own.size} leaves): its root is another one. No checkpoint is signed; run \`wayleave audit verify\``,
    )
  const faults = new Map<CheckpointSink, unknown>()
  await Promise.all(
    sinks.map(async (sink) => {
      try {
        await compare(db, sink)
      } catch (error) {
        if (error instanceof ContradictionError) throw error
        faults.set(sink, error)
      }
    }),
  )
  return faults
}

/** Size of the newest checkpoint that a sink was given, as the database has it. */
async function exportedTo(db: Kysely<AuditTables>, sink: CheckpointSink): Promise<number> {
  const row = await db
    .selectFrom('audit.checkpoint_export')
    .select((one) => one.fn.coalesce(one.fn.max('size'), sql<number>`0`).as('size'))
    .where('sink', '=', sink.name)
    .executeTakeFirstOrThrow()
  return row.size
}

/**
 * The newest checkpoint that a place holds must be one of this log, and no older than what it was given.
 * @throws ContradictionError when it is not, or is no checkpoint at all; whatever else keeps the place from being asked
 *   or given more
 */
async function compare(db: Kysely<AuditTables>, sink: CheckpointSink): Promise<void> {
  try {
    // Read before the place is: it has what was written down as exported.
    const given = await exportedTo(db, sink)
    const last = await sink.newest(given)
    if (last === undefined) return
    if (last === null) return refuseLoss(given, 0)
    const { size, root } = openCheckpoint(last.checkpoint, last.key)
    const known = await db
      .selectFrom('audit.signing_key')
      .select('id')
      .where('public_key', '=', last.key)
      .executeTakeFirst()
    const reason =
      known === undefined
        ? 'it is signed with a key that this database does not know'
        : await contradictionOf(db, size, root)
    if (reason !== undefined)
      throw new ContradictionError(
        `the log is not what ${sink.name} has a checkpoint of (${size} leaves): ${reason}. No checkpoint is signed; run \`wayleave audit verify\``,
      )
    refuseLoss(given, size)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    throw new ContradictionError(
      `${sink.name} shows something else than the checkpoints that it was given: ${error.message}. No checkpoint is signed; run \`wayleave audit verify\``,
      { cause: error },
    )
  }
}

/** A place that was emptied is given nothing more: what it has then would look like all that it ever had. */
function refuseLoss(given: number, shown: number): void {
  if (shown >= given) return
  const what = shown === 0 ? 'nothing' : `nothing newer than ${shown} leaves`
  throw new Error(
    `it was given the checkpoint of ${given} leaves and shows ${what}: put back what was taken away. It gets no other until then; run \`wayleave audit verify\``,
  )
}

/** What of a signed checkpoint does not hold for the log that is there. */
async function contradictionOf(
  db: Kysely<AuditTables>,
  size: number,
  root: Buffer,
): Promise<string | undefined> {
  const present = await logSize(db)
  if (present < size) return `only ${present} leaves are left`
  return (await isRootAt(db, size, root)) ? undefined : 'its root is another one'
}

/** Nodes that are gone give no root at all. */
async function isRootAt(db: Kysely<AuditTables>, size: number, root: Buffer): Promise<boolean> {
  return size <= (await logSize(db)) && (await rootAt(db, size)).equals(root)
}
