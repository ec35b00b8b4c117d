import { AppError } from '#platform/app-error'
import type { Environment } from '#platform/config'
import { lockSubject } from './begin-capture.ts'
import { closeCaptures, forgetNumbers } from './capture-store.ts'
import { addConsent, changeConsent } from './change-consent.ts'
import { basesOf } from './decide.ts'
import type { ChangeEvidence } from './evidence-of-change.ts'
import { CaptureRefused, type ConsentChanger, type ConsentQuestion } from './face.ts'
import { expire } from './living-consent.ts'
import type { Consenting, Trx } from './needs.ts'
import { findLiving, holdConsent } from './store.ts'
import { living } from './transitions.ts'

const evidenceOf = (by: ConsentChanger): ChangeEvidence => {
  switch (by.kind) {
    case 'subscriber':
      return { by_kind: by.kind, channel: by.channel, method: by.method }
    case 'operator':
      return { by_kind: by.kind, by_id: by.id, channel: by.channel, reason: by.reason ?? null }
    case 'system':
      return { by_kind: by.kind, channel: by.channel, reason: by.reason }
  }
}

const unknown = (): AppError => new AppError('NOT_FOUND', 'There is no such consent.')

/**
 * A permission, an objection, or an open question that is refused before it was answered.
 * @param also what is written down with the change, or not at all where nothing changes
 */
export async function withdraw(
  consenting: Consenting,
  environment: Environment,
  id: string,
  by: ConsentChanger,
  also?: (trx: Trx) => Promise<unknown>,
): Promise<void> {
  const { db } = consenting
  const found = await db
    .selectFrom('consent.consent')
    .select(['environment', 'subject'])
    .where('environment', '=', environment)
    .where('id', '=', id)
    .executeTakeFirst()
  if (found === undefined) throw unknown()
  if (by.kind === 'subscriber' && by.subject !== found.subject) throw unknown()
  await db.transaction().execute(async (trx) => {
    await lockSubject(trx, found)
    const row = await holdConsent(trx, environment, id)
    if (row === undefined || !living.includes(row.state)) return
    const open = row.state === 'PENDING' || row.state === 'REQUESTED'
    await changeConsent(consenting, trx, row, open ? 'DENIED' : 'WITHDRAWN', evidenceOf(by))
    await also?.(trx)
  })
}

/** @returns the id of the objection; the one that stands when there is one */
export async function objectTo(
  consenting: Consenting,
  question: ConsentQuestion,
  by: ConsentChanger,
): Promise<string> {
  if (by.kind === 'subscriber' && by.subject !== question.subject) throw unknown()
  const application = await consenting.partners.getApplication(question.applicationId)
  if (application?.environment !== question.environment)
    throw new AppError('NOT_FOUND', 'There is no such application.')
  const scopes = (await basesOf(consenting, question))
    .filter(({ basis }) => basis === 'legitimate-interest')
    .map(({ scope }) => scope)
  if (scopes.length === 0)
    throw new CaptureRefused('nothing-to-ask', 'Nothing of this rests on legitimate interest.')
  return await consenting.db.transaction().execute(async (trx) => {
    await lockSubject(trx, question)
    const key = { ...question, scopes, basis: 'legitimate-interest' } as const
    const standing = await findLiving(trx, key)
    if (standing !== undefined) return standing.id
    const begun = { ...key, application, state: 'OBJECTED' } as const
    return (await addConsent(consenting, trx, begun, evidenceOf(by))).id
  })
}

/** The consents and questions of an application that is gone. In the transaction of the reaction. */
export async function endConsentsOf(
  consenting: Consenting,
  trx: Trx,
  applicationId: string,
): Promise<number> {
  await closeCaptures(trx, applicationId, consenting.clock.now())
  const rows = await trx
    .selectFrom('consent.consent')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('state', 'in', [...living])
    .orderBy('id')
    .forUpdate()
    .execute()
  for (const row of rows)
    await changeConsent(consenting, trx, row, 'EXPIRED', {
      by_kind: 'system',
      channel: 'application',
      reason: 'the application is gone',
    })
  return rows.length
}

const atOnce = 200

/** Every few seconds: what time has ended, questions that nobody answered, and the numbers that they were sent to. */
export async function expireDue(consenting: Consenting): Promise<number> {
  const { db, clock } = consenting
  const now = clock.now()
  await forgetNumbers(db, now)
  const due = await db
    .selectFrom('consent.consent as c')
    .select(['c.id', 'c.environment', 'c.subject'])
    .where((eb) =>
      eb.or([
        eb.and([eb('c.state', '=', 'GRANTED'), eb('c.expires_at', '<=', now)]),
        eb.and([
          eb('c.state', 'in', ['PENDING', 'REQUESTED']),
          eb.not(
            eb.exists(
              eb
                .selectFrom('consent.capture as q')
                .select('q.id')
                .whereRef('q.consent_id', '=', 'c.id')
                .where('q.answered_at', 'is', null)
                .where('q.expires_at', '>', now),
            ),
          ),
        ]),
      ]),
    )
    .limit(atOnce)
    .execute()
  let ended = 0
  for (const one of due) ended += (await expireOne(consenting, one)) ? 1 : 0
  return ended
}

async function expireOne(
  consenting: Consenting,
  { id, environment, subject }: { id: string; environment: Environment; subject: string },
): Promise<boolean> {
  return await consenting.db.transaction().execute(async (trx) => {
    await lockSubject(trx, { environment, subject })
    const row = await holdConsent(trx, environment, id)
    const now = consenting.clock.now()
    if (row?.state === 'GRANTED') {
      if (row.expires_at === null || row.expires_at > now) return false
    } else if (row?.state === 'PENDING' || row?.state === 'REQUESTED') {
      const open = await trx
        .selectFrom('consent.capture')
        .select('id')
        .where('consent_id', '=', id)
        .where('answered_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      if (open !== undefined) return false
    } else return false
    await expire(consenting, trx, row)
    return true
  })
}
