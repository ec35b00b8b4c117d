import { Type } from 'typebox'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { becomeFirstOperator } from './become-first-operator.ts'
import { checkForm } from './check-form.ts'
import type { Identifying } from './needs.ts'
import { FirstOperator, Operator, Session } from './schema.ts'
import type { SessionCookie } from './session-cookie.ts'
import { presentSession } from './session-routes.ts'
import { startSession } from './start-session.ts'
import { listStaff } from './store.ts'

const tags = ['operators']

export function createOperatorRoutes(identifying: Identifying, cookie: SessionCookie): Routes {
  return (server) => {
    server.post(
      '/operators/first',
      {
        config: { access: 'public' },
        attachValidation: true,
        preHandler: checkForm,
        schema: {
          operationId: 'becomeFirstOperator',
          summary: 'Become the first operator with the link that the start prints; signs in',
          tags,
          body: FirstOperator,
          response: { 201: Session },
        },
      },
      async (request, reply) => {
        const account = await becomeFirstOperator(identifying, request.body, request.ip)
        await startSession(identifying, cookie, reply, account.id, ['link', 'password'])
        return reply.code(201).send(presentSession(identifying, account))
      },
    )
    server.get(
      '/operators',
      {
        config: { access: 'staff.read' },
        schema: {
          operationId: 'listOperators',
          summary: 'The staff of the operator',
          tags,
          querystring: Type.Object(PageQuery.properties, { additionalProperties: false }),
          response: { 200: listOf(Operator) },
        },
      },
      async (request) => {
        const page = { limit: request.query.perPage, offset: offsetOf(request.query) }
        const { rows, total } = await listStaff(identifying.db, page)
        const items = rows.map((row) => ({
          id: row.id,
          name: row.name,
          email: row.email,
          role: row.role,
          createdAt: row.created_at.toISOString(),
        }))
        return paginate(items, total, request.query)
      },
    )
  }
}
