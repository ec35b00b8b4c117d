import { type Kysely, sql } from 'kysely'
import type { SubjectKeys } from './subject-keys.ts'
import type { AuditTables } from './tables.ts'
import { emptyRoot, nodeHash } from './verify.mjs'
import type { Expected } from './verify-checkpoints.ts'
import { faultOfLeaf, type Removed, type StoredLeaf } from './verify-contents.ts'
import { broken } from './verify-fault.ts'
import { readSegments } from './verify-segments.ts'

const pageSize = 1_000

/** What a walk along the log counted. */
type Walked = { leaves: number; actions: number; root: Buffer }

/** Builds the tree anew from the leaves and compares every node and every signed root with it. */
export async function walkTree(
  db: Kysely<AuditTables>,
  keys: SubjectKeys,
  { removed, expected }: { removed: Removed; expected: readonly Expected[] },
): Promise<Walked> {
  /** the full subtrees so far, the largest first */
  const peaks: { level: number; hash: Buffer }[] = []
  const rootOf = (): Buffer =>
    peaks.length === 0
      ? emptyRoot
      : peaks.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right))
  let [leaves, actions, nodes, signed] = [0, 0, 0, 0]
  for (;;) {
    const page = await readLeaves(db, leaves)
    const stored = await readNodes(db, leaves, leaves + page.length)
    const segments = readSegments(db, page)
    for (const leaf of page) {
      if (leaf.position !== leaves)
        throw broken(leaves, `leaf ${leaves} is missing: the next one is ${leaf.position}`)
      if (leaf.kind === 'action') actions += 1
      const segment = leaf.kind === 'exchanges' ? await segments.of(leaf.id) : undefined
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
  await refuseOtherNodes(db, leaves, nodes)
  return { leaves, actions, root: rootOf() }
}

async function refuseOtherNodes(
  db: Kysely<AuditTables>,
  leaves: number,
  nodes: number,
): Promise<void> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from audit.node`.execute(
    db,
  )
  if (rows[0]?.count !== nodes) throw broken(leaves, 'there are nodes that no leaves give')
}

/** Somewhere from here on: the size of the last checkpoint that held. */
const firstUnsigned = (expected: readonly Expected[], at: number): number =>
  expected.slice(0, at).findLast(({ size }) => size < (expected[at]?.size ?? 0))?.size ?? 0

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
    .select(['v.record', 'v.at', 'v.appended_at', 'v.about', 'v.final', 'v.partner_id'])
    .select(['v.application_id', 'v.sealed', 's.environment', 's.pseudonym', 's.wrapped_key'])
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
