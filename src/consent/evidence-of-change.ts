import type { NewEvidence } from '#audit'
import { erasedPseudonym } from '#platform/eraser'
import type { ConsentState } from './face.ts'
import type { ChangeRow, ConsentRow } from './tables.ts'
import { living } from './transitions.ts'

/** Who, how and on what evidence. */
export type ChangeEvidence = Pick<ChangeRow, 'by_kind' | 'channel'> &
  Partial<Pick<ChangeRow, 'by_id' | 'method' | 'reason' | 'capture_id' | 'text_hash' | 'locale'>>

/**
 * A change of a consent, or an objection, as evidence, by the fields of ISO/IEC TS 27560. Whom it is about stands only in
 * what is personal, so that nothing leads to them when they were erased.
 */
export function evidenceOfChange(
  row: ConsentRow,
  from: ConsentState | null,
  position: number,
  evidence: ChangeEvidence,
): NewEvidence {
  return {
    kind: 'consent',
    id: `${row.id}/${position}`,
    at: row.changed_at,
    record: {
      schemaVersion: 'ISO/IEC TS 27560:2023',
      recordId: row.id,
      environment: row.environment,
      state: row.state,
      piiControllers: [{ id: row.partner_id, name: row.partner_name }],
      processing: {
        purpose: row.purpose,
        lawfulBasis: row.basis,
        piiCategories: row.scopes,
        recipients: [{ id: row.application_id, name: row.application_name }],
      },
      validity: {
        from: row.granted_at?.toISOString(),
        until: row.expires_at?.toISOString(),
      },
      event: {
        previousState: from ?? undefined,
        entity: evidence.by_kind,
        entityId: evidence.by_id ?? undefined,
        channel: evidence.channel,
        method: evidence.method ?? undefined,
        noticeHash: evidence.text_hash ?? undefined,
        noticeLocale: evidence.locale ?? undefined,
      },
    },
    about:
      row.subject === erasedPseudonym
        ? undefined
        : {
            subject: { environment: row.environment, pseudonym: row.subject },
            // A reason was written by somebody, and may name whom it is about.
            personal: {
              piiPrincipalId: row.subject,
              captureId: evidence.capture_id ?? undefined,
              reason: evidence.reason ?? undefined,
            },
          },
    thing: { id: row.id, final: !living.includes(row.state) },
    partnerId: row.partner_id,
    applicationId: row.application_id,
  }
}
