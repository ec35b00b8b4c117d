import type { Kysely } from 'kysely'
import { entryHash, genesisHash } from './chain.ts'
import { entriesAfter } from './store.ts'
import type { AuditTables, EntryRow } from './tables.ts'
import { readRemoved } from './verify-contents.ts'

/** The end of the chain, to be kept outside the database: it is what shows that the newest entries were removed. @public */
export type ChainHead = { sequence: number; hash: string }

/** @public */
export type ChainReport =
  | { ok: true; entries: number; head: ChainHead }
  | { ok: false; entries: number; at: number; reason: string }

const pageSize = 1_000

/** What the first entry that is there follows: nothing, or those that went by their age, whose leaves have stayed. */
async function beginningOf(db: Kysely<AuditTables>): Promise<ChainHead> {
  const removed = (await readRemoved(db)).leavesOf('action')
  if (removed === 0) return { sequence: 0, hash: genesisHash.toString('hex') }
  const leaf = await db
    .selectFrom('audit.leaf')
    .select('hash')
    .where('kind', '=', 'action')
    .orderBy('position')
    .offset(removed - 1)
    .limit(1)
    .executeTakeFirst()
  return { sequence: removed, hash: leaf?.hash.toString('hex') ?? '' }
}

/**
 * Walks the whole chain from its first entry.
 * @param known an earlier end of the chain that must still be in it
 * @returns where it breaks: `at` is the sequence of the first entry that is not as it was written
 */
export async function verifyChain(
  db: Kysely<AuditTables>,
  known?: ChainHead,
): Promise<ChainReport> {
  let last = await beginningOf(db)
  for (;;) {
    const page = await entriesAfter(db, last.sequence, pageSize)
    for (const entry of page) {
      const reason = faultOf(entry, last, known)
      if (reason !== undefined) {
        return { ok: false, entries: last.sequence, at: last.sequence + 1, reason }
      }
      last = { sequence: entry.sequence, hash: entry.hash.toString('hex') }
    }
    if (page.length < pageSize) break
  }
  if (known !== undefined && last.sequence < known.sequence) {
    const reason = `entries up to ${known.sequence} were known and are gone`
    return { ok: false, entries: last.sequence, at: last.sequence + 1, reason }
  }
  return { ok: true, entries: last.sequence, head: last }
}

function faultOf(
  entry: EntryRow,
  last: ChainHead,
  known: ChainHead | undefined,
): string | undefined {
  if (entry.sequence !== last.sequence + 1) {
    return `entry ${last.sequence + 1} is missing: the next one is ${entry.sequence}`
  }
  if (entry.previous_hash.toString('hex') !== last.hash) {
    return 'it does not follow the entry before it'
  }
  if (!entryHash(entry).equals(entry.hash)) return 'its content is not what was hashed'
  if (known?.sequence === entry.sequence && known.hash !== entry.hash.toString('hex')) {
    return 'it is not the entry that was known under this sequence'
  }
  return undefined
}
