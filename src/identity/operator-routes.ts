import { Type } from 'typebox'
import type { HttpServer, Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { becomeFirstOperator } from './become-first-operator.ts'
import { changeStaffRole, removeStaff } from './change-staff.ts'
import { checkForm } from './check-form.ts'
import { inviteStaff } from './invite-staff.ts'
import type { Identifying } from './needs.ts'
import { FirstOperator, NewOperator, Operator, OperatorChange, PathId, Session } from './schema.ts'
import type { SessionCookie } from './session-cookie.ts'
import { presentSession } from './session-routes.ts'
import { listStaff, type StaffRecord } from './staff-store.ts'
import { joinedByLink, startSession } from './start-session.ts'

const tags = ['operators']
const Params = Type.Object({ operatorId: PathId })

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
        await startSession(identifying, cookie, reply, account, joinedByLink)
        return reply.code(201).send(presentSession(identifying, account))
      },
    )
    server.get(
      '/operators',
      {
        config: { access: 'staff.read' },
        schema: {
          operationId: 'listOperators',
          summary: 'The staff of the operator and its open invitations',
          tags,
          querystring: Type.Object(PageQuery.properties, { additionalProperties: false }),
          response: { 200: listOf(Operator) },
        },
      },
      async (request) => {
        const page = { limit: request.query.perPage, offset: offsetOf(request.query) }
        const { rows, total } = await listStaff(identifying.db, page)
        return paginate(rows.map(presentOperator), total, request.query)
      },
    )
    changeRoutes(server, identifying)
  }
}

function changeRoutes(server: HttpServer, identifying: Identifying): void {
  server.post(
    '/operators',
    {
      config: { access: 'staff.manage' },
      schema: {
        operationId: 'inviteOperator',
        summary:
          'Invite a colleague by e-mail; inviting the same address again renews the invitation',
        tags,
        body: NewOperator,
        response: { 201: Operator },
      },
    },
    async (request, reply) => {
      const invited = await inviteStaff(identifying, request.body, request.actor)
      return reply.code(201).send(presentOperator(invited))
    },
  )
  server.patch(
    '/operators/:operatorId',
    {
      config: { access: 'staff.manage' },
      schema: {
        operationId: 'changeOperator',
        summary: 'Give a colleague another role; one administrator remains',
        tags,
        params: Params,
        body: OperatorChange,
        response: { 200: Operator },
      },
    },
    async (request) => {
      const change = { operatorId: request.params.operatorId, actor: request.actor }
      return presentOperator(await changeStaffRole(identifying, change, request.body.role))
    },
  )
  server.delete(
    '/operators/:operatorId',
    {
      config: { access: 'staff.manage' },
      schema: {
        operationId: 'removeOperator',
        summary: 'Remove a colleague with sessions and tokens, or withdraw an invitation',
        tags,
        params: Params,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { operatorId } = request.params
      await removeStaff(identifying, { operatorId, actor: request.actor })
      return reply.code(204).send(null)
    },
  )
}

const presentOperator = (one: StaffRecord): Operator => ({
  id: one.id,
  name: one.name,
  email: one.email,
  role: one.role,
  state: one.state,
  createdAt: one.created_at.toISOString(),
})
