import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import type { HttpServer, Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { issueToken } from './create-token.ts'
import type { Identifying } from './needs.ts'
import { currentSession, personOf } from './person-of.ts'
import { holds } from './require-permission.ts'
import { ApiToken, NewToken, NewTokenResult, PathId } from './schema.ts'
import type { TokenRow } from './tables.ts'
import { limitsOf } from './token-scopes.ts'
import { deleteToken, findToken, listTokens, type TokenOwner } from './token-store.ts'

const tags = ['tokens']

export function createTokenRoutes(identifying: Identifying): Routes {
  return (server) => {
    listRoute(server, identifying)
    createRoute(server, identifying)
    deleteRoute(server, identifying)
  }
}

/** One's own tokens; an owner and an administrator also keep those that others, or the command line, have made. */
function ownerOf(request: FastifyRequest): TokenOwner {
  const personId = personOf(request)
  const { actor } = request
  if (!holds(actor, 'token.manage')) return { personId }
  return actor.kind === 'partner'
    ? { kind: 'partner', partnerId: actor.partnerId }
    : { kind: 'operator' }
}

const presentToken = (row: TokenRow): ApiToken => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  ...(row.partner_id !== null && { partnerId: row.partner_id }),
  hint: row.hint,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  ...(row.scopes !== null && { scopes: row.scopes }),
  ...(row.expires_at !== null && { expiresAt: row.expires_at.toISOString() }),
  ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at.toISOString() }),
})

function listRoute(server: HttpServer, { db }: Identifying): void {
  server.get(
    '/tokens',
    {
      config: { access: 'own-token.read' },
      schema: {
        operationId: 'listTokens',
        summary: 'API tokens that the caller keeps; a secret is never shown again',
        tags,
        querystring: Type.Object(PageQuery.properties, { additionalProperties: false }),
        response: { 200: listOf(ApiToken) },
      },
    },
    async (request) => {
      const page = { limit: request.query.perPage, offset: offsetOf(request.query) }
      const { rows, total } = await listTokens(db, ownerOf(request), page)
      return paginate(rows.map(presentToken), total, request.query)
    },
  )
}

function createRoute(server: HttpServer, identifying: Identifying): void {
  server.post(
    '/tokens',
    {
      config: { access: 'own-token.change' },
      schema: {
        operationId: 'createToken',
        summary: 'An API token; its secret is shown once',
        description:
          'It may do what its scopes name, and never more than its maker may at that moment. It ends after 90 days, or when it says.',
        tags,
        body: NewToken,
        response: { 201: NewTokenResult },
      },
    },
    async (request, reply) => {
      const { personId, id: sessionId } = currentSession(request)
      const { actor } = request
      const { name, ...limits } = request.body
      const { row, token } = await issueToken(identifying, {
        name,
        limits: limitsOf(limits, actor, identifying.clock.now()),
        partnerId: actor.kind === 'partner' ? actor.partnerId : undefined,
        ...{ personId, sessionId },
        createdBy: personId,
        actor,
      })
      return reply.code(201).send({ ...presentToken(row), token })
    },
  )
}

function deleteRoute(server: HttpServer, { db, outbox }: Identifying): void {
  server.delete(
    '/tokens/:tokenId',
    {
      config: { access: 'own-token.change' },
      schema: {
        operationId: 'deleteToken',
        summary: 'End an API token at once',
        tags,
        params: Type.Object({ tokenId: PathId }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { actor } = request
      const owner = ownerOf(request)
      await db.transaction().execute(async (trx) => {
        const token = await findToken(trx, owner, request.params.tokenId)
        if (token === undefined || !(await deleteToken(trx, token.id))) {
          throw new AppError('NOT_FOUND', 'There is no such token.')
        }
        await recordAction(outbox, trx, { actor, action: 'token.deleted', target: token.id })
      })
      return reply.code(204).send(null)
    },
  )
}
