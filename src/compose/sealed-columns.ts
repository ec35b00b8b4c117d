import { sealedColumns as audit } from '#audit'
import { sealedColumns as authorization } from '#authorization'
import { sealedColumns as identity } from '#identity'
import { sealedColumns as partners } from '#partners'
import type { SealedColumn } from '#platform/keys/reseal'

/** Every column that is sealed anew after a rotation. What a module keeps sealed for long stands in its face. */
export const sealedColumns: readonly SealedColumn[] = [
  ...audit,
  ...identity,
  ...partners,
  ...authorization,
]

/**
 * Sealed columns that are not, each with the reason: a key that has left the ring's first place still opens what it
 * sealed, so a value that goes by itself within weeks may be left to go.
 */
export const passingColumns: Readonly<Record<string, string>> = {
  'audit.erasure.sealed_number': 'gone when it is decided, within a day',
  'audit.evidence.sealed':
    'sealed with the key of the subscriber, which is wrapped anew in audit.subject',
  'audit.personal.sealed':
    'sealed with the key of the subscriber, which is wrapped anew in audit.subject',
  'consent.capture.sealed_number': 'gone when the question is answered or ends',
  'identity.totp_enrolment.sealed_secret': 'gone after 15 minutes',
}
