import { createPrivateKey, createPublicKey } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import type { Platform } from '#platform/module'
import { logKeyContext } from './log-key.ts'
import { oldestAction } from './store.ts'
import type { AuditTables, KeyRow } from './tables.ts'
import { keyRotated, parseKey } from './verify.mjs'
import type { Removed } from './verify-contents.ts'

type Announcement = { key: string; previous: string; made_at: string | null; covered: string[] }

/**
 * Each key but the first was named in a leaf that a checkpoint of the key before it covers, and each can sign what it is
 * to verify.
 */
export async function faultOfLogKeys(
  db: Kysely<AuditTables>,
  sealing: Platform['sealing'],
  removed: Removed,
): Promise<string | undefined> {
  const keys = await db.selectFrom('audit.signing_key').selectAll().orderBy('made_at').execute()
  const { rows } = await sql<Announcement>`
    select e.detail ->> 'key' as key, e.detail ->> 'previous' as previous, e.detail ->> 'madeAt' as made_at,
      array_agg(distinct c.key_id) as covered
    from audit.entry e
    join audit.leaf l on l.kind = 'action' and l.id = e.event_id
    join audit.checkpoint c on c.size > l.position
    where e.action = ${keyRotated} group by 1, 2, 3`.execute(db)
  const oldest = removed.leavesOf('action') === 0 ? undefined : await oldestAction(db)
  for (const [place, key] of keys.entries()) {
    const before = keys[place - 1]
    const named = rows.find((row) => row.key === key.public_key)
    if (before === undefined && named !== undefined)
      return `the key ${key.id} was not the first one, and stands there as if it were`
    // One that was announced in an action that has gone by its age is not asked for it.
    const gone = named === undefined && oldest !== undefined && key.made_at <= oldest
    if (before !== undefined && !gone) {
      if (named?.covered.includes(before.id) !== true || named.previous !== before.public_key)
        return `the key ${key.id} signs, and nothing that the key before it signed names it`
      if (named.made_at !== null && named.made_at !== key.made_at.toISOString())
        return `the key ${key.id} was made at another time than the log says`
    }
    const fault = faultOfKey(key, keys[0]?.origin, sealing)
    if (fault !== undefined) return `the key ${key.id}: ${fault}`
  }
  return undefined
}

function faultOfKey(
  { id, origin, public_key: text, sealed_private_key: sealed }: KeyRow,
  log: string | undefined,
  sealing: Platform['sealing'],
): string | undefined {
  const own = readKey(text)
  if (own?.id !== id || own.name !== origin || origin !== log)
    return 'its names are not those that its public key has'
  try {
    const made = createPublicKey(createPrivateKey(sealing.open(sealed, logKeyContext(id))))
    return made.equals(own.key) ? undefined : 'its private key is another one'
  } catch {
    return 'its private key does not open, so nothing can be signed with it'
  }
}

function readKey(text: string): ReturnType<typeof parseKey> | undefined {
  try {
    return parseKey(text)
  } catch {
    return undefined
  }
}
