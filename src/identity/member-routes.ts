import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Actor } from '#audit'
import type { HttpServer, Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { acceptInvitation } from './accept-invitation.ts'
import { changeMemberRole, removeMember } from './change-member.ts'
import { checkForm } from './check-form.ts'
import { inviteMember } from './invite-member.ts'
import { countMembers, listMembers, type MemberRecord } from './member-store.ts'
import type { Identifying } from './needs.ts'
import { noSuchPartner, requirePartner } from './require-partner.ts'
import { holds, requirePermission } from './require-permission.ts'
import { InvitationAcceptance, Member, MemberChange, NewMember, PathId, Session } from './schema.ts'
import type { SessionCookie } from './session-cookie.ts'
import { presentSession } from './session-routes.ts'
import { joinedByLink, startSession } from './start-session.ts'

const tags = ['members']
const PartnerParams = Type.Object({ partnerId: PathId })
const MemberParams = Type.Object({ partnerId: PathId, memberId: PathId })
const Page = Type.Object(PageQuery.properties, { additionalProperties: false })

export function createMemberRoutes(identifying: Identifying, cookie: SessionCookie): Routes {
  return (server) => {
    listRoute(server, identifying)
    inviteRoute(server, identifying)
    changeRoutes(server, identifying)
    acceptRoute(server, identifying, cookie)
  }
}

/** What somebody may see of a member. */
function presentMember(member: MemberRecord, to: Actor): Member {
  const at = member.last_sign_in_at
  return {
    id: member.id,
    name: member.name,
    role: member.role,
    emailVerified: member.verified,
    state: member.state,
    createdAt: member.created_at.toISOString(),
    ...(holds(to, 'member-email.read') && { email: member.email }),
    ...(holds(to, 'member-sign-in.read') &&
      member.state === 'active' && {
        ...(at !== null && { lastSignInAt: at.toISOString() }),
        secondFactor: member.has_second_factor,
      }),
  }
}

type KnownActor = Exclude<Actor, { kind: 'anonymous' }>

/** An operator may name any partner, so whether there is one must be looked up. */
async function requireRoster(
  { db }: Identifying,
  request: FastifyRequest,
  partnerId: string,
): Promise<KnownActor> {
  const actor = requirePartner(request, partnerId)
  if (actor.kind === 'anonymous') throw noSuchPartner()
  if (actor.kind !== 'partner' && (await countMembers(db, partnerId)) === 0) throw noSuchPartner()
  return actor
}

function listRoute(server: HttpServer, identifying: Identifying): void {
  server.get(
    '/partners/:partnerId/members',
    {
      config: { access: 'member.read' },
      schema: {
        operationId: 'listMembers',
        summary: 'The members of a partner and its open invitations',
        tags,
        params: PartnerParams,
        querystring: Page,
        response: { 200: listOf(Member) },
      },
    },
    async (request) => {
      const { partnerId } = request.params
      const actor = await requireRoster(identifying, request, partnerId)
      const page = { limit: request.query.perPage, offset: offsetOf(request.query) }
      const { rows, total } = await listMembers(identifying.db, partnerId, page)
      return paginate(
        rows.map((row) => presentMember(row, actor)),
        total,
        request.query,
      )
    },
  )
}

function inviteRoute(server: HttpServer, identifying: Identifying): void {
  server.post(
    '/partners/:partnerId/members',
    {
      config: { access: 'member.manage' },
      schema: {
        operationId: 'inviteMember',
        summary: 'Invite somebody by e-mail; inviting the same address again renews the invitation',
        tags,
        params: PartnerParams,
        body: NewMember,
        response: { 201: Member },
      },
    },
    async (request, reply) => {
      const { partnerId } = request.params
      const actor = await requireRoster(identifying, request, partnerId)
      const member = await inviteMember(identifying, partnerId, request.body, actor)
      return reply.code(201).send(presentMember(member, actor))
    },
  )
}

function changeRoutes(server: HttpServer, identifying: Identifying): void {
  server.patch(
    '/partners/:partnerId/members/:memberId',
    {
      config: { access: 'member.manage' },
      schema: {
        operationId: 'changeMember',
        summary: 'Give a member another role',
        tags,
        params: MemberParams,
        body: MemberChange,
        response: { 200: Member },
      },
    },
    async (request) => {
      const { partnerId, memberId } = request.params
      const actor = await requireRoster(identifying, request, partnerId)
      const change = { partnerId, memberId, actor }
      const member = await changeMemberRole(identifying, change, request.body.role)
      return presentMember(member, actor)
    },
  )
  server.delete(
    '/partners/:partnerId/members/:memberId',
    {
      config: { access: 'member.end' },
      schema: {
        operationId: 'removeMember',
        summary: 'Remove a member with its sessions and tokens, or withdraw an invitation',
        tags,
        params: MemberParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { partnerId, memberId } = request.params
      const actor = await requireRoster(identifying, request, partnerId)
      // Everybody may leave; only who manages may send others away.
      if (actor.id !== memberId) requirePermission(request, 'member.manage')
      await removeMember(identifying, { partnerId, memberId, actor })
      return reply.code(204).send(null)
    },
  )
}

function acceptRoute(server: HttpServer, identifying: Identifying, cookie: SessionCookie): void {
  server.post(
    '/invitations/accept',
    {
      config: { access: 'public' },
      attachValidation: true,
      preHandler: checkForm,
      schema: {
        operationId: 'acceptInvitation',
        summary: 'Become a member with a link that was mailed; signs in',
        tags,
        body: InvitationAcceptance,
        response: { 201: Session },
      },
    },
    async (request, reply) => {
      const account = await acceptInvitation(identifying, request.body, request.ip)
      await startSession(identifying, cookie, reply, account, joinedByLink)
      return reply.code(201).send(presentSession(identifying, account))
    },
  )
}
