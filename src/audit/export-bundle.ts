import type { Kysely } from 'kysely'
import { entryRecord } from './chain.ts'
import type { CheckpointPlatform } from './checkpoints.ts'
import { logKey } from './log-key.ts'
import { inclusionProof } from './proofs.ts'
import type { AuditTables, EntryRow } from './tables.ts'
import { bundleFormat, bundleText, sealText } from './verify.mjs'

/** One leaf, by its place or by what it is about. @public */
export type LeafName = { position: number } | { kind: 'action'; id: string }

/**
 * Everything that proves one leaf, as one file for `verify.mjs`.
 * @returns undefined when there is no such leaf, or no checkpoint that has it
 */
export async function exportBundle(
  platform: CheckpointPlatform,
  name: LeafName,
): Promise<string | undefined> {
  return await platform.database
    .as<AuditTables>()
    .transaction()
    .execute(async (trx) => {
      const leaf = await findLeaf(trx, name)
      if (leaf === undefined) return undefined
      const checkpoint = await trx
        .selectFrom('audit.checkpoint as c')
        .innerJoin('audit.signing_key as k', 'k.id', 'c.key_id')
        .select(['c.size', 'c.note', 'k.public_key as key', 'c.made_at'])
        .where('c.size', '>', leaf.position)
        .orderBy('c.size')
        .limit(1)
        .executeTakeFirst()
      if (checkpoint === undefined) return undefined
      const key = await logKey(trx, platform, checkpoint.key)
      const { entry, position, kind, id } = leaf
      const path = await inclusionProof(trx, position, checkpoint.size)
      const contents = {
        format: bundleFormat,
        exportedAt: platform.clock.now().toISOString(),
        explanation: explain(entry, position, checkpoint),
        leaf: {
          ...{ position, kind, id },
          record: entryRecord(entry),
          previousHash: entry.previous_hash.toString('hex'),
        },
        inclusion: { path: path.map((hash) => hash.toString('base64')) },
        checkpoint: checkpoint.note,
        key: key.publicKey,
      }
      // What is sealed is what a reader of the file gets: dates and such are text by now.
      const written: unknown = JSON.parse(JSON.stringify(contents))
      return bundleText({ ...contents, seal: key.sign(sealText(key.origin, written)) })
    })
}

type Leaf = { position: number; kind: string; id: string; entry: EntryRow }

async function findLeaf(db: Kysely<AuditTables>, name: LeafName): Promise<Leaf | undefined> {
  const leaf = await db
    .selectFrom('audit.leaf')
    .select(['position', 'kind', 'id'])
    .where((eb) =>
      'position' in name
        ? eb('position', '=', name.position)
        : eb.and([eb('kind', '=', name.kind), eb('id', '=', name.id)]),
    )
    .executeTakeFirst()
  if (leaf === undefined) return undefined
  const entry = await db
    .selectFrom('audit.entry')
    .selectAll()
    .where('event_id', '=', leaf.id)
    .executeTakeFirst()
  return entry && { ...leaf, entry }
}

/** The page that a person reads; Markdown. */
function explain(
  entry: EntryRow,
  position: number,
  checkpoint: { size: number; made_at: Date },
): string {
  const { actor_kind: kind, actor_id: id, via, partner_id: partner } = entry
  const by = [id ?? kind, via === null ? undefined : `by ${via}`].filter(Boolean).join(', ')
  return [
    `# ${entry.action}`,
    '',
    `- When: ${entry.occurred_at.toISOString()}`,
    `- Who: ${kind} (${by})`,
    `- What: ${entry.action} of ${entry.target}`,
    ...(partner === null ? [] : [`- Partner: ${partner}`]),
    `- Detail: ${JSON.stringify(entry.detail)}`,
    '',
    `This is leaf ${position} of the evidence log. It is in the log of ${checkpoint.size} leaves that was signed at ${checkpoint.made_at.toISOString()}: nobody has altered it since. What this file proves is that this action was recorded as it is told here, at the latest then, and that the record is part of the one log whose signed checkpoints are kept outside the database.`,
    '',
    'Verify it without any connection: `node verify.mjs <this file> --checkpoints <the exported checkpoints>`.',
  ].join('\n')
}
