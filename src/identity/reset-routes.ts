import { Type } from 'typebox'
import { AppError } from '#platform/app-error'
import type { Routes } from '#platform/http-server'
import { findMember } from './member-store.ts'
import type { Identifying } from './needs.ts'
import { personOf } from './person-of.ts'
import { requirePartner } from './require-partner.ts'
import { resetFactors } from './reset-factors.ts'
import { PathId } from './schema.ts'
import { findAccount } from './store.ts'

/** For somebody who has lost its factors and its recovery codes: by those who know it. Never by an API token. */
export function createResetRoutes(identifying: Identifying): Routes {
  const { db } = identifying
  return (server) => {
    server.delete(
      '/partners/:partnerId/members/:memberId/factors',
      {
        config: { access: 'member.reset-factors' },
        schema: {
          operationId: 'resetMemberFactors',
          summary: 'Remove the second factors of a member who has lost them; its sessions end',
          tags: ['members'],
          params: Type.Object({ partnerId: PathId, memberId: PathId }),
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { partnerId, memberId } = request.params
        const by = personOf(request)
        const actor = requirePartner(request, partnerId)
        refuseOwn(by, memberId)
        await db.transaction().execute(async (trx) => {
          const member = await findMember(trx, partnerId, memberId)
          if (member?.state !== 'active')
            throw new AppError('NOT_FOUND', 'There is no such member.')
          await resetFactors(identifying, trx, memberId, actor)
        })
        return reply.code(204).send(null)
      },
    )
    server.delete(
      '/operators/:operatorId/factors',
      {
        config: { access: 'staff.reset-factors' },
        schema: {
          operationId: 'resetOperatorFactors',
          summary: 'Remove the second factors of a colleague who has lost them; its sessions end',
          tags: ['operators'],
          params: Type.Object({ operatorId: PathId }),
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const by = personOf(request)
        const { actor } = request
        refuseOwn(by, request.params.operatorId)
        await db.transaction().execute(async (trx) => {
          const account = await findAccount(trx, request.params.operatorId)
          if (account?.kind !== 'operator')
            throw new AppError('NOT_FOUND', 'There is no such operator.')
          await resetFactors(identifying, trx, account.id, actor)
        })
        return reply.code(204).send(null)
      },
    )
  }
}

/** One's own are removed one by one, where the rule for the last one holds. */
function refuseOwn(by: string, whose: string): void {
  if (by === whose)
    throw new AppError('INCOMPATIBLE_STATE', 'Remove your own factors one by one, under Security.')
}
