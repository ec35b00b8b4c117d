import { type Kysely, sql } from 'kysely'
import type { CheckpointSink } from './checkpoint-sink.ts'
import {
  ContradictionError,
  newestCheckpoint,
  reasonOf,
  refuseContradiction,
} from './checkpoints.ts'
import { logSize } from './proofs.ts'
import type { AuditTables } from './tables.ts'

/** What a place outside the database was given. @public */
export type SinkState = {
  name: string
  /** size of the newest checkpoint that it was given */
  exported: number
  /** checkpoints that it was not given yet, and since when the oldest of them waits */
  owed: number
  owedSince: Date | undefined
  /** why it cannot be asked at the moment */
  fault: string | undefined
}

/** How the log stands, and whether it is still what was signed. @public */
export type EvidenceState = {
  leaves: number
  newest: { size: number; root: string; note: string; key: string; madeAt: Date } | undefined
  /** what the log contradicts; nothing is signed until somebody has looked */
  contradiction: string | undefined
  sinks: SinkState[]
}

/** Looks at the newest checkpoint, here and in each sink: cheap, and no proof of everything, which `verifyLog` is. */
export async function readEvidenceState(
  db: Kysely<AuditTables>,
  sinks: readonly CheckpointSink[],
): Promise<EvidenceState> {
  const { contradiction, faults } = await lookFor(db, sinks)
  const newest = await newestCheckpoint(db)
  const { rows } = await sql<{ public_key: string }>`
    select public_key from audit.signing_key where id = ${newest?.key_id ?? ''}`.execute(db)
  const leaves = await logSize(db)
  const states: SinkState[] = []
  for (const sink of sinks)
    states.push({ ...(await owedState(db, sink.name)), fault: faults.get(sink) })
  return {
    leaves,
    newest: newest && {
      ...{ size: newest.size, root: newest.root.toString('hex'), note: newest.note },
      ...{ key: rows[0]?.public_key ?? '', madeAt: newest.made_at },
    },
    contradiction,
    sinks: states,
  }
}

async function lookFor(
  db: Kysely<AuditTables>,
  sinks: readonly CheckpointSink[],
): Promise<{ contradiction: string | undefined; faults: Map<CheckpointSink, string> }> {
  try {
    const faults = await refuseContradiction(db, sinks)
    const told = [...faults].map(([sink, error]) => [sink, reasonOf(error)] as const)
    return { contradiction: undefined, faults: new Map(told) }
  } catch (error) {
    if (!(error instanceof ContradictionError)) throw error
    return { contradiction: error.message, faults: new Map() }
  }
}

async function owedState(db: Kysely<AuditTables>, name: string): Promise<Omit<SinkState, 'fault'>> {
  const { rows } = await sql<{ exported: number; owed: number; since: Date | null }>`
    with given as (select coalesce(max(size), 0) as size from audit.checkpoint_export where sink = ${name})
    select (select size from given) as exported, count(*) as owed, min(made_at) as since
    from audit.checkpoint where size > (select size from given)`.execute(db)
  const { exported = 0, owed = 0, since } = rows[0] ?? {}
  return { name, exported, owed, owedSince: since ?? undefined }
}
