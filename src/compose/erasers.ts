import { authorizationEraser } from '#authorization'
import { consentEraser } from '#consent'
import { gatewayEraser } from '#gateway'
import { meteringEraser } from '#metering'
import type { PartnerDirectory } from '#partners'
import type { Eraser } from '#platform/eraser'
import type { Platform } from '#platform/module'
import { snapshotEraser } from '#snapshot'
import { consentNeeds } from './consent-needs.ts'

/** How each module forgets a subscriber: consents end first, so that no call goes on. */
export const erasers = (platform: Platform, partners: PartnerDirectory): readonly Eraser[] => [
  consentEraser(platform, consentNeeds(platform, partners)),
  snapshotEraser(platform),
  authorizationEraser,
  meteringEraser,
  gatewayEraser,
]

/**
 * Columns that a subscriber stands in, or that look as if, and that no module erases, each with the reason.
 */
export const otherSubjectColumns: Readonly<Record<string, string>> = {
  'audit.evidence.subject_id': 'set to null by audit.erase_subject',
  'audit.personal.subject_id': 'deleted by audit.erase_subject',
  'audit.subject.pseudonym': 'deleted by audit.erase_subject',
  'audit.erasure.sealed_number':
    'gone when it was confirmed, cancelled or nobody confirmed in time',
  'identity.link.subject_id': 'a person with an account, not a subscriber',
  'identity.provider_subject.subject': 'a person with an account, not a subscriber',
  'platform.delivery.subscriber': 'a part of the product that reacts to events',
  'partners.credential.subject_alternative_name': 'of the certificate of a partner',
  'sandbox.message.phone_number': 'numbers of the sandbox belong to nobody (+990)',
  'sandbox.one_time_password.phone_number': 'numbers of the sandbox belong to nobody (+990)',
}
