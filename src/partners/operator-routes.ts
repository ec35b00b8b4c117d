import { Type } from 'typebox'
import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import type { Platform } from '#platform/module'
import { presentPartner } from './presented.ts'
import { Partner, type Requirement } from './schema.ts'
import { findPartner, listPartners, setPartnerState } from './store.ts'
import type { PartnerTables } from './tables.ts'

const tags = ['Partners']

const Params = Type.Object({ partnerId: Type.String({ maxLength: 64 }) })

export function operatorRoutes(
  platform: Platform,
  requirementsOf: (partnerId: string) => Promise<Requirement[]>,
): Routes {
  const db = platform.database.as<PartnerTables>()
  const suspend = async (
    request: { actor: Actor },
    partnerId: string,
    state: 'active' | 'suspended',
    reason: string | null,
  ): Promise<Partner> => {
    const root = await db.transaction().execute(async (trx) => {
      if (!(await setPartnerState(trx, partnerId, state, reason))) return undefined
      await recordAction(platform.outbox, trx, {
        actor: request.actor,
        action: state === 'suspended' ? 'partner.suspended' : 'partner.resumed',
        target: partnerId,
        partnerId,
        ...(reason !== null && { detail: { reason } }),
      })
      return await platform.outbox.emit(trx, {
        type: 'partner.changed',
        key: partnerId,
        payload: { partnerId },
      })
    })
    if (root !== undefined) await platform.outbox.settled([root], 700)
    const record = await findPartner(db, partnerId)
    if (record === undefined) throw new AppError('NOT_FOUND', 'There is no such partner.')
    return presentPartner(record, await requirementsOf(partnerId))
  }
  return (server) => {
    server.get(
      '/partners',
      {
        config: { access: 'partner-list.read' },
        schema: {
          operationId: 'listPartners',
          summary: 'All partners, newest first',
          tags,
          querystring: PageQuery,
          response: { 200: listOf(Partner) },
        },
      },
      async (request) => {
        const { items, total } = await listPartners(db, {
          limit: request.query.perPage,
          offset: offsetOf(request.query),
        })
        const presented = await Promise.all(
          items.map(async (record) => presentPartner(record, await requirementsOf(record.id))),
        )
        return paginate(presented, total, request.query)
      },
    )
    server.post(
      '/partners/:partnerId/suspension',
      {
        config: { access: 'partner.suspend' },
        schema: {
          operationId: 'suspendPartner',
          summary: 'Stop every call and token of a partner, within a second',
          tags,
          params: Params,
          body: Type.Object(
            { reason: Type.String({ minLength: 1, maxLength: 500 }) },
            { additionalProperties: false },
          ),
          response: { 200: Partner },
        },
      },
      (request) => suspend(request, request.params.partnerId, 'suspended', request.body.reason),
    )
    server.delete(
      '/partners/:partnerId/suspension',
      {
        config: { access: 'partner.suspend' },
        schema: {
          operationId: 'resumePartner',
          summary: 'Let a suspended partner call again',
          tags,
          params: Params,
          response: { 200: Partner },
        },
      },
      (request) => suspend(request, request.params.partnerId, 'active', null),
    )
  }
}
