import { type Actor, recordAction } from '#audit'
import { AppError, invalidArgument } from '#platform/app-error'
import { lockFor } from '#platform/database'
import { sameSecret } from '#platform/sealing'
import { orderMail } from './mail-events.ts'
import type { Identifying } from './needs.ts'
import {
  claimDomain,
  confirmDomain,
  deleteDomain,
  endLocalSessions,
  endSessionsOfDomain,
  findDomain,
  findDomainOwner,
  listDomains,
  lockProvider,
} from './provider-store.ts'
import { newSecret } from './secrets.ts'
import type { DomainMail } from './sso-schema.ts'
import type { EmailDomainRow } from './tables.ts'

type By = { partnerId: string; actor: Actor }
const mostDomains = 50

const noSuchDomain = (): AppError => new AppError('NOT_FOUND', 'There is no such domain.')

/**
 * Names a domain; until it is proved it does nothing, and others may name it as well.
 * @throws AppError INVALID_ARGUMENT for a domain of the operator; INCOMPATIBLE_STATE when there are too many
 */
export async function addDomain(
  { db, config, clock, outbox }: Identifying,
  { partnerId, actor }: By,
  typed: string,
): Promise<EmailDomainRow> {
  const domain = typed.toLowerCase()
  if (config.sso?.domains.includes(domain) === true)
    throw invalidArgument([{ path: '/domain', message: 'is a domain of the operator' }])
  return await db.transaction().execute(async (trx) => {
    await lockFor(trx, `identity.domains.${partnerId}`)
    if ((await listDomains(trx, partnerId)).length >= mostDomains)
      throw new AppError('INCOMPATIBLE_STATE', `A partner has at most ${mostDomains} domains.`)
    await claimDomain(trx, {
      partner_id: partnerId,
      domain,
      proof: newSecret(),
      confirmed_at: null,
      created_at: clock.now(),
    })
    await recordAction(outbox, trx, {
      actor,
      action: 'sso.domain-named',
      target: partnerId,
      partnerId,
      detail: { domain },
    })
    const row = await findDomain(trx, partnerId, domain)
    if (row === undefined) throw noSuchDomain()
    return row
  })
}

/** Nobody signs in by single sign-on with an address of it any more; who did is signed out. */
export async function removeDomain(
  { db, outbox }: Identifying,
  { partnerId, actor }: By,
  typed: string,
): Promise<void> {
  const domain = typed.toLowerCase()
  await db.transaction().execute(async (trx) => {
    await lockProvider(trx, partnerId)
    if (!(await deleteDomain(trx, partnerId, domain))) throw noSuchDomain()
    await endSessionsOfDomain(trx, partnerId, domain)
    await recordAction(outbox, trx, {
      actor,
      action: 'sso.domain-removed',
      target: partnerId,
      partnerId,
      detail: { domain },
    })
  })
}

/** Whoever reads the mail of the domain's own mailboxes has it; bound to the claim, so an old mail is worth nothing. */
export const mailedCode = (
  { sealing }: Identifying,
  { partner_id, domain, proof }: EmailDomainRow,
) => sealing.keyedHash('email-domain', `${partner_id} ${domain} ${proof}`)

/**
 * Orders a mail with the code to a mailbox of the domain.
 * @throws AppError NOT_FOUND; TOO_MANY_REQUESTS
 */
export async function mailDomain(
  identifying: Identifying,
  { partnerId, domain }: { partnerId: string; domain: string },
  mailbox: DomainMail['mailbox'],
): Promise<void> {
  const { db, limiter } = identifying
  const row = await findDomain(db, partnerId, domain.toLowerCase())
  if (row === undefined) throw noSuchDomain()
  if (row.confirmed_at !== null) return
  await limiter.by('domainChecksByPartner', partnerId)
  await limiter.by('domainMailByDomain', row.domain)
  const order = { kind: 'domain-proof', partnerId, domain: row.domain, mailbox } as const
  await db.transaction().execute((trx) => orderMail(identifying, trx, order))
}

/**
 * Proves a domain by a code that was mailed to it or, without one, by its TXT record.
 * @throws AppError NOT_FOUND; INVALID_ARGUMENT; ALREADY_EXISTS when another partner has proved it; TOO_MANY_REQUESTS
 */
export async function checkDomain(
  identifying: Identifying,
  { partnerId, actor }: By,
  domain: string,
  code: string | undefined,
): Promise<EmailDomainRow> {
  const { db, limiter, clock, outbox } = identifying
  const row = await findDomain(db, partnerId, domain.toLowerCase())
  if (row === undefined) throw noSuchDomain()
  if (row.confirmed_at !== null) return row
  await limiter.by('domainChecksByPartner', partnerId)
  if (code === undefined) await requireRecord(identifying, row)
  else if (!sameSecret(code.trim(), mailedCode(identifying, row)))
    throw invalidArgument([{ path: '/code', message: 'is not the code that was mailed' }])
  const now = clock.now()
  await db.transaction().execute(async (trx) => {
    await lockFor(trx, `identity.domain.${row.domain}`)
    if ((await findDomainOwner(trx, row.domain)) !== undefined)
      throw new AppError(
        'ALREADY_EXISTS',
        'Another organisation has proved this domain: ask the operator.',
      )
    const provider = await lockProvider(trx, partnerId)
    await confirmDomain(trx, partnerId, row.domain, now)
    if (provider?.mode === 'enforced') await endLocalSessions(trx, partnerId, [row.domain])
    await recordAction(outbox, trx, {
      actor,
      action: 'sso.domain-proved',
      target: partnerId,
      partnerId,
      detail: { domain: row.domain, by: code === undefined ? 'dns' : 'mail' },
    })
  })
  return { ...row, confirmed_at: now }
}

/** The TXT record that proves a domain. */
export const recordOf = ({ domain, proof }: Pick<EmailDomainRow, 'domain' | 'proof'>) => ({
  name: `_wayleave.${domain}`,
  value: `wayleave-domain=${proof}`,
})

async function requireRecord({ resolveTxt }: Identifying, row: EmailDomainRow): Promise<void> {
  const { name, value } = recordOf(row)
  // A name that does not exist, and servers that do not answer, are both no proof.
  const records = await resolveTxt(name).catch(() => [])
  if (records.slice(0, 100).some((parts) => parts.join('') === value)) return
  throw new AppError(
    'INCOMPATIBLE_STATE',
    `The DNS does not show the TXT record ${name} with the value ${value} yet. It may take an hour.`,
  )
}
