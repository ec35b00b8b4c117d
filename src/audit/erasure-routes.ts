import { type Static, Type } from 'typebox'
import { AppError } from '#platform/app-error'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import type { Actor } from './actor.ts'
import {
  askErasure,
  cancelErasure,
  confirmErasure,
  type Erasing,
  type ErasingActor,
} from './erase-subscriber.ts'
import { Erasure, NewErasure } from './schema.ts'
import type { ErasureRow } from './tables.ts'

const ErasureList = listOf(Erasure)
const Params = Type.Object({ erasureId: Type.String({ maxLength: 64, pattern: '^\\w*$' }) })

/** Two people of the operator erase a subscriber: one asks, another one confirms. */
export function createErasureRoutes(erasing: Erasing): Routes {
  return (server) => {
    server.get(
      '/erasures',
      {
        config: { access: 'erasure.read' },
        schema: {
          operationId: 'listErasures',
          summary: 'Erasures of subscribers, newest first',
          tags: ['erasures'],
          querystring: Type.Object(PageQuery.properties, { additionalProperties: false }),
          response: { 200: ErasureList },
        },
      },
      async ({ query }): Promise<Static<typeof ErasureList>> => {
        const rows = erasing.db.selectFrom('audit.erasure')
        const [page, count] = await Promise.all([
          rows
            .selectAll()
            .orderBy('asked_at', 'desc')
            .orderBy('id', 'desc')
            .limit(query.perPage)
            .offset(offsetOf(query))
            .execute(),
          rows.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
        ])
        return paginate(page.map(toErasure), count.total, query)
      },
    )

    server.post(
      '/erasures',
      {
        config: { access: 'erasure.manage' },
        schema: {
          operationId: 'askErasure',
          summary: 'Ask that a subscriber is erased',
          description:
            'Nothing happens before another person confirms, within a day. The number is kept sealed until then, and nowhere else.',
          tags: ['erasures'],
          body: NewErasure,
          response: { 201: Erasure },
        },
      },
      async ({ actor, body }, reply) => {
        const row = await askErasure(erasing, staffOf(actor), body)
        return await reply.status(201).send(toErasure(row))
      },
    )

    server.post(
      '/erasures/:erasureId/confirm',
      {
        config: { access: 'erasure.manage' },
        schema: {
          operationId: 'confirmErasure',
          summary: 'Confirm an erasure that somebody else asked for',
          description:
            'Destroys the key of the subscriber and takes them out of every record, in one transaction. It cannot be taken back. What was signed stays verifiable.',
          tags: ['erasures'],
          params: Params,
          response: { 200: Erasure },
        },
      },
      async ({ actor, params }) =>
        toErasure(await confirmErasure(erasing, staffOf(actor), params.erasureId)),
    )

    server.post(
      '/erasures/:erasureId/cancel',
      {
        config: { access: 'erasure.manage' },
        schema: {
          operationId: 'cancelErasure',
          summary: 'Take back an erasure that was not confirmed yet',
          tags: ['erasures'],
          params: Params,
          response: { 200: Erasure },
        },
      },
      async ({ actor, params }) =>
        toErasure(await cancelErasure(erasing, staffOf(actor), params.erasureId)),
    )
  }
}

function staffOf(actor: Actor): ErasingActor {
  if (actor.kind === 'operator') return actor
  throw new AppError('PERMISSION_DENIED', 'Only the staff of the operator may do this.')
}

const toErasure = (row: ErasureRow): Erasure => ({
  id: row.id,
  state: row.state,
  reason: row.reason,
  askedBy: row.asked_by,
  askedAt: row.asked_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
  ...(row.decided_by !== null && { decidedBy: row.decided_by }),
  ...(row.decided_at !== null && { decidedAt: row.decided_at.toISOString() }),
  ...(row.erased !== null && { erased: row.erased }),
})
