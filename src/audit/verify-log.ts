import { type Kysely, sql } from 'kysely'
import type { CheckpointSink, ExportedCheckpoint } from './checkpoint-sink.ts'
import type { SubjectKeys } from './subject-keys.ts'
import type { AuditTables } from './tables.ts'
import { emptyRoot, keyRotated, nodeHash, openCheckpoint } from './verify.mjs'
import { verifyChain } from './verify-chain.ts'
import {
  faultOfKeys,
  faultOfLeaf,
  faultOfStrays,
  readRemoved,
  type StoredLeaf,
} from './verify-contents.ts'
import { readSegments } from './verify-segments.ts'

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

type Fault = Extract<LogReport, { ok: false }>
type Expected = { size: number; root: Buffer; from: string }

const pageSize = 1_000

/**
 * Walks everything: entries, leaves, nodes, and the checkpoints of the database and of each sink.
 * @returns the first thing that does not hold
 */
export async function verifyLog(
  db: Kysely<AuditTables>,
  keys: SubjectKeys,
  sinks: readonly CheckpointSink[],
): Promise<LogReport> {
  try {
    // Before the database is looked at: a log that grows meanwhile has every leaf that these speak of.
    const before = await readSinks(sinks)
    const report = await db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute((trx) => verifySnapshot(trx, keys, before))
    if (!report.ok) return report
    // After it: what it calls exported must be there.
    return missingExport(report.exports, await readSinks(sinks)) ?? report.report
  } catch (error) {
    if (error instanceof Broken) return error.fault
    throw error
  }
}

class Broken extends Error {
  readonly fault: Fault
  constructor(at: number | null, reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.fault = { ok: false, at, reason }
  }
}

const broken = (at: number | null, reason: string, cause?: unknown): Broken =>
  new Broken(at, reason, { cause })

type Exported = { sink: string; checkpoints: readonly ExportedCheckpoint[] }

/** What the sinks show; those that only take are left out. */
async function readSinks(sinks: readonly CheckpointSink[]): Promise<Exported[]> {
  const read = await Promise.all(
    sinks.map(async (sink) => {
      try {
        const checkpoints = await sink.list()
        return checkpoints === undefined ? [] : [{ sink: sink.name, checkpoints }]
      } catch (error) {
        throw broken(
          null,
          `the exported checkpoints (${sink.name}) cannot be read: ${error instanceof Error ? error.message : error}`,
          error,
        )
      }
    }),
  )
  return read.flat()
}

type Snapshot =
  | Fault
  | { ok: true; report: LogReport; exports: { sink: string; checkpoint: string; size: number }[] }

async function verifySnapshot(
  db: Kysely<AuditTables>,
  keys: SubjectKeys,
  exported: readonly Exported[],
): Promise<Snapshot> {
  const chain = await verifyChain(db)
  if (!chain.ok) {
    const at = await leafOfAction(db, chain.at)
    return { ok: false, at, reason: `entry ${chain.at}: ${chain.reason}` }
  }
  const { expected, signed, newestSize } = await expectedRoots(db, exported)
  await checkKeys(db)
  const { leaves, actions, records, root } = await walk(db, keys, expected)
  if (actions !== chain.entries)
    throw broken(null, `${chain.entries} entries have ${actions} leaves`)
  const beyond = expected.find(({ size }) => size > leaves)
  if (beyond !== undefined)
    throw broken(
      leaves,
      `the log was cut off: it has ${leaves} leaves, and ${beyond.from} says ${beyond.size}`,
    )
  const silent = (await faultOfStrays(db, records)) ?? (await faultOfKeys(db))
  if (silent !== undefined) throw broken(null, silent)
  const exports = await db
    .selectFrom('audit.checkpoint_export as e')
    .innerJoin('audit.checkpoint as c', 'c.size', 'e.size')
    .select(['e.sink', 'e.size', 'c.note as checkpoint'])
    .orderBy('e.size')
    .execute()
  const count = exported.reduce((sum, { checkpoints }) => sum + checkpoints.length, 0)
  const checkpoints = { signed, exported: count, newestSize }
  return {
    ok: true,
    exports,
    report: { ok: true, leaves, root: root.toString('hex'), checkpoints },
  }
}

