import { sql, type Transaction } from 'kysely'
import type { OutboxEvent } from '#platform/outbox'
import { environmentOf } from './event-environment.ts'

/** No access token lives longer, with room for a gateway whose clock is behind. */
const tokenLifetimeMs = 900_000

/** What gateways must not let pass any more, by the id that they look for; an objection has no end. */
type Ended = { id: string; until: string | undefined }

/** The events that end something which a token may rest on. */
export const endingEvents = ['grant.ended', 'token.revoked', 'consent.changed'] as const

function endedBy(event: OutboxEvent): readonly Ended[] {
  const until = new Date(event.occurredAt.getTime() + tokenLifetimeMs).toISOString()
  switch (event.type) {
    case 'grant.ended':
      return [{ id: event.key, until }]
    case 'token.revoked':
      return [{ id: `jti:${event.key}`, until }]
    case 'consent.changed':
      return endedConsent(event, until)
    default:
      return []
  }
}

function endedConsent(event: OutboxEvent, until: string): readonly Ended[] {
  const { from, state, subject, applicationId, purpose } = event.payload as Record<string, unknown>
  if (from === 'GRANTED') return [{ id: event.key, until }]
  if (state !== 'OBJECTED') return []
  return objectionIds(String(subject), String(applicationId), [String(purpose)]).map((id) => ({
    id,
    until: undefined,
  }))
}

/** What stands in the feed while these purposes are objected to. `*` is for tokens that name no purpose. */
export const objectionIds = (
  subject: string,
  applicationId: string,
  purposes: readonly string[],
): string[] =>
  (purposes.length === 0 ? [] : [...new Set(purposes), '*']).map(
    (purpose) => `obj:${subject}:${applicationId}:${purpose}`,
  )

/**
 * Tells gateways what ends, in the transaction that ends it and whichever process that is: they see it when it commits,
 * also while no control process runs. Told twice, it is there once.
 * @public
 */
export const revokeAtCommit = (trx: Transaction<unknown>, event: OutboxEvent): Promise<void> =>
  revoke(trx, event, endedBy(event))

/**
 * The same by control, who hears of it afterwards. Objections are not of it: they may have been lifted meanwhile, and are
 * brought to what stands.
 */
export const revokeAfterwards = (trx: Transaction<unknown>, event: OutboxEvent): Promise<void> =>
  revoke(
    trx,
    event,
    endedBy(event).filter(({ until }) => until !== undefined),
  )

async function revoke(
  trx: Transaction<unknown>,
  event: OutboxEvent,
  ended: readonly Ended[],
): Promise<void> {
  for (const { id, until } of ended)
    await sql`select snapshot.revoke(${environmentOf(event)}, ${id}, ${until ?? null}, ${event.occurredAt})`.execute(
      trx,
    )
}
