import type { Kysely } from 'kysely'
import type { CheckpointSink, ExportedCheckpoint } from './checkpoint-sink.ts'
import { reasonOf } from './checkpoints.ts'
import type { AuditTables } from './tables.ts'
import { openCheckpoint } from './verify.mjs'
import { broken, type Fault } from './verify-fault.ts'

/** The root that the log must have had at a size, and who says so. */
export type Expected = { size: number; root: Buffer; from: string }

/** What a place outside the database shows. */
export type Exported = { sink: string; checkpoints: readonly ExportedCheckpoint[] }

/** What the database says that a place was given. */
export type ToldExport = { sink: string; checkpoint: string | null; size: number }

/** What the sinks show; those that only take are left out. */
export async function readSinks(sinks: readonly CheckpointSink[]): Promise<Exported[]> {
  const read = await Promise.all(
    sinks.map(async (sink) => {
      try {
        const checkpoints = await sink.list()
        return checkpoints === undefined ? [] : [{ sink: sink.name, checkpoints }]
      } catch (error) {
        throw broken(
          null,
          `the exported checkpoints (${sink.name}) cannot be read: ${reasonOf(error)}`,
          error,
        )
      }
    }),
  )
  return read.flat()
}

/** Which root the log must have had at which size, by everything that was signed; ordered by size. */
export async function expectedRoots(
  db: Kysely<AuditTables>,
  exported: readonly Exported[],
): Promise<{ expected: Expected[]; signed: number; newestSize: number }> {
  const keys = await db.selectFrom('audit.signing_key').select(['id', 'public_key']).execute()
  const known = new Map(keys.map(({ id, public_key: key }) => [id, key]))
  const own = await db.selectFrom('audit.checkpoint').selectAll().orderBy('size').execute()
  const expected: Expected[] = []
  const add = (
    note: string,
    key: string | undefined,
    from: string,
  ): ReturnType<typeof openCheckpoint> => {
    try {
      if (key === undefined || ![...known.values()].includes(key))
        throw new Error('it is signed with a key that this database does not know')
      const opened = openCheckpoint(note, key)
      const { size, root } = opened
      expected.push({ size, root, from: `${from} of ${size} leaves` })
      return opened
    } catch (error) {
      throw broken(null, `${from}: ${reasonOf(error)}`, error)
    }
  }
  for (const row of own) {
    const told = add(row.note, known.get(row.key_id), 'a checkpoint of the database')
    const same =
      told.size === row.size && told.root.equals(row.root) && told.at === row.made_at.toISOString()
    if (!same)
      throw broken(null, `the checkpoint of ${row.size} leaves says something else in its note`)
  }
  let newestSize = 0
  for (const { sink, checkpoints } of exported)
    for (const { checkpoint, key } of checkpoints) {
      const { size } = add(checkpoint, key, `an exported checkpoint (${sink})`)
      newestSize = Math.max(newestSize, size)
    }
  return { expected: expected.sort((a, b) => a.size - b.size), signed: own.length, newestSize }
}

export const readExports = (db: Kysely<AuditTables>): Promise<ToldExport[]> =>
  db
    .selectFrom('audit.checkpoint_export as e')
    .leftJoin('audit.checkpoint as c', 'c.size', 'e.size')
    .select(['e.sink', 'e.size', 'c.note as checkpoint'])
    .orderBy('e.size')
    .execute()

/** Control writes down what it exported at once; a process that was killed in between, the next one, within seconds. */
const notedWithinMs = 120_000

/**
 * Each place is given all checkpoints in their order, so what is written down about it has no gap, and nothing is there for
 * long that was not written down: otherwise what was exported could be forgotten here, and taken away there.
 */
export async function faultOfExports(
  db: Kysely<AuditTables>,
  exports: readonly ToldExport[],
  exported: readonly Exported[],
  now: Date,
): Promise<string | undefined> {
  const signed = await db
    .selectFrom('audit.checkpoint')
    .select(['size', 'note', 'made_at'])
    .orderBy('size')
    .execute()
  for (const [sink, told] of Map.groupBy(exports, (one) => one.sink)) {
    const gap = told.findIndex(({ size }, place) => signed[place]?.size !== size)
    const made = told.find(({ checkpoint }) => checkpoint === null)
    if (made !== undefined)
      return `a checkpoint of ${made.size} leaves is written down as exported (${sink}), and there is none: nothing would be exported up to it`
    if (gap !== -1)
      return `that the checkpoint of ${signed[gap]?.size} leaves was exported (${sink}) is not written down any more, and later ones are`
  }
  const known = new Set(signed.map(({ note }) => note))
  for (const { sink, checkpoints } of exported) {
    const lost = checkpoints.find(({ checkpoint }) => !known.has(checkpoint))
    if (lost !== undefined)
      return `an exported checkpoint (${sink}) of ${openCheckpoint(lost.checkpoint, lost.key).size} leaves is not in the database any more`
    const told = new Set(exports.flatMap((one) => (one.sink === sink ? [one.checkpoint] : [])))
    const shown = new Set(checkpoints.map(({ checkpoint }) => checkpoint))
    const silent = signed.find(
      ({ note, made_at: at }) =>
        shown.has(note) && !told.has(note) && now.getTime() - at.getTime() > notedWithinMs,
    )
    if (silent !== undefined)
      return `the checkpoint of ${silent.size} leaves was exported (${sink}), and that is not written down any more; if control was killed just then, start it once and verify again`
  }
  return undefined
}

/** What the database calls exported, and the place does not have. */
export function missingExport(
  exports: readonly ToldExport[],
  exported: readonly Exported[],
): Fault | undefined {
  for (const { sink, checkpoints } of exported) {
    const there = new Set(checkpoints.map(({ checkpoint }) => checkpoint))
    const gone = exports.find((one) => one.sink === sink && !there.has(one.checkpoint ?? ''))
    if (gone !== undefined)
      return {
        ok: false,
        at: null,
        reason: `the checkpoint of ${gone.size} leaves was exported (${sink}) and is not there any more`,
      }
  }
  return undefined
}