/** The position of the leaf of an entry, counted from the first one. */
async function leafOfAction(db: Kysely<AuditTables>, sequence: number): Promise<number | null> {
  const leaf = await db
    .selectFrom('audit.leaf')
    .select('position')
    .where('kind', '=', 'action')
    .orderBy('position')
    .offset(sequence - 1)
    .limit(1)
    .executeTakeFirst()
  return leaf?.position ?? null
}

/** Which root the log must have had at which size, by everything that was signed; ordered by size. */
async function expectedRoots(
  db: Kysely<AuditTables>,
  exported: readonly Exported[],
): Promise<{ expected: Expected[]; signed: number; newestSize: number }> {
  const keys = await db.selectFrom('audit.signing_key').select(['id', 'public_key']).execute()
  const known = new Map(keys.map(({ id, public_key: key }) => [id, key]))
  const own = await db.selectFrom('audit.checkpoint').selectAll().orderBy('size').execute()
  const expected: Expected[] = []
  const add = (note: string, key: string | undefined, from: string): Expected => {
    try {
      if (key === undefined || ![...known.values()].includes(key))
        throw new Error('it is signed with a key that this database does not know')
      const { size, root } = openCheckpoint(note, key)
      const one = { size, root, from: `${from} of ${size} leaves` }
      expected.push(one)
      return one
    } catch (error) {
      throw broken(null, `${from}: ${error instanceof Error ? error.message : error}`, error)
    }
  }
  for (const row of own) {
    const { size, root } = add(row.note, known.get(row.key_id), 'a checkpoint of the database')
    if (size !== row.size || !root.equals(row.root))
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

/** Each key but the first was named in a leaf that a checkpoint of the key before it covers. */
async function checkKeys(db: Kysely<AuditTables>): Promise<void> {
  const keys = await db.selectFrom('audit.signing_key').selectAll().orderBy('made_at').execute()
  const { rows } = await sql<{ key: string; covered: string[] }>`
    select e.detail ->> 'key' as key, array_agg(distinct c.key_id) as covered
    from audit.entry e
    join audit.leaf l on l.kind = 'action' and l.id = e.event_id
    join audit.checkpoint c on c.size > l.position
    where e.action = ${keyRotated} group by 1`.execute(db)
  for (const [place, { id, public_key: key }] of keys.entries()) {
    const before = keys[place - 1]
    if (before === undefined) continue
    if (rows.find((row) => row.key === key)?.covered.includes(before.id) !== true)
      throw broken(null, `the key ${id} signs, and nothing that the key before it signed names it`)
  }
}

/** Builds the tree anew from the leaves and compares every node and every signed root with it. */
async function walk(
  db: Kysely<AuditTables>,
  keys: SubjectKeys,
  expected: readonly Expected[],
): Promise<{ leaves: number; actions: number; records: number; root: Buffer }> {
  /** the full subtrees so far, the largest first */
  const peaks: { level: number; hash: Buffer }[] = []
  const rootOf = (): Buffer =>
    peaks.length === 0
      ? emptyRoot
      : peaks.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right))
  const removed = await readRemoved(db)
  let [leaves, actions, records, nodes, signed] = [0, 0, 0, 0, 0]
  for (;;) {
    const page = await readLeaves(db, leaves)
    const stored = await readNodes(db, leaves, leaves + page.length)
    const segments = readSegments(db, page)
    for (const leaf of page) {
      if (leaf.position !== leaves)
        throw broken(leaves, `leaf ${leaves} is missing: the next one is ${leaf.position}`)
      if (leaf.kind === 'action') actions += 1
      const segment = leaf.kind === 'exchanges' ? await segments.of(leaf.id) : undefined
      records += segment?.lines.length ?? 0
      const fault = faultOfLeaf(keys, leaf, segment, removed)
      if (fault !== undefined) throw broken(leaves, fault)
      let top = { level: 0, hash: leaf.hash }
      for (let last = peaks.at(-1); last?.level === top.level; last = peaks.at(-1)) {
        peaks.pop()
        top = { level: top.level + 1, hash: nodeHash(last.hash, top.hash) }
        const name = `${top.level}/${(leaves + 1) / 2 ** top.level - 1}`
        if (stored.get(name)?.equals(top.hash) !== true)
          throw broken(leaves, `node ${name} is not what its leaves give`)
        nodes += 1
      }
      peaks.push(top)
      leaves += 1
      for (; expected[signed]?.size === leaves; signed += 1)
        if (expected[signed]?.root.equals(rootOf()) !== true)
          throw broken(
            firstUnsigned(expected, signed),
            `the log was rewritten: it is not what ${expected[signed]?.from} signed`,
          )
    }
    if (page.length < pageSize) break
  }
  const { rows } = await sql<{ count: number }>`select count(*) as count from audit.node`.execute(
    db,
  )
  if (rows[0]?.count !== nodes) throw broken(leaves, 'there are nodes that no leaves give')
  return { leaves, actions, records, root: rootOf() }
}

