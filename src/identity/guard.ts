import type { FastifyRequest } from 'fastify'
import type { Actor } from '#audit'
import { AppError } from '#platform/app-error'
import type { Routes } from '#platform/http-server'
import { authenticate, type Caller, type RequestSession, unauthenticated } from './authenticate.ts'
import { owesSecondFactor } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import { refuseForeignOrigin } from './refuse-foreign-origin.ts'
import { requireStepUp } from './require-step-up.ts'
import type { Access } from './schema.ts'
import type { SessionCookie } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. Required under /management/v1: without it the server does not start. */
    access?: Access
    /** Only for a person who proved within ten minutes to be there (see `requireStepUp`); API tokens go on. */
    stepUp?: boolean
    /** Also for staff who owe a second factor: what is needed to add one. */
    withoutFactor?: boolean
  }
  interface FastifyRequest {
    /** The session of a person at a browser. */
    session: RequestSession | undefined
  }
}

/** Below this address nothing is served that does not say who may call it. */
const guardedPrefix = '/management/v1'
const accesses: readonly Access[] = ['public', 'partner', 'operator', 'signed-in']

/**
 * Puts `request.actor` on every request and lets a route run only for those that it declares. It covers what is
 * registered after it, so it comes before everything else.
 */
export function createGuard(identifying: Identifying, cookie: SessionCookie): Routes {
  const guard: Routes = (server) => {
    server.decorateRequest('actor')
    server.decorateRequest('session')
    server.addHook('onRoute', ({ url, config, method }) => {
      const access = config?.access
      if (access !== undefined ? accesses.includes(access) : !isGuarded(url)) return
      throw new Error(`${String(method)} ${url} does not declare who may call it (config.access)`)
    })
    server.addHook('onRequest', async (request, reply) => {
      request.actor = { kind: 'anonymous' }
      request.session = undefined
      const { access, stepUp, withoutFactor } = request.is404 ? {} : request.routeOptions.config
      if (access === undefined) return
      // What an answer says depends on who asks: no cache may keep it, unless the route knows better.
      if (isGuarded(request.routeOptions.url ?? '')) reply.header('cache-control', 'no-store')
      const caller = await identify(request, access)
      request.actor = caller.actor
      request.session = caller.session
      if (access !== 'public' && withoutFactor !== true) refuseWithoutFactor(identifying, caller)
      if (stepUp === true) requireStepUp(request)
    })
  }
  const identify = async (request: FastifyRequest, access: Access): Promise<Caller> => {
    refuseForeignOrigin(identifying.config.portal.url, request)
    const caller = await authenticate(identifying, cookie, request)
    refuseOthers(caller.actor, access)
    return caller
  }
  // Registered as a plugin, it still covers its siblings and not only what is inside it.
  return Object.assign(guard, { [Symbol.for('skip-override')]: true })
}

const isGuarded = (url: string): boolean =>
  url === guardedPrefix || url.startsWith(`${guardedPrefix}/`)

function refuseOthers(actor: Actor, access: Access): void {
  if (access === 'public') return
  if (actor.kind === 'anonymous') throw unauthenticated()
  if (access === 'signed-in' || access === actor.kind) return
  throw new AppError(
    'PERMISSION_DENIED',
    access === 'operator'
      ? 'Only the staff of the operator may do this.'
      : 'Only a member of a partner may do this.',
  )
}

/** A token was made by somebody who had one, and the owner of a session without one adds it first. */
function refuseWithoutFactor(identifying: Identifying, { account }: Caller): void {
  if (account === undefined || account.has_second_factor) return
  if (!owesSecondFactor(identifying, account)) return
  throw new AppError(
    'SECOND_FACTOR_REQUIRED',
    'The operator asks its staff for a second factor: add a passkey or an authenticator app under Security first.',
  )
}
