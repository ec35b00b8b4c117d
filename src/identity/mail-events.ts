import type { Transaction } from 'kysely'
import type { OutboxEvent } from '#platform/outbox'
import type { Identifying } from './needs.ts'
import type { DomainMail } from './sso-schema.ts'

/**
 * What must be mailed after a change is committed. No address of a person and no secret link is in it, because events are
 * kept: a link is made when the mail is written, and an address that may have no account comes sealed.
 */
export type MailOrder =
  | { kind: 'registration' | 'verification'; personId: string }
  /** `personId`: who signed in last with the browser that asked */
  | { kind: 'recovery'; sealedEmail: string; personId?: string }
  | { kind: 'invitation'; invitationId: string }
  | { kind: 'staff-invitation'; invitationId: string }
  | { kind: 'password-changed'; personId: string }
  | { kind: 'domain-proof'; partnerId: string; domain: string; mailbox: DomainMail['mailbox'] }
  | { kind: 'notice'; personId: string; subject: string; text: string }

export const mailEvent = 'member.mail'
export const registeredEvent = 'member.registered'

export async function orderMail<T>(
  { outbox }: Pick<Identifying, 'outbox'>,
  trx: Transaction<T>,
  order: MailOrder,
  cause?: OutboxEvent,
): Promise<void> {
  await outbox.emit(trx, {
    type: mailEvent,
    key: order.kind,
    payload: order,
    ...(cause !== undefined && { cause }),
  })
}
