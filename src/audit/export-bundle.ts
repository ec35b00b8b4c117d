import { type Kysely, sql } from 'kysely'
import { type CheckpointPlatform, newestCheckpoint } from './checkpoints.ts'
import type { Dossier } from './dossier.ts'
import { actionLeaf, type LeafContent } from './leaf-content.ts'
import { type LogKey, logKey } from './log-key.ts'
import { inclusionProof } from './proofs.ts'
import { fact, type Story, storyMarkdown, storyPage } from './story.ts'
import type { AuditTables } from './tables.ts'
import {
  type Bundle,
  type BundleLeaf,
  bundleFormat,
  bundleText,
  keyRotated,
  pageSlot,
  pageText,
  sealText,
} from './verify.mjs'

/** One bundle in its two spellings, for programs and for people. Both verify. @public */
export type ExportedBundle = { json: string; page: string }

type Signed = { size: number; note: string; key: LogKey; madeAt: Date }

/**
 * Everything that proves the leaves of a dossier, as one file for `verify.mjs`.
 * @returns undefined when no checkpoint has them all yet
 */
export async function exportBundle(
  platform: CheckpointPlatform,
  dossier: Dossier,
  { withPage = true }: { withPage?: boolean } = {},
): Promise<ExportedBundle | undefined> {
  const db = platform.database.as<AuditTables>()
  return await db.transaction().execute(async (trx) => {
    const last = Math.max(...dossier.leaves.map(({ position }) => position))
    const newest = await newestCheckpoint(trx)
    if (newest === undefined || newest.size <= last) return undefined
    // By the present key, which is the one that is published; those before it lead to it.
    const row = await trx
      .selectFrom('audit.checkpoint as c')
      .innerJoin('audit.signing_key as k', 'k.id', 'c.key_id')
      .select(['c.size', 'c.note', 'k.public_key as key', 'c.made_at'])
      .where('c.size', '>', last)
      .where('c.key_id', '=', newest.key_id)
      .orderBy('c.size')
      .limit(1)
      .executeTakeFirstOrThrow()
    const key = await logKey(trx, platform, row.key)
    const signed = { size: row.size, note: row.note, key, madeAt: row.made_at }
    const leaves: BundleLeaf[] = []
    for (const leaf of dossier.leaves) leaves.push(await withPath(trx, leaf, row.size))
    return seal(signed, {
      exportedAt: platform.clock.now().toISOString(),
      ...wordsOf(dossier, signed),
      ...(withPage ? {} : { page: '' }),
      told: dossier.told,
      leaves,
      continuity: await keysBefore(trx, row.key),
    })
  })
}

type Contents = Omit<Bundle, 'format' | 'checkpoint' | 'key' | 'seal'>

function seal({ note, key }: Signed, contents: Contents): ExportedBundle {
  // What is sealed is what a reader of the file gets: dates and such are text by now.
  const written = JSON.parse(
    JSON.stringify({ format: bundleFormat, ...contents, checkpoint: note, key: key.publicKey }),
  ) as Omit<Bundle, 'seal'>
  const bundle: Bundle = { ...written, seal: key.sign(sealText(key.origin, written)) }
  return { json: bundleText(bundle), page: pageText(bundle) }
}

async function withPath(
  db: Kysely<AuditTables>,
  leaf: LeafContent,
  size: number,
): Promise<BundleLeaf> {
  const path = await inclusionProof(db, leaf.position, size)
  return { ...leaf, path: path.map((hash) => hash.toString('base64')) }
}

/** The keys before this one, each with the leaf that names the next and what it signed over that. */
export async function keysBefore(
  db: Kysely<AuditTables>,
  key: string,
): Promise<Bundle['continuity']> {
  const keys = await db
    .selectFrom('audit.signing_key')
    .select(['id', 'public_key'])
    .orderBy('made_at')
    .execute()
  const own = keys.findIndex((one) => one.public_key === key)
  const steps: Bundle['continuity'] = []
  for (const [place, before] of keys.slice(0, own).entries()) {
    const next = keys[place + 1]?.public_key
    const { rows } = await sql<{ event_id: string }>`
      select event_id from audit.entry where action = ${keyRotated} and detail ->> 'key' = ${next}
      order by sequence limit 1`.execute(db)
    const leaf = rows[0] && (await actionLeaf(db, rows[0].event_id))
    const signed =
      leaf &&
      (await db
        .selectFrom('audit.checkpoint')
        .select(['size', 'note'])
        .where('key_id', '=', before.id)
        .where('size', '>', leaf.position)
        .orderBy('size')
        .limit(1)
        .executeTakeFirst())
    // Its announcement has gone by its age: who knows only the keys before is told so by the verifier.
    if (leaf === undefined || signed === undefined) {
      steps.length = 0
      continue
    }
    const step = { key: before.public_key, checkpoint: signed.note }
    steps.push({ ...step, leaf: await withPath(db, leaf, signed.size) })
  }
  return steps
}

/** What people read: the story, and what the file proves. */
function wordsOf(
  { story, leaves }: Dossier,
  { size, madeAt, key }: Signed,
): { explanation: string; page: string } {
  const [first] = leaves
  const told: Story = {
    ...story,
    sections: [
      ...story.sections,
      {
        title: 'What this file proves',
        facts: [
          ...fact('Leaf of the evidence log', first?.position),
          ...fact(
            'Proven with it',
            leaves
              .slice(1)
              .map(({ kind, id, position }) => `${kind} ${id} (leaf ${position})`)
              .join(', '),
          ),
          ...fact('Signed', `${madeAt.toISOString()}, as part of a log of ${size} leaves`),
          ...fact('Public key', key.publicKey),
          ...fact(
            'Meaning',
            'What is recorded was written down as it is told here, at the latest when it was signed, and nobody has altered it since. Names of partners, applications, plans and rules are told by the operator and are not in the log.',
          ),
          ...fact(
            'Verify',
            'node verify.mjs <this file> --checkpoints <the exported checkpoints>, without any connection',
          ),
        ],
      },
    ],
  }
  return { explanation: storyMarkdown(told), page: storyPage(told, pageSlot) }
}
