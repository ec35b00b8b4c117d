import { type Kysely, sql, type Transaction } from 'kysely'
import type { ConsentDirectory } from '#consent'
import { type Environment, environments } from '#platform/config'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import type { OutboxEvent, Subscriber } from '#platform/outbox'
import { environmentOf } from './event-environment.ts'
import { type Consenter, projectConsents } from './project-consents.ts'
import { endingEvents, revokeAfterwards } from './revoke-at-commit.ts'
import { beginWriting, lockHead, putEntry, writerLock } from './store.ts'
import type { SnapshotTables } from './tables.ts'

type Trx = Transaction<SnapshotTables>

const sweptAtOnce = 500

/**
 * Brings to gateways what subscribers said, and what no token may rest on any more where the transaction that ended it
 * could not tell. A subscriber of its own: it does not wait for the thousand entries that a new plan has compiled anew.
 */
export function createRevocations(
  platform: Platform,
  consents: Pick<ConsentDirectory, 'listOf'>,
): Subscriber {
  return {
    name: 'snapshot-revocations',
    types: endingEvents,
    async handle(anyTrx, event) {
      const trx = anyTrx as unknown as Trx
      await beginWriting(trx)
      // From here on nobody else ends anything: what is read now is what is written.
      await lockHead(trx, environmentOf(event))
      await revokeAfterwards(anyTrx, event)
      if (event.type === 'consent.changed')
        await projectConsents(platform, consents, trx, consenterOf(event))
    },
  }
}

function consenterOf(event: OutboxEvent): Consenter {
  const { subject, applicationId } = event.payload as Record<string, unknown>
  if (typeof subject !== 'string' || typeof applicationId !== 'string')
    throw new Error(`the event ${event.type} ${event.id} names no subscriber or no application`)
  return { environment: environmentOf(event), subject, applicationId }
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
