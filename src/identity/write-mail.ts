import type { MailMessage } from '#platform/mail'
import type { OutboxEvent, Subscriber } from '#platform/outbox'
import { unconfirmedDays } from './forget-unconfirmed.ts'
import { issueLink } from './link-store.ts'
import { type MailOrder, mailEvent, registeredEvent } from './mail-events.ts'
import { findInvitation } from './member-store.ts'
import type { Identifying } from './needs.ts'
import { mailedCode } from './prove-domain.ts'
import { findDomain } from './provider-store.ts'
import { recoveryContext } from './request-recovery.ts'
import { findStaffInvitation } from './staff-store.ts'
import { type Account, countOpened, findAccount, findClaim, findHolder } from './store.ts'

/** An address that no server takes would otherwise be tried for ever. */
const giveUpMs = 2 * 24 * 3_600_000

/**
 * Sends what was ordered. A link is committed before its mail leaves, apart from the transaction that takes the order
 * off the list: whoever is quick must not hold a link that is not stored yet. When sending fails the order stays and the
 * next try makes another link, so a mail can come twice but is never lost.
 */
export function createMailSubscriber(identifying: Identifying): Subscriber {
  return {
    name: 'identity',
    types: [registeredEvent, mailEvent],
    async handle(_trx, event) {
      const age = identifying.clock.now().getTime() - event.occurredAt.getTime()
      if (age > giveUpMs) {
        identifying.log.warn(
          { eventId: event.id },
          'a mail could not be sent for two days; given up',
        )
        return
      }
      const message = await write(identifying, orderOf(event))
      if (message !== undefined) await identifying.mail.send(message)
    },
  }
}

function orderOf(event: OutboxEvent): MailOrder {
  if (event.type !== registeredEvent) return event.payload as MailOrder
  const { memberId } = event.payload as { memberId: string }
  return { kind: 'registration', personId: memberId }
}

async function write(identifying: Identifying, order: MailOrder): Promise<MailMessage | undefined> {
  switch (order.kind) {
    case 'registration':
      return await registrationMail(identifying, order.personId)
    case 'verification':
      return await verificationMail(identifying, order.personId)
    case 'recovery':
      return await recoveryMail(identifying, order)
    case 'invitation':
    case 'staff-invitation':
      return await invitationMail(identifying, order)
    case 'password-changed':
      return await passwordChangedMail(identifying, order.personId)
    case 'domain-proof':
      return await domainMail(identifying, order)
    case 'notice':
      return await noticeMail(identifying, order)
  }
}

/** Behind `#` a token is seen by the page only, not by a server or its log. */
const linkTo = ({ config }: Identifying, page: string, token: string): string =>
  `${config.portal.url}/${page}#token=${token}`

/** So many accounts opened with one address in an hour are told to it. */
const mostRegistrationMails = 5

/** Anybody may open accounts with an address: its mailbox gets the first mails of an hour only. */
async function registrationMail(
  identifying: Identifying,
  personId: string,
): Promise<MailMessage | undefined> {
  const { db } = identifying
  const account = await findAccount(db, personId)
  if (account === undefined) return undefined
  const { email, created_at: opened } = account
  const hourBefore = new Date(opened.getTime() - 3_600_000)
  if ((await countOpened(db, email, hourBefore, opened)) >= mostRegistrationMails) return undefined
  return await verificationMail(identifying, personId)
}

async function verificationMail(
  identifying: Identifying,
  personId: string,
): Promise<MailMessage | undefined> {
  const { db } = identifying
  const account = await findAccount(db, personId)
  if (account === undefined || account.email_verified_at !== null) return undefined
  if ((await findHolder(db, account.email)) !== undefined) return knownMail(identifying, account)
  const token = await issueLink(identifying, db, 'email-verification', personId)
  const { operatorName } = identifying.config
  return {
    to: account.email,
    subject: `Confirm your e-mail address for ${operatorName}`,
    text: `An account with this e-mail address was created at ${operatorName}. If it is yours, confirm the address:

${linkTo(identifying, 'verify-email', token)}

The link works for three days. The sandbox works without it; production needs a confirmed address.
An account that is neither confirmed nor used for ${unconfirmedDays} days is removed, with its sandbox.
If you did not create the account, do nothing.`,
  }
}

/** To an address that has an account. The page where the other one was opened says nothing about it. */
function knownMail({ config }: Identifying, { email }: Account): MailMessage {
  const { operatorName, portal } = config
  return {
    to: email,
    subject: `You have an account at ${operatorName}`,
    text: `Somebody opened another account with this e-mail address at ${operatorName}. You have one already: sign in to it here:

${portal.url}/sign-in

The other account works in the sandbox of whoever opened it, and cannot be confirmed. It has nothing to do with yours.
If you forgot your password: ${portal.url}/recovery`,
  }
}

