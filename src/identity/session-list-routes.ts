import { Type } from 'typebox'
import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import type { Routes } from '#platform/http-server'
import type { Identifying } from './needs.ts'
import { currentSession } from './person-of.ts'
import { PathId, SignedInDevice } from './schema.ts'
import { deleteOtherSessions, deleteSessionById, listSessions } from './session-store.ts'

const tags = ['session']

/** Where somebody is signed in, and how to end it there. */
export function createSessionListRoutes({ db, clock, outbox }: Identifying): Routes {
  return (server) => {
    server.get(
      '/sessions',
      {
        config: { access: 'own-account.read' },
        schema: {
          operationId: 'listSessions',
          summary: 'The sessions of the caller, the one used last first',
          tags,
          response: { 200: Type.Object({ items: Type.Array(SignedInDevice) }) },
        },
      },
      async (request) => {
        const { id: currentId, personId } = currentSession(request)
        const rows = await listSessions(db, personId, clock.now())
        const items = rows.map((row) => ({
          id: row.id,
          device: row.device,
          address: row.address,
          methods: row.methods,
          createdAt: row.created_at.toISOString(),
          lastUsedAt: row.last_used_at.toISOString(),
          current: row.id === currentId,
        }))
        return { items }
      },
    )
    server.delete(
      '/sessions/:sessionId',
      {
        config: { access: 'own-account.change' },
        schema: {
          operationId: 'revokeSession',
          summary: 'End one session of the caller at once',
          tags,
          params: Type.Object({ sessionId: PathId }),
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { personId } = currentSession(request)
        const { sessionId } = request.params
        await db.transaction().execute(async (trx) => {
          if (!(await deleteSessionById(trx, personId, sessionId)))
            throw new AppError('NOT_FOUND', 'There is no such session.')
          const { actor } = request
          await recordAction(outbox, trx, { actor, action: 'session.revoked', target: sessionId })
        })
        return reply.code(204).send(null)
      },
    )
    server.delete(
      '/sessions',
      {
        config: { access: 'own-account.change' },
        schema: {
          operationId: 'revokeOtherSessions',
          summary: 'End all sessions of the caller but this one',
          tags,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { id: currentId, personId } = currentSession(request)
        await db.transaction().execute(async (trx) => {
          const ended = await deleteOtherSessions(trx, personId, currentId)
          await recordAction(outbox, trx, {
            actor: request.actor,
            action: 'session.others-revoked',
            target: personId,
            detail: { ended },
          })
        })
        return reply.code(204).send(null)
      },
    )
  }
}
