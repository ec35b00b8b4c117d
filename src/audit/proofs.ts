import { type Kysely, sql } from 'kysely'
import type { AuditTables } from './tables.ts'
import { emptyRoot, nodeHash } from './verify.mjs'

/** Leaves from `start` up to but not including `end`; always one that the tree of RFC 9162 has a hash for. */
type Range = readonly [start: number, end: number]

/** A full subtree that is stored: its leaves begin at `position * 2 ** level`. */
type Node = { level: number; position: number }

/** The largest power of two below `n`. */
const split = (n: number): number => {
  let power = 1
  while (power * 2 < n) power *= 2
  return power
}

/** PATH of RFC 9162, section 2.1.3.1. */
function inclusionRanges(position: number, [start, end]: Range): Range[] {
  if (end - start === 1) return []
  const middle = start + split(end - start)
  return position < middle
    ? [...inclusionRanges(position, [start, middle]), [middle, end]]
    : [...inclusionRanges(position, [middle, end]), [start, middle]]
}

/** SUBPROOF of RFC 9162, section 2.1.4.1; `known` when the verifier has the hash of the range already. */
function consistencyRanges(first: number, [start, end]: Range, known: boolean): Range[] {
  if (first === end) return known ? [] : [[start, end]]
  const middle = start + split(end - start)
  return first <= middle
    ? [...consistencyRanges(first, [start, middle], known), [middle, end]]
    : [...consistencyRanges(first, [middle, end], false), [start, middle]]
}

/** The full subtrees that a range is made of, the largest first: fewer than 54. */
function nodesOf([start, end]: Range): Node[] {
  const nodes: Node[] = []
  for (let from = start; from < end; ) {
    let size = 1
    let level = 0
    while (size * 2 <= end - from) {
      size *= 2
      level += 1
    }
    nodes.push({ level, position: from / size })
    from += size
  }
  return nodes
}

const nameOf = ({ level, position }: Node): string => `${level}/${position}`

/** The hashes of ranges, with one query: all but one range of a proof are a single stored node. */
async function hashRanges(db: Kysely<AuditTables>, ranges: readonly Range[]): Promise<Buffer[]> {
  const wanted = ranges.map(nodesOf)
  const nodes = wanted.flat()
  const inner = nodes.filter(({ level }) => level > 0)
  const { rows } = await sql<Node & { hash: Buffer }>`
    select node.level, node.position, node.hash from audit.node as node
    join unnest(${inner.map(({ level }) => level)}::smallint[], ${inner.map(({ position }) => position)}::bigint[])
      as wanted (level, position) using (level, position)
    union all
    select 0, position, hash from audit.leaf
    where position = any(${nodes.filter(({ level }) => level === 0).map(({ position }) => position)}::bigint[])`.execute(
    db,
  )
  const found = new Map(rows.map((row) => [nameOf(row), row.hash]))
  return wanted.map((parts) =>
    parts
      .map((node) => {
        const hash = found.get(nameOf(node))
        if (hash === undefined) throw new Error(`the log has no node ${nameOf(node)}`)
        return hash
      })
      .reduceRight((right, left) => nodeHash(left, right)),
  )
}

/** The root that the log had with its first `size` leaves. @throws when it never had so many */
export async function rootAt(db: Kysely<AuditTables>, size: number): Promise<Buffer> {
  if (size === 0) return emptyRoot
  const [root] = await hashRanges(db, [[0, size]])
  if (root === undefined) throw new Error('unreachable: one range has one hash')
  return root
}

/** Hashes from a leaf to the root of the log of `size` leaves (RFC 9162, section 2.1.3.1). */
export function inclusionProof(
  db: Kysely<AuditTables>,
  position: number,
  size: number,
): Promise<Buffer[]> {
  if (position < 0 || position >= size)
    throw new RangeError(`leaf ${position} is not in a log of ${size}`)
  return hashRanges(db, inclusionRanges(position, [0, size]))
}

/** What shows that the log of `second` leaves begins with that of `first` (RFC 9162, section 2.1.4.1). */
export async function consistencyProof(
  db: Kysely<AuditTables>,
  first: number,
  second: number,
): Promise<Buffer[]> {
  if (first < 0 || first > second)
    throw new RangeError(`a log of ${second} does not begin with one of ${first}`)
  if (first === 0 || first === second) return []
  return await hashRanges(db, consistencyRanges(first, [0, second], true))
}

/** How many leaves there are. */
export async function logSize(db: Kysely<AuditTables>): Promise<number> {
  const last = await db
    .selectFrom('audit.leaf')
    .select('position')
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last === undefined ? 0 : last.position + 1
}