async function recoveryMail(
  identifying: Identifying,
  { sealedEmail, personId }: MailOrder & { kind: 'recovery' },
): Promise<MailMessage | undefined> {
  const { db, sealing } = identifying
  const email = sealing.open(sealedEmail, recoveryContext)
  const account =
    (await findHolder(db, email)) ??
    (personId === undefined ? undefined : await findClaim(db, email, { id: personId })) ??
    (await findClaim(db, email))
  if (account === undefined) return undefined
  const token = await issueLink(identifying, db, 'recovery', account.id)
  const { operatorName } = identifying.config
  return {
    to: account.email,
    subject: `Set a new password for ${operatorName}`,
    text: `Somebody asked for a new password for your account at ${operatorName}. If it was you, set it here:

${linkTo(identifying, 'reset', token)}

The link works once, for 30 minutes. All open sessions end when the password is set.${unconfirmed(account)}
If it was not you, do nothing: your password stays as it is.`,
  }
}

/** Whoever opened an account with somebody else's address must not get its owner to move in. */
const unconfirmed = ({ email_verified_at: confirmed, created_at: opened }: Account): string =>
  confirmed !== null
    ? ''
    : `
The account was opened on ${opened.toISOString().slice(0, 10)} and this address was never confirmed. If that was not you,
do not use the link: open an account of your own. Passkeys, apps and API tokens of the account end with the link.`

/** What a mail says of an invitation: to where, on which page it is accepted, and for how long that works. */
const invitations = {
  invitation: { to: 'an organisation at', page: 'accept-invitation', lifetime: 'seven days' },
  'staff-invitation': {
    to: 'the staff of',
    page: 'console/accept-invitation',
    lifetime: 'three days',
  },
} as const

async function invitationMail(
  identifying: Identifying,
  { kind, invitationId }: MailOrder & { kind: 'invitation' | 'staff-invitation' },
): Promise<MailMessage | undefined> {
  const { db, config } = identifying
  const find = kind === 'invitation' ? findInvitation : findStaffInvitation
  const invitation = await find(db, invitationId)
  if (invitation === undefined) return undefined
  const { to, page, lifetime } = invitations[kind]
  const subject = `You are invited to ${to} ${config.operatorName}`
  const invited = `You were invited to join ${to} ${config.operatorName} as ${invitation.role}.`
  if ((await findHolder(db, invitation.email)) !== undefined) {
    return {
      to: invitation.email,
      subject,
      text: `${invited}
This e-mail address has an account there already, and an account belongs to one organisation.
To join, ask for an invitation to another address of yours. If you do not expect this, do nothing.`,
    }
  }
  const token = await issueLink(identifying, db, kind, invitation.id)
  return {
    to: invitation.email,
    subject,
    text: `${invited} To accept, choose a name and a password:

${linkTo(identifying, page, token)}

The link works once, for ${lifetime}. If you do not expect this, do nothing.`,
  }
}

/** What another module has to say to a member; somebody who left meanwhile is not told. */
async function noticeMail(
  { db }: Identifying,
  { personId, subject, text }: MailOrder & { kind: 'notice' },
): Promise<MailMessage | undefined> {
  const account = await findAccount(db, personId)
  return account && { to: account.email, subject, text }
}

async function passwordChangedMail(
  { db, config }: Identifying,
  personId: string,
): Promise<MailMessage | undefined> {
  const account = await findAccount(db, personId)
  if (account === undefined) return undefined
  return {
    to: account.email,
    subject: `Your password for ${config.operatorName} was changed`,
    text: `The password of your account at ${config.operatorName} was just set by a link that was sent to this address.
All sessions were ended. If it was not you, ask for another link at once: ${config.portal.url}/recovery`,
  }
}

/** Of a domain that is proved already, or that was let go, there is nothing to prove. */
async function domainMail(
  identifying: Identifying,
  { partnerId, domain, mailbox }: MailOrder & { kind: 'domain-proof' },
): Promise<MailMessage | undefined> {
  const row = await findDomain(identifying.db, partnerId, domain)
  if (row === undefined || row.confirmed_at !== null) return undefined
  const { operatorName } = identifying.config
  return {
    to: `${mailbox}@${domain}`,
    subject: `Single sign-on for ${domain} at ${operatorName}`,
    text: `Somebody sets up single sign-on for addresses of ${domain} at ${operatorName}. If it is one of you, send back this code:

${mailedCode(identifying, row)}

Whoever has it decides how people with an address of ${domain} sign in there. If you do not expect this, do nothing.`,
  }
}
