import { sql, type Transaction } from 'kysely'
import type { Platform } from '#platform/module'
import type { Outbox } from '#platform/outbox'
import type { NewEvidence } from './evidence.ts'
import { filingOf } from './filing.ts'
import { lockChain } from './store.ts'
import { commitmentOf, KeysDestroyed, type SubjectKeys } from './subject-keys.ts'
import type { AuditTables } from './tables.ts'
import { canonicalJson } from './verify.mjs'

export const evidenceEvent = 'audit.evidence'

/** As an event carries it. */
export type EvidencePayload = Omit<NewEvidence, 'at'> & { at: string }

/**
 * Records evidence in the transaction of what it tells of, in any process: control appends it to the log.
 * @example await recordEvidence(outbox, trx, { kind: 'consent', id: 'cns_1/4', at, record: { state: 'GRANTED' } })
 * @public
 */
export async function recordEvidence<T>(
  outbox: Outbox,
  trx: Transaction<T>,
  evidence: NewEvidence,
): Promise<void> {
  const payload: EvidencePayload = { ...evidence, at: evidence.at.toISOString() }
  await outbox.emit(trx, { type: evidenceEvent, key: evidence.id, payload })
}

export const sealedEvidenceContext = (kind: string, id: string): string =>
  `audit.evidence.sealed.${kind}.${id}`

/**
 * Appends evidence at the end of the log; it locks the log until the transaction ends.
 * @returns its position, or undefined when it was there already
 */
export async function appendEvidence(
  { keys, clock }: { keys: SubjectKeys; clock: Platform['clock'] },
  trx: Transaction<AuditTables>,
  evidence: NewEvidence,
): Promise<number | undefined> {
  const { kind, id, at, about } = evidence
  const appendedAt = clock.now()
  const filed = filingOf(evidence, appendedAt)
  await lockChain(trx)
  const personal = about === undefined ? undefined : await sealPersonal(keys, trx, evidence, about)
  const record = {
    ...evidence.record,
    ...{ kind, id, at: at.toISOString(), personal: personal?.commitment, filed },
  }
  // What is undefined is absent.
  const text = canonicalJson(JSON.parse(JSON.stringify(record)))
  const { rows } = await sql<{ position: number | null }>`
    select audit.append_evidence(${kind}, ${id}, ${at}, ${appendedAt}, ${text}, ${personal?.sealed ?? null},
      ${personal?.subjectId ?? null}, ${filed.about ?? null}, ${filed.final}, ${filed.partnerId ?? null},
      ${filed.applicationId ?? null}) as position`.execute(trx)
  return rows[0]?.position ?? undefined
}

type Sealed = { commitment: string; sealed: string; subjectId: number }

async function sealPersonal(
  keys: SubjectKeys,
  trx: Transaction<AuditTables>,
  { kind, id }: NewEvidence,
  { subject, personal }: NonNullable<NewEvidence['about']>,
): Promise<Sealed> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const epoch = await keys.epoch()
      const [own] = (await keys.keysOf(epoch, [subject])).values()
      await keys.hold(trx, epoch)
      if (own === undefined) throw new KeysDestroyed()
      const values = canonicalJson(JSON.parse(JSON.stringify(personal)))
      return {
        commitment: commitmentOf(own, `${kind}:${id}`, values),
        sealed: keys.keyOf(subject, own).seal(values, sealedEvidenceContext(kind, id)),
        subjectId: own.id,
      }
    } catch (error) {
      // Another turn holds the keys that it reads: the lock stays with this transaction.
      if (!(error instanceof KeysDestroyed) || attempt === 3) throw error
    }
  }
}
