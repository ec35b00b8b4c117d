import { recordEvidence } from '#audit'
import { type ChangeEvidence, evidenceOfChange } from './evidence-of-change.ts'
import type { ConsentQuestion, ConsentState } from './face.ts'
import type { Consenting, Trx } from './needs.ts'
import type { ConsentRow } from './tables.ts'
import { mayBecome } from './transitions.ts'

/**
 * Begins a consent. The caller has locked the subscriber's application, and knows that none is living.
 */
export async function addConsent(
  consenting: Consenting,
  trx: Trx,
  begun: ConsentQuestion & {
    application: { name: string; partnerId: string; partnerName: string }
    basis: ConsentRow['basis']
    state: 'PENDING' | 'GRANTED' | 'OBJECTED'
    expiresAt?: Date | undefined
  },
  evidence: ChangeEvidence,
): Promise<ConsentRow> {
  const at = consenting.clock.now()
  const { application, state } = begun
  const answered = state !== 'PENDING'
  const row: ConsentRow = {
    id: consenting.newId('consent'),
    environment: begun.environment,
    subject: begun.subject,
    application_id: begun.applicationId,
    application_name: application.name,
    partner_id: application.partnerId,
    partner_name: application.partnerName,
    purpose: begun.purpose,
    scopes: [...begun.scopes],
    basis: begun.basis,
    state,
    created_at: at,
    changed_at: at,
    granted_at: state === 'GRANTED' ? at : null,
    expires_at: begun.expiresAt ?? null,
    last_used_at: null,
    text_hash: answered ? (evidence.text_hash ?? null) : null,
    locale: answered ? (evidence.locale ?? null) : null,
  }
  await trx.insertInto('consent.consent').values(row).execute()
  await record(consenting, trx, row, null, evidence)
  return row
}

/**
 * The one way in which a consent comes to another state: by the table, with its history and its event.
 * @throws when the table does not know the transition, which is a fault of the caller
 */
export async function changeConsent(
  consenting: Consenting,
  trx: Trx,
  row: ConsentRow,
  to: ConsentState,
  evidence: ChangeEvidence & { expiresAt?: Date | undefined },
): Promise<ConsentRow> {
  if (!mayBecome(row.state, to)) throw new Error(`a consent does not go from ${row.state} to ${to}`)
  const at = consenting.clock.now()
  const { expiresAt, ...how } = evidence
  const changed: ConsentRow = { ...row, state: to, changed_at: at }
  if (to === 'GRANTED') {
    changed.granted_at = at
    changed.expires_at = expiresAt ?? null
  }
  if (to === 'GRANTED' || to === 'DENIED') {
    changed.text_hash = how.text_hash ?? null
    changed.locale = how.locale ?? null
  }
  const { state, changed_at, granted_at, expires_at, text_hash, locale } = changed
  const { numUpdatedRows } = await trx
    .updateTable('consent.consent')
    .set({ state, changed_at, granted_at, expires_at, text_hash, locale })
    .where('id', '=', row.id)
    .where('state', '=', row.state)
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) throw new Error(`the consent ${row.id} was changed by somebody else`)
  await record(consenting, trx, changed, row.state, how)
  return changed
}

async function record(
  consenting: Consenting,
  trx: Trx,
  row: ConsentRow,
  from: ConsentState | null,
  evidence: ChangeEvidence,
): Promise<void> {
  const { position } = await trx
    .insertInto('consent.change')
    .values({
      consent_id: row.id,
      from_state: from,
      to_state: row.state,
      at: row.changed_at,
      by_kind: evidence.by_kind,
      by_id: evidence.by_id ?? null,
      channel: evidence.channel,
      method: evidence.method ?? null,
      reason: evidence.reason ?? null,
      capture_id: evidence.capture_id ?? null,
      text_hash: evidence.text_hash ?? null,
      locale: evidence.locale ?? null,
    })
    .returning('position')
    .executeTakeFirstOrThrow()
  await recordEvidence(consenting.outbox, trx, evidenceOfChange(row, from, position, evidence))
  await consenting.outbox.emit(trx, {
    type: 'consent.changed',
    key: row.id,
    payload: {
      environment: row.environment,
      id: row.id,
      state: row.state,
      from,
      subject: row.subject,
      applicationId: row.application_id,
      partnerId: row.partner_id,
      purpose: row.purpose,
      scopes: row.scopes,
      basis: row.basis,
      expiresAt: row.expires_at?.toISOString() ?? null,
      textHash: evidence.text_hash ?? null,
      locale: evidence.locale ?? null,
      by: evidence.by_kind,
      channel: evidence.channel,
      method: evidence.method ?? null,
      at: row.changed_at.toISOString(),
    },
  })
}
