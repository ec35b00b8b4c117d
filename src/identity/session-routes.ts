import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { recordAction } from '#audit'
import type { HttpServer, Routes } from '#platform/http-server'
import type { RequestSession } from './authenticate.ts'
import { hasShownFactor, owesSecondFactor } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import { grantOf, permissionNames, roles } from './permissions.ts'
import { heldBy } from './require-permission.ts'
import { RoleTable, Session } from './schema.ts'
import type { SessionCookie } from './session-cookie.ts'
import { actorOf } from './sign-in.ts'
import { endSession } from './start-session.ts'
import { type Account, findAccount } from './store.ts'
import { unauthenticated } from './unauthenticated.ts'

const tags = ['session']

/** Who somebody is who has just signed in, or does something in a browser. */
export const presentSession = (
  identifying: Pick<Identifying, 'config'>,
  account: Account,
  from: Pick<RequestSession, 'methods' | 'signOutUrl'> = { methods: [], signOutUrl: undefined },
): Session => ({
  kind: account.kind,
  id: account.id,
  name: account.name,
  email: account.email,
  emailVerified: account.email_verified_at !== null,
  role: account.role,
  permissions: heldBy(actorOf(account)),
  ...(account.kind === 'partner' && { partnerId: account.partner_id }),
  via: 'session',
  ...(from.signOutUrl !== undefined && { signOutUrl: from.signOutUrl }),
  secondFactor: hasShownFactor(account, from)
    ? 'present'
    : owesSecondFactor(identifying, account)
      ? 'required'
      : 'absent',
})

export function createSessionRoutes(identifying: Identifying, cookie: SessionCookie): Routes {
  return (server) => {
    whoAmIRoute(server, identifying)
    rolesRoute(server)
    signOutRoute(server, identifying, cookie)
  }
}

function whoAmIRoute(server: HttpServer, identifying: Identifying): void {
  server.get(
    '/session',
    {
      config: { access: 'session.read' },
      schema: {
        operationId: 'getSession',
        summary: 'Who the caller is',
        tags,
        response: { 200: Session },
      },
    },
    (request) => whoIs(identifying, request),
  )
}

async function whoIs(
  identifying: Identifying,
  { actor, session }: FastifyRequest,
): Promise<Session> {
  if (actor.kind !== 'partner' && actor.kind !== 'operator') throw unauthenticated()
  if (actor.via === 'session') {
    const account = await findAccount(identifying.db, actor.id)
    if (account === undefined) throw unauthenticated()
    return presentSession(identifying, account, session)
  }
  return {
    kind: actor.kind,
    id: actor.id,
    name: actor.name,
    emailVerified: false,
    role: actor.role,
    permissions: heldBy(actor),
    ...(actor.kind === 'partner' && { partnerId: actor.partnerId }),
    via: 'token',
  }
}

function rolesRoute(server: HttpServer): void {
  server.get(
    '/roles',
    {
      config: { access: 'session.read' },
      schema: {
        operationId: 'getRoles',
        summary: 'Which role may do what',
        tags,
        response: { 200: RoleTable },
      },
    },
    () => roleTable,
  )
}

const described = (ofKind: Readonly<Record<string, string>>) =>
  Object.entries(ofKind).map(([role, description]) => ({ role, description }))

const roleTable: RoleTable = {
  partner: described(roles.partner),
  operator: described(roles.operator),
  permissions: permissionNames.map((name) => {
    const { title, partner, operator, stepUp, person } = grantOf(name)
    return {
      name,
      title,
      partner: [...partner],
      operator: [...operator],
      stepUp: stepUp === true,
      token: person !== true,
    }
  }),
}

function signOutRoute(server: HttpServer, identifying: Identifying, cookie: SessionCookie): void {
  server.delete(
    '/session',
    {
      config: { access: 'own-account.change' },
      schema: {
        operationId: 'endSession',
        summary: 'Sign out: the session ends on the server',
        tags,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { actor } = request
      await identifying.db.transaction().execute(async (trx) => {
        await endSession(identifying, cookie, request, trx)
        await recordAction(identifying.outbox, trx, {
          actor,
          action: 'session.ended',
          target: 'id' in actor ? actor.id : '',
        })
      })
      return reply.code(204).header('set-cookie', cookie.clear()).send(null)
    },
  )
}
