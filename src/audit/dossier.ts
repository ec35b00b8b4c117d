import type { Kysely } from 'kysely'
import { nameInSentence } from '#platform/shown-name'
import {
  type DescribeExchange,
  type ExchangeContext,
  type ExchangePersonal,
  type ExchangeRecordFacts,
  nothingKnown,
} from './exchange-context.ts'
import { exchangeStory } from './exchange-story.ts'
import { actionLeaf, exchangeLeaf, type LeafContent, singleLeaf } from './leaf-content.ts'
import { leafStory } from './leaf-story.ts'
import { type OpenedSegments, readExchange } from './read-exchange.ts'
import { plainStory, type Story } from './story.ts'
import type { SubjectKeys } from './subject-keys.ts'
import type { AuditTables } from './tables.ts'
import type { Bundle } from './verify.mjs'

/** What evidence is asked for: one call, or one leaf by its place or by what it is about. @public */
export type EvidenceName =
  | { exchange: string }
  | { position: number }
  | { kind: string; id: string }

/** Everything that answers for one thing: the leaves that prove it, what is told beside them, and the story. */
export type Dossier = {
  /** the first is what was asked for */
  leaves: readonly LeafContent[]
  told: Bundle['told']
  story: Story
  partnerId: string | undefined
}

export type DossierSource = {
  db: Kysely<AuditTables>
  keys: SubjectKeys
  describe: DescribeExchange | undefined
  /** of whoever asks for many */
  opened?: OpenedSegments | undefined
}

/** @returns undefined when nothing is kept of it: it never was, is on its way, or has gone by its age */
export async function readDossier(
  source: DossierSource,
  name: EvidenceName,
): Promise<Dossier | undefined> {
  if ('exchange' in name) return await exchangeDossier(source, name.exchange)
  const leaf = 'position' in name ? await findLeaf(source.db, name.position) : name
  if (leaf === undefined) return undefined
  const content =
    leaf.kind === 'action'
      ? await actionLeaf(source.db, leaf.id)
      : await singleLeaf(source.db, source.keys, leaf)
  if (content === undefined) return undefined
  const { record } = content
  const partnerId = typeof record.partner_id === 'string' ? record.partner_id : undefined
  return { leaves: [content], told: {}, story: plainStory(leafStory(content)), partnerId }
}

const findLeaf = (db: Kysely<AuditTables>, position: number) =>
  db
    .selectFrom('audit.leaf')
    .select(['kind', 'id'])
    .where('position', '=', position)
    .executeTakeFirst()

async function exchangeDossier(source: DossierSource, id: string): Promise<Dossier | undefined> {
  const { db, keys, opened } = source
  const found = await readExchange(db, keys, id, opened)
  if (found === undefined) return undefined
  const leaf = exchangeLeaf(found)
  const record = leaf.exchange.record as unknown as ExchangeRecordFacts
  const personal = personalFacts(leaf.exchange.personal)
  const consentIds = typeof personal === 'object' ? (personal.consents ?? []) : []
  const context = (await source.describe?.(record, consentIds)) ?? nothingKnown
  const at = new Date(record.at)
  const consents = await consentLeaves(source, consentIds, at)
  const acceptance = await acceptanceLeaf(db, record.partnerId, context, at)
  return {
    leaves: [leaf, ...consents, ...(acceptance === undefined ? [] : [acceptance])],
    told: toldOf(context, consents),
    partnerId: record.partnerId,
    story: plainStory(
      exchangeStory({
        ...{ record, personal, context: withNamesInSentences(context) },
        consentEvents: consents.map(eventOf),
        acceptance: acceptance?.record,
      }),
    ),
  }
}

/** Partners chose these names; none may turn the words of the answer around it. */
const withNamesInSentences = (context: ExchangeContext): ExchangeContext => ({
  ...context,
  partner: context.partner && nameInSentence(context.partner),
  application: context.application && nameInSentence(context.application),
})

function personalFacts(personal: LeafContent['personal']): ExchangePersonal | 'erased' | undefined {
  if (personal === undefined || personal === 'erased') return personal
  return personal.values as ExchangePersonal
}

const mostEvents = 20

/**
 * What had happened to these consents by then, oldest first. A gateway names what it knew to be granted: where its clock is
 * behind, that looks later than the call, and belongs to it all the same.
 */
async function consentLeaves(
  { db, keys }: DossierSource,
  consentIds: readonly string[],
  until: Date,
): Promise<LeafContent[]> {
  const leaves: LeafContent[] = []
  for (const consentId of consentIds) {
    const rows = await db
      .selectFrom('audit.evidence')
      .select(['kind', 'id', 'at'])
      .where('kind', '=', 'consent')
      .where('about', '=', consentId)
      .orderBy('at')
      .orderBy('id')
      .limit(mostEvents)
      .execute()
    const whole: LeafContent[] = []
    for (const row of rows) {
      const leaf = await singleLeaf(db, keys, row)
      if (leaf !== undefined) whole.push(leaf)
    }
    const byThen = rows.filter(({ at }) => at <= until).length
    const granted = whole.findIndex(({ record }) => record.state === 'GRANTED')
    leaves.push(...whole.slice(0, Math.max(byThen, granted + 1)))
  }
  return leaves
}

const eventOf = ({ record, personal }: LeafContent): Record<string, unknown> => ({
  ...record,
  ...(typeof record.event === 'object' ? record.event : {}),
  ...(typeof personal === 'object' ? (personal.values as Record<string, unknown>) : {}),
})

/** How the partner accepted the agreement of the contract. */
async function acceptanceLeaf(
  db: Kysely<AuditTables>,
  partnerId: string | undefined,
  { contract }: ExchangeContext,
  until: Date,
): Promise<LeafContent | undefined> {
  if (partnerId === undefined || contract?.agreement === undefined) return undefined
  const entry = await db
    .selectFrom('audit.entry')
    .select('event_id')
    .where('partner_id', '=', partnerId)
    .where('action', '=', 'agreement.accepted')
    .where('target', '=', contract.agreement.id)
    .where('occurred_at', '<=', until)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  return entry && (await actionLeaf(db, entry.event_id))
}

/** Beside the log: names and texts. Of the texts only those whose hashes are in the leaves. */
function toldOf(context: ExchangeContext, leaves: readonly LeafContent[]): Bundle['told'] {
  const { partner, application, api, contract, consents, rules } = context
  const inLog = JSON.stringify(leaves)
  return {
    ...{ partner, application, api, contract, consents, rules },
    ...(contract?.agreement && { agreement: contract.agreement }),
    notices: context.notices.filter(({ hash }) => inLog.includes(JSON.stringify(hash))),
  }
}
