import { type Kysely, sql, type Transaction } from 'kysely'
import { AppError } from '#platform/app-error'
import { type Environment, environments } from '#platform/config'
import { isConflict, lockFor } from '#platform/database'
import type { Eraser } from '#platform/eraser'
import type { NewId } from '#platform/ids'
import type { Platform } from '#platform/module'
import { eraseFromEvents, isOwedAbout } from '#platform/past-events'
import type { Actor } from './actor.ts'
import { askedDetail, decidedDetail, decisions } from './erasure-told.ts'
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
export const erasureContext = (id: string): string => `audit.erasure.sealed_number.${id}`

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
        sealed_number: sealing.seal(asked.phoneNumber, erasureContext(id)),
        expires_at: new Date(now.getTime() + openMs),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    const detail = askedDetail(row)
    await recordAction(outbox, trx, { actor, action: 'erasure.asked', target: id, detail })
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
  const { db, clock, sealing } = erasing
  return await db.transaction().execute(async (trx) => {
    const row = await holdOpen(trx, id, clock.now())
    if (row.asked_by === actor.id)
      throw new AppError('PERMISSION_DENIED', 'Somebody else than who asked has to confirm.')
    const phoneNumber = sealing.open(row.sealed_number ?? '', erasureContext(id))
    // Whoever counts calls now is waited for; whoever begins to finds that keys are gone.
    await lockFor(trx, 'audit.key_epoch')
    const everywhere = environments.map((environment) => ({
      environment,
      pseudonym: erasing.pseudonymOf(environment, phoneNumber),
    }))
    const erased = await eraseSubjects(erasing, trx, everywhere)
    return await decide(erasing, trx, row, { state: 'done', actor, erased })
  })
}

/** Either of them, or anybody else who may, takes it back. */
export async function cancelErasure(
  erasing: Erasing,
  actor: ErasingActor,
  id: string,
): Promise<ErasureRow> {
  return await erasing.db.transaction().execute(async (trx) => {
    const row = await holdOpen(trx, id, erasing.clock.now())
    return await decide(erasing, trx, row, { state: 'cancelled', actor })
  })
}

/** Nobody confirmed in time: the number goes. @returns how many */
export async function expireErasures(erasing: Erasing): Promise<number> {
  const { db, clock } = erasing
  return await db.transaction().execute(async (trx) => {
    const due = await trx
      .selectFrom('audit.erasure')
      .selectAll()
      .where('state', '=', 'asked')
      .where('expires_at', '<=', clock.now())
      .orderBy('id')
      .forUpdate()
      .skipLocked()
      .execute()
    const actor = { kind: 'system', id: 'erasures' } as const
    for (const row of due) await decide(erasing, trx, row, { state: 'expired', actor })
    return due.length
  })
}

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

type Decision = {
  state: keyof typeof decisions
  actor: ErasingActor | Extract<Actor, { kind: 'system' }>
  /** rows of each table */
  erased?: Record<string, number>
}

/** What becomes of an asking, with the action that tells all of it. */
async function decide(
  { clock, outbox }: Erasing,
  trx: Transaction<AuditTables>,
  { id }: ErasureRow,
  { state, actor, erased }: Decision,
): Promise<ErasureRow> {
  const rows = erased === undefined ? null : JSON.stringify(erased)
  const decided = await trx
    .updateTable('audit.erasure')
    .set({ state, decided_by: actor.kind === 'system' ? null : actor.id, decided_at: clock.now() })
    .set({ sealed_number: null, erased: sql`${rows}::jsonb` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  const detail = decidedDetail(decided)
  await recordAction(outbox, trx, { actor, action: decisions[state], target: id, detail })
  return decided
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
    add({ 'audit.segment': exchanges ?? 0, 'audit.evidence': evidence ?? 0 })
  }
  return erased
}