/** Somewhere from here on: the size of the last checkpoint that held. */
const firstUnsigned = (expected: readonly Expected[], broken: number): number =>
  expected.slice(0, broken).findLast(({ size }) => size < (expected[broken]?.size ?? 0))?.size ?? 0

const readLeaves = (db: Kysely<AuditTables>, from: number): Promise<StoredLeaf[]> =>
  db
    .selectFrom('audit.leaf as l')
    .leftJoin('audit.entry as e', (join) =>
      join.onRef('e.event_id', '=', 'l.id').on('l.kind', '=', 'action'),
    )
    .leftJoin('audit.evidence as v', (join) =>
      join.onRef('v.kind', '=', 'l.kind').onRef('v.id', '=', 'l.id'),
    )
    .leftJoin('audit.subject as s', 's.id', 'v.subject_id')
    .select(['l.position', 'l.kind', 'l.id', 'l.hash', 'e.hash as entry_hash'])
    .select(['v.record', 'v.at', 'v.sealed', 's.environment', 's.pseudonym', 's.wrapped_key'])
    .where('l.position', '>=', from)
    .orderBy('l.position')
    .limit(pageSize)
    .execute()

/** The nodes that the leaves from `start` up to `end` complete, and a few beside them. */
async function readNodes(
  db: Kysely<AuditTables>,
  start: number,
  end: number,
): Promise<Map<string, Buffer>> {
  const { rows } = await sql<{ level: number; position: number; hash: Buffer }>`
    select node.level, node.position, node.hash
    from generate_series(1, 52) as height
    join audit.node as node on node.level = height
      and node.position between ${start}::bigint >> height and ${end}::bigint >> height`.execute(db)
  return new Map(rows.map(({ level, position, hash }) => [`${level}/${position}`, hash]))
}

/** What the database calls exported, and the place does not have. */
function missingExport(
  exports: readonly { sink: string; checkpoint: string; size: number }[],
  exported: readonly Exported[],
): Fault | undefined {
  for (const { sink, checkpoints } of exported) {
    const there = new Set(checkpoints.map(({ checkpoint }) => checkpoint))
    const gone = exports.find((one) => one.sink === sink && !there.has(one.checkpoint))
    if (gone !== undefined)
      return {
        ok: false,
        at: null,
        reason: `the checkpoint of ${gone.size} leaves was exported (${sink}) and is not there any more`,
      }
  }
  return undefined
}
