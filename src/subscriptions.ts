import type { ReactionAtOnce } from '#platform/outbox'
import { revokeAtCommit } from './snapshot/revoke-at-commit.ts'

/**
 * Which module reacts to which events, by the name of its subscriber. The same table serves every process that emits.
 */
export const subscriptions: Readonly<Record<string, readonly string[]>> = {
  audit: ['audit.action', 'audit.evidence'],
  identity: ['member.registered', 'member.mail'],
  partners: ['partner.abandoned'],
  catalog: ['api.retirement-announced'],
  contracts: [
    'partner.registered',
    'partner.changed',
    'application.changed',
    'api.changed',
    'quota.warned',
  ],
  consent: ['application.changed'],
  'consent-uses': ['consents.used'],
  snapshot: [
    'api.changed',
    'partner.changed',
    'application.changed',
    'contract.changed',
    'plan.changed',
    'subscription.changed',
    'signing-key.changed',
  ],
  'snapshot-revocations': ['grant.ended', 'token.revoked', 'consent.changed'],
}

/** What cannot wait for control: calls on what has ended. Part of each process that emits, as the table is. */
export const atOnce: ReactionAtOnce = revokeAtCommit
