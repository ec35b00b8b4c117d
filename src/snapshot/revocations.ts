import { type Kysely, sql, type Transaction } from 'kysely'
import type { ConsentDirectory } from '#consent'
import { type Environment, environments } from '#platform/config'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import type { OutboxEvent, Subscriber } from '#platform/outbox'
import { environmentOf } from './event-environment.ts'
import { type Consenter, projectConsents } from './project-consents.ts'
import { putEntry, writerLock } from './store.ts'
import type { SnapshotTables } from './tables.ts'

type Trx = Transaction<SnapshotTables>

/** No access token lives longer, with room for a gateway whose clock is behind. */
const tokenLifetimeMs = 900_000
const sweptAtOnce = 500

/**
 * Brings to gateways what no token may rest on any more. A subscriber of its own: a withdrawal does not wait for the
 * thousand entries that a new plan has compiled anew.
 */
export function createRevocations(
  platform: Platform,
  consents: Pick<ConsentDirectory, 'listOf'>,
): Subscriber {
  const revoke = (trx: Trx, environment: Environment, id: string): Promise<boolean> => {
    const now = platform.clock.now()
    const until = new Date(now.getTime() + tokenLifetimeMs).toISOString()
    return putEntry(trx, environment, 'revocation', id, { kind: 'revocation', id, until }, now)
  }
  const reactions: Record<string, (trx: Trx, event: OutboxEvent) => Promise<unknown>> = {
    'grant.ended': (trx, event) => revoke(trx, environmentOf(event), event.key),
    'token.revoked': (trx, event) => revoke(trx, environmentOf(event), `jti:${event.key}`),
    'consent.changed': async (trx, event) => {
      const change = readChange(event)
      // First what stops calls; the rest follows in the same transaction.
      if (change.from === 'GRANTED') await revoke(trx, change.environment, event.key)
      await projectConsents(platform, consents, trx, change)
    },
  }
  return {
    name: 'snapshot-revocations',
    types: Object.keys(reactions),
    async handle(anyTrx, event) {
      const trx = anyTrx as unknown as Trx
      await lockFor(trx, writerLock)
      await reactions[event.type]?.(trx, event)
    },
  }
}

function readChange(event: OutboxEvent): Consenter & { from: unknown } {
  const { subject, applicationId, from } = event.payload as Record<string, unknown>
  if (typeof subject !== 'string' || typeof applicationId !== 'string')
    throw new Error(`the event ${event.type} ${event.id} names no subscriber or no application`)
  return { environment: environmentOf(event), subject, applicationId, from }
}

/**
 * Takes back the revocations that no token can name any more.
 * @public
 */
export async function sweepRevocations(
  platform: Pick<Platform, 'database' | 'clock'>,
): Promise<void> {
  const db = platform.database.as<SnapshotTables>()
  for (const environment of environments)
    while ((await sweepSome(db, environment, platform.clock.now())) === sweptAtOnce);
}

const sweepSome = (
  db: Kysely<SnapshotTables>,
  environment: Environment,
  now: Date,
): Promise<number> =>
  db.transaction().execute(async (trx) => {
    await lockFor(trx, writerLock)
    const { rows } = await sql<{ id: string }>`
      select id from snapshot.entry
      where environment = ${environment} and kind = 'revocation'
        and (body->>'until')::timestamptz < ${now}
      limit ${sweptAtOnce}`.execute(trx)
    for (const { id } of rows) await putEntry(trx, environment, 'revocation', id, undefined, now)
    return rows.length
  })
