import type { Kysely, Transaction } from 'kysely'
import type { Notice } from './face.ts'
import {
  builtInTexts,
  canonicalJson,
  hashOf,
  type LanguageOverlay,
  type LanguageText,
  layText,
} from './language-text.ts'
import type { ConsentTables } from './tables.ts'
import { sealNotice } from './write-notice.ts'

type Db = Kysely<ConsentTables> | Transaction<ConsentTables>

const order = ['file', 'operator'] as const

export type TextVersion = {
  locale: string
  hash: string
  source: (typeof order)[number]
  madeBy: string
  madeAt: Date
  content: LanguageOverlay
}

/** The newest words of the operator in each language, files before what was said over the management API. */
export async function newestOverlays(db: Db): Promise<TextVersion[]> {
  const rows = await db
    .selectFrom('consent.text_version')
    .selectAll()
    .distinctOn(['locale', 'source'])
    .orderBy('locale')
    .orderBy('source')
    .orderBy('position', 'desc')
    .execute()
  return rows
    .map((row) => ({
      locale: row.locale,
      hash: row.hash,
      source: row.source,
      madeBy: row.made_by,
      madeAt: row.made_at,
      content: row.content as LanguageOverlay,
    }))
    .toSorted((a, b) => order.indexOf(a.source) - order.indexOf(b.source))
}

/** The languages as they are now. */
export async function currentTexts(db: Db): Promise<ReadonlyMap<string, LanguageText>> {
  const overlays = await newestOverlays(db)
  return layText(
    builtInTexts(),
    overlays.map(({ content }) => content),
  )
}

/** Says nothing twice. @returns the hash of the content */
export async function addOverlay(
  db: Db,
  overlay: LanguageOverlay,
  by: { source: TextVersion['source']; madeBy: string; madeAt: Date },
): Promise<{ hash: string; changed: boolean }> {
  const content = canonicalJson(overlay)
  const hash = hashOf(content)
  const newest = (await newestOverlays(db)).find(
    (one) => one.locale === overlay.locale && one.source === by.source,
  )
  if (newest?.hash === hash) return { hash, changed: false }
  await db
    .insertInto('consent.text_version')
    .values({
      locale: overlay.locale,
      hash,
      content,
      source: by.source,
      made_by: by.madeBy,
      made_at: by.madeAt,
    })
    .execute()
  return { hash, changed: true }
}

/** Keeps what is about to be shown, by its hash. */
export async function keepNotice(db: Db, notice: Notice, at: Date): Promise<string> {
  const { hash, content } = sealNotice(notice)
  await db
    .insertInto('consent.notice')
    .values({ hash, locale: notice.locale, content, made_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return hash
}

export async function findNotice(
  db: Db,
  hash: string,
): Promise<{ hash: string; locale: string; content: string; made_at: Date } | undefined> {
  return await db
    .selectFrom('consent.notice')
    .selectAll()
    .where('hash', '=', hash)
    .executeTakeFirst()
}
