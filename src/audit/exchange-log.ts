import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { sql, type Transaction } from 'kysely'
import { arrayLiteral } from '#platform/array-literal'
import { mapInTurns } from '#platform/in-turns'
import type { Platform } from '#platform/module'
import type { ExchangeFacts, SegmentOrigin } from './evidence.ts'
import { createEvidenceDays } from './evidence-days.ts'
import { exchangeRecord, isPersonal, personalValues } from './exchange-record.ts'
import { textLeafHash, treeRoot } from './merkle-tree.ts'
import { createParties } from './parties.ts'
import { createValueSealer, type PersonalValues } from './sealed-values.ts'
import { commitmentOf, createSubjectKeys, type KeyEpoch } from './subject-keys.ts'
import type { AuditTables } from './tables.ts'
import { canonicalJson, leafHash } from './verify.mjs'

const compress = promisify(zstdCompress)
const fast = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** The calls about people of one journal segment, ready to be written down. @public */
export type PreparedExchanges = {
  epoch: KeyEpoch
  day: string
  leafId: string
  record: string
  contents: Buffer
  facts: readonly ExchangeFacts[]
  personalIds: readonly number[]
  partyIds: readonly number[]
}

/** Makes the calls about people evidence, in the transaction that counts them. @public */
export interface ExchangeLog {
  /**
   * Keys, hashes and contents: everything that can be done before the transaction.
   * @returns undefined when no record is about a person
   */
  prepare(
    origin: SegmentOrigin,
    records: readonly ExchangeFacts[],
  ): Promise<PreparedExchanges | undefined>
  /**
   * Writes contents down, early in the transaction: nobody waits for that.
   * @throws KeysDestroyed when a subscriber was erased since; the transaction is to be rolled back and prepared anew
   */
  write<T>(trx: Transaction<T>, prepared: PreparedExchanges): Promise<void>
  /** Makes them a leaf, last in the transaction: it locks the log until the end. */
  append<T>(trx: Transaction<T>, prepared: PreparedExchanges): Promise<void>
}

/** @public */
export function createExchangeLog(
  platform: Pick<Platform, 'database' | 'sealing' | 'clock'>,
): ExchangeLog {
  const db = platform.database.as<AuditTables>()
  const keys = createSubjectKeys(platform)
  const sealer = createValueSealer(platform, keys)
  const parties = createParties(db)
  const days = createEvidenceDays(db)
  return {
    async prepare(origin, records) {
      const facts = records.filter(isPersonal)
      if (facts.length === 0) return undefined
      const day = await days.ensure(platform.clock.now())
      const epoch = await keys.epoch()
      const { environment } = origin
      const values = await mapInTurns(facts, personalOf)
      const sealed = await sealer.seal(epoch, environment, values)
      const lines = await mapInTurns(facts, (one, i) => {
        const [own, text] = [sealed[i], values[i]?.text ?? '']
        return exchangeRecord(one, own && commitmentOf(own, `exchange:${one.id}`, text))
      })
      const { gatewayId: gateway, boot, sequence, sha256 } = origin
      return {
        epoch,
        day,
        leafId: `${environment}/${gateway}/${boot}/${sequence}`,
        record: canonicalJson({
          ...{ kind: 'exchanges', environment, gateway, boot, sequence, sha256, day },
          records: facts.length,
          root: treeRoot(await mapInTurns(lines, textLeafHash)).toString('hex'),
        }),
        contents: await compress(`${lines.join('\n')}\n`, fast),
        facts,
        personalIds: sealed.map((own) => own?.id ?? 0),
        partyIds: await parties.of(facts),
      }
    },
    write: (trx, prepared) =>
      insertExchanges(keys, trx as unknown as Transaction<AuditTables>, prepared),
    async append(trx, { leafId, record }) {
      await sql`select audit.append_leaf('exchanges', ${leafId}, ${leafHash(record)})`.execute(trx)
    },
  }
}

/** Nothing is personal in a call about nobody who is known, without a token, a grant or a consent. */
function personalOf(facts: ExchangeFacts): PersonalValues | undefined {
  const text = personalValues(facts)
  return text === '{}' ? undefined : { pseudonym: facts.subject ?? '', text }
}

/**
 * Ids that begin alike are looked for together; nine characters behind the prefix are mostly the time. A character that is
 * cut in half is what the database makes of it.
 */
export const idStart = (id: string): string => id.slice(0, 12).toWellFormed()

async function insertExchanges(
  keys: ReturnType<typeof createSubjectKeys>,
  trx: Transaction<AuditTables>,
  prepared: PreparedExchanges,
): Promise<void> {
  const { day, leafId, record, contents, facts, personalIds, partyIds } = prepared
  const ats = facts.map(({ at }) => at).sort((a, b) => a - b)
  await keys.hold(trx, prepared.epoch)
  await sql`
    insert into audit.segment (id, day, leaf_id, record, records, contents, ids, ats, party_ids, personal_ids, id_starts,
      parties, from_at, to_at)
    values (nextval('audit.segment_id'), ${day}::date, ${leafId}, ${record}, ${facts.length}, ${contents},
      ${arrayLiteral(facts.map(({ id }) => id))}, ${arrayLiteral(facts.map(({ at }) => at))}, ${arrayLiteral(partyIds)},
      ${arrayLiteral(personalIds)}, ${arrayLiteral([...new Set(facts.map(({ id }) => idStart(id)))])},
      ${arrayLiteral([...new Set(partyIds)])}, ${new Date(ats.at(0) ?? 0)}, ${new Date(ats.at(-1) ?? 0)})`.execute(
    trx,
  )
}
