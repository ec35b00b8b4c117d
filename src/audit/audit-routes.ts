import { type Static, Type } from 'typebox'
import type { DatabasePool } from '#platform/database'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { AuditEvent } from './schema.ts'
import { listEntries } from './store.ts'
import type { AuditTables, EntryRow } from './tables.ts'

const AuditEventList = listOf(AuditEvent)

/** The operator reads everything, a member of a partner what concerns that partner. */
export function createAuditRoutes(database: DatabasePool): Routes {
  const db = database.as<AuditTables>()
  return (server) => {
    server.get(
      '/audit-events',
      {
        config: { access: 'audit.read' },
        schema: {
          operationId: 'listAuditEvents',
          summary: 'What was done, by whom and when, newest first',
          tags: ['audit-events'],
          querystring: Type.Object(PageQuery.properties, { additionalProperties: false }),
          response: { 200: AuditEventList },
        },
      },
      async (request): Promise<Static<typeof AuditEventList>> => {
        const { actor, query } = request
        const forPartner = actor.kind === 'partner' ? actor.partnerId : undefined
        const { rows, total } = await listEntries(db, {
          partnerId: forPartner,
          limit: query.perPage,
          offset: offsetOf(query),
        })
        const events = rows.map((row) => toEvent(row, forPartner !== undefined))
        return paginate(events, total, query)
      },
    )
  }
}

function toEvent(row: EntryRow, hideStaff: boolean): AuditEvent {
  const showActor = row.actor_id !== null && !(hideStaff && row.actor_kind === 'operator')
  return {
    id: row.event_id,
    sequence: row.sequence,
    occurredAt: row.occurred_at.toISOString(),
    actor: {
      kind: row.actor_kind,
      ...(showActor && row.actor_id !== null && { id: row.actor_id }),
      ...(row.via !== null && { via: row.via }),
    },
    ...(row.partner_id !== null && { partnerId: row.partner_id }),
    action: row.action,
    target: row.target,
    detail: row.detail as Record<string, unknown>,
    hash: row.hash.toString('hex'),
  }
}
