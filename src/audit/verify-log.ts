import { type Kysely, sql } from 'kysely'
import type { CheckpointSink } from './checkpoint-sink.ts'
import { type CheckpointPlatform, reasonOf } from './checkpoints.ts'
import type { SubjectKeys } from './subject-keys.ts'
import type { AuditTables } from './tables.ts'
import { type ChainReport, verifyChain } from './verify-chain.ts'
import {
  type Exported,
  expectedRoots,
  faultOfExports,
  missingExport,
  readExports,
  readSinks,
  type ToldExport,
} from './verify-checkpoints.ts'
import { faultOfKeys, faultOfNames, faultOfStrays, readRemoved } from './verify-contents.ts'
import { Broken, broken, refuseFault } from './verify-fault.ts'
import { faultOfLogKeys } from './verify-keys.ts'
import { faultOfTables } from './verify-tables.ts'
import { walkTree } from './verify-tree.ts'

/** @public */
export type LogReport =
  | {
      ok: true
      leaves: number
      root: string
      /** how many the database has, how many the places outside it, and the size of the newest of these */
      checkpoints: { signed: number; exported: number; newestSize: number }
    }
  | {
      ok: false
      /** position of the first leaf that is not as it was written; null when no single leaf is at fault */
      at: number | null
      reason: string
    }

type Verifying = { platform: CheckpointPlatform; keys: SubjectKeys }

/**
 * Walks everything: entries, leaves, nodes, the checkpoints of the database and of each sink, and what stands beside the log.
 * @returns the first thing that does not hold
 */
export async function verifyLog(
  verifying: Verifying,
  sinks: readonly CheckpointSink[],
): Promise<LogReport> {
  try {
    // Before the database is looked at: a log that grows meanwhile has every leaf that these speak of.
    const before = await readSinks(sinks)
    const { report, exports } = await verifying.platform.database
      .as<AuditTables>()
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (trx) => {
        // Before the first look, which makes the snapshot: no day goes between the two.
        await sql`lock table audit.segment in access share mode`.execute(trx)
        return await verifySnapshot(trx, verifying, before)
      })
    // After it: what it calls exported must be there.
    return missingExport(exports, await readSinks(sinks)) ?? report
  } catch (error) {
    if (error instanceof Broken) return error.fault
    if (!isUnreadable(error)) throw error
    return { ok: false, at: null, reason: `what is kept cannot be read: ${reasonOf(error)}` }
  }
}

/** Values that nobody of this product wrote: neither the database (22: data exception) nor this code can make anything of them. */
function isUnreadable(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError)
    return true
  return error instanceof Error && 'code' in error && /^22/.test(String(error.code))
}

async function verifySnapshot(
  db: Kysely<AuditTables>,
  { platform, keys }: Verifying,
  exported: readonly Exported[],
): Promise<{ report: LogReport; exports: readonly ToldExport[] }> {
  const chain = await verifyChain(db)
  if (!chain.ok) throw await brokenChain(db, chain)
  const { expected, signed, newestSize } = await expectedRoots(db, exported)
  const removed = await readRemoved(db)
  refuseFault(await faultOfLogKeys(db, platform.sealing, removed))
  const { leaves, actions, root } = await walkTree(db, keys, { removed, expected })
  if (actions !== chain.entries)
    throw broken(null, `${chain.entries} entries have ${actions} leaves`)
  const beyond = expected.find(({ size }) => size > leaves)
  if (beyond !== undefined)
    throw broken(
      leaves,
      `the log was cut off: it has ${leaves} leaves, and ${beyond.from} says ${beyond.size}`,
    )
  const exports = await readExports(db)
  refuseFault(await faultOfStrays(db))
  refuseFault(await faultOfNames(db))
  refuseFault(await faultOfKeys(db))
  refuseFault(await faultOfTables(db, platform.sealing, removed))
  refuseFault(await faultOfExports(db, exports, exported, platform.clock.now()))
  const count = exported.reduce((sum, { checkpoints }) => sum + checkpoints.length, 0)
  const checkpoints = { signed, exported: count, newestSize }
  return { exports, report: { ok: true, leaves, root: root.toString('hex'), checkpoints } }
}

/** The leaf of an entry is counted from the first one. */
async function brokenChain(
  db: Kysely<AuditTables>,
  { at, reason }: Extract<ChainReport, { ok: false }>,
): Promise<Broken> {
  const leaf = await db
    .selectFrom('audit.leaf')
    .select('position')
    .where('kind', '=', 'action')
    .orderBy('position')
    .offset(at - 1)
    .limit(1)
    .executeTakeFirst()
  return broken(leaf?.position ?? null, `entry ${at}: ${reason}`)
}
