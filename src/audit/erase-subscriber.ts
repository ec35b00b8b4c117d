import { type Kysely, sql, type Transaction } from 'kysely'
import { AppError } from '#platform/app-error'
import { type Environment, environments } from '#platform/config'
import { isConflict, lockFor } from '#platform/database'
import type { Eraser } from '#platform/eraser'
import type { NewId } from '#platform/ids'
import type { Platform } from '#platform/module'
import { eraseFromEvents, isOwedAbout } from '#platform/past-events'
import type { Actor } from './actor.ts'
import type { Subject } from './evidence.ts'
import { recordAction, withoutSecrets } from './record-action.ts'
import type { AuditTables, ErasureRow } from './tables.ts'

/** What the use cases of erasure work with. */
export type Erasing = Pick<Platform, 'clock' | 'sealing' | 'outbox'> & {
  db: Kysely<AuditTables>
  newId: NewId
  pseudonymOf(environment: Environment, phoneNumber: string): string
  erasers: readonly Eraser[]
}

/** Somebody who acts: two of them erase. */
export type ErasingActor = Extract<Actor, { kind: 'operator' }>

const openMs = 24 * 3_600_000
const numberContext = (id: string): string => `audit.erasure.sealed_number.${id}`

/** The first of two people: asks that somebody is erased. @param phoneNumber `+` and digits */
export async function askErasure(
  { db, clock, sealing, outbox, newId }: Erasing,
  actor: ErasingActor,
  asked: { phoneNumber: string; reason: string },
): Promise<ErasureRow> {
  const now = clock.now()
  const id = newId('erasure')
  return await db.transaction().execute(async (trx) => {
    const row = await trx
      .insertInto('audit.erasure')
      .values({
        ...{ id, state: 'asked', asked_by: actor.id, asked_at: now },
        reason: withoutSecrets(asked.reason),
        sealed_number: sealing.seal(asked.phoneNumber, numberContext(id)),
        expires_at: new Date(now.getTime() + openMs),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    await recordAction(outbox, trx, { actor, action: 'erasure.asked', target: id })
    return row
  })
}

/** It takes from every module, each with an order of its own: whoever is ended for another's sake tries again. */
const mostTries = 5

/**
 * The second one: confirms, and everything that leads to the subscriber goes in one transaction, with the action that
 * tells of it.
 */
export async function confirmErasure(
  erasing: Erasing,
  actor: ErasingActor,
  id: string,
): Promise<ErasureRow> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await confirmOnce(erasing, actor, id)
    } catch (error) {
      if (!isConflict(error)) throw error
      if (attempt === mostTries) throw metOthers(error)
    }
  }
}

const metOthers = (cause: unknown): AppError =>
  new AppError(
    'UNAVAILABLE',
    'Others are changing what is kept of this subscriber: nothing was erased. Confirm again in a moment.',
    { cause },
  )

async function confirmOnce(erasing: Erasing, actor: ErasingActor, id: string): Promise<ErasureRow> {
  const { db, clock, sealing, outbox } = erasing
  return await db.transaction().execute(async (trx) => {
    const row = await holdOpen(trx, id, clock.now())
    if (row.asked_by === actor.id)
      throw new AppError('PERMISSION_DENIED', 'Somebody else than who asked has to confirm.')
    const phoneNumber = sealing.open(row.sealed_number ?? '', numberContext(id))
    // Whoever counts calls now is waited for; whoever begins to finds that keys are gone.
    await lockFor(trx, 'audit.key_epoch')
    const everywhere = environments.map((environment) => ({
      environment,
      pseudonym: erasing.pseudonymOf(environment, phoneNumber),
    }))
    const erased = await eraseSubjects(erasing, trx, everywhere)
    const decided = await decide(trx, row, { state: 'done', by: actor.id, at: clock.now(), erased })
    // Nothing in it leads to the subscriber: who erased somebody, and how much it was.
    const detail = { reason: row.reason, askedBy: row.asked_by, rows: sum(Object.values(erased)) }
    await recordAction(outbox, trx, { actor, action: 'subscriber.erased', target: id, detail })
    return decided
  })
}

/** Either of them, or anybody else who may, takes it back. */
export async function cancelErasure(
  { db, clock, outbox }: Erasing,
  actor: ErasingActor,
  id: string,
): Promise<ErasureRow> {
  return await db.transaction().execute(async (trx) => {
    const row = await holdOpen(trx, id, clock.now())
    await recordAction(outbox, trx, { actor, action: 'erasure.cancelled', target: id })
    return await decide(trx, row, { state: 'cancelled', by: actor.id, at: clock.now() })
  })
}

/** Nobody confirmed in time: the number goes. @returns how many */
export async function expireErasures(db: Kysely<AuditTables>, now: Date): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('audit.erasure')
    .set({ state: 'expired', sealed_number: null, decided_at: now })
    .where('state', '=', 'asked')
    .where('expires_at', '<=', now)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

async function holdOpen(trx: Transaction<AuditTables>, id: string, now: Date): Promise<ErasureRow> {
  const row = await trx
    .selectFrom('audit.erasure')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) throw new AppError('NOT_FOUND', 'There is no such erasure.')
  if (row.state !== 'asked') throw new AppError('CONFLICT', `This erasure is ${row.state}.`)
  if (row.expires_at <= now)
    throw new AppError('CONFLICT', 'Nobody confirmed within a day: ask again.')
  return row
}

async function decide(
  trx: Transaction<AuditTables>,
  row: ErasureRow,
  decision: {
    state: 'done' | 'cancelled'
    by: string
    at: Date
    erased?: Record<string, number>
  },
): Promise<ErasureRow> {
  const erased = decision.erased === undefined ? null : JSON.stringify(decision.erased)
  return await trx
    .updateTable('audit.erasure')
    .set({ state: decision.state, decided_by: decision.by, decided_at: decision.at })
    .set({ sealed_number: null, erased: sql`${erased}::jsonb` })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** One module after the other, and the log last: who appends to it waits for nobody who waits for this. */
async function eraseSubjects(
  { erasers, newId, clock }: Erasing,
  trx: Transaction<AuditTables>,
  everywhere: readonly Subject[],
): Promise<Record<string, number>> {
  // Events about them that somebody has yet to react to would bring back what is erased now.
  for (const { pseudonym } of everywhere)
    if (await isOwedAbout(trx, pseudonym))
      throw new AppError(
        'UNAVAILABLE',
        'What this subscriber did a moment ago is still being written down: confirm again in a moment.',
      )
  const erased: Record<string, number> = {}
  const add = (rows: Readonly<Record<string, number>>): void => {
    for (const [table, count] of Object.entries(rows)) erased[table] = (erased[table] ?? 0) + count
  }
  for (const eraser of erasers)
    for (const whom of everywhere)
      add(await eraser.erase(trx as unknown as Transaction<unknown>, whom))
  for (const { pseudonym } of everywhere)
    add({ 'platform.outbox': await eraseFromEvents(trx, pseudonym) })
  for (const { environment, pseudonym } of everywhere) {
    const { rows } = await sql<{ exchanges: number | null; evidence: number | null }>`
      select * from audit.erase_subject(${environment}, ${pseudonym}, ${newId('erasure')}, ${clock.now()})`.execute(
      trx,
    )
    const [{ exchanges, evidence } = { exchanges: 0, evidence: 0 }] = rows
    add({ 'audit.exchange': exchanges ?? 0, 'audit.evidence': evidence ?? 0 })
  }
  return erased
}
