import type { FastifyRequest } from 'fastify'
import type { Actor } from '#audit'
import { AppError } from '#platform/app-error'
import type { Routes } from '#platform/http-server'
import { authenticate, type Caller, type RequestSession } from './authenticate.ts'
import { hasShownFactor, owesSecondFactor } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import { grantOf, type Permission, permissionNames } from './permissions.ts'
import { refuseForeignOrigin } from './refuse-foreign-origin.ts'
import { requirePermission, requireRole } from './require-permission.ts'
import type { SessionCookie } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller needs. Required under /management/v1: without it the server does not start. */
    access?: Access
  }
  interface FastifyRequest {
    /** The session of a person at a browser. */
    session: RequestSession | undefined
    /** Whether the caller may still do this, for an answer that goes on and on: roles and sessions end meanwhile. */
    mayStill: () => Promise<boolean>
  }
}

/** What a route says of who may call it: anybody, or whoever has this permission. */
type Access = 'public' | Permission

/** Below this address nothing is served that does not say who may call it. */
const guardedPrefix = '/management/v1'
/** Anybody may send it, so it holds a form and no document. */
const strangersBodyLimit = 65_536
const accesses: readonly string[] = ['public', ...permissionNames]

/**
 * Puts `request.actor` on every request and lets a route run only for those that it declares. It covers what is
 * registered after it, so it comes before everything else.
 */
export function createGuard(identifying: Identifying, cookie: SessionCookie): Routes {
  const guard: Routes = (server) => {
    server.decorateRequest('actor')
    server.decorateRequest('session')
    server.decorateRequest('mayStill')
    server.addHook('onRoute', (route) => {
      const { url, config, method } = route
      const access = config?.access
      if (access === 'public') route.bodyLimit ??= strangersBodyLimit
      if (access !== undefined ? accesses.includes(access) : !isGuarded(url)) return
      throw new Error(`${String(method)} ${url} does not declare who may call it (config.access)`)
    })
    server.addHook('onRequest', async (request, reply) => {
      request.actor = { kind: 'anonymous' }
      request.session = undefined
      const access = request.is404 ? undefined : request.routeOptions.config.access
      if (access === undefined) return
      // What an answer says depends on who asks: no cache may keep it, unless the route knows better.
      if (isGuarded(request.routeOptions.url ?? '')) reply.header('cache-control', 'no-store')
      refuseForeignOrigin(identifying.config.portal.url, request)
      const caller = await admit(request, access)
      request.actor = caller.actor
      request.session = caller.session
      request.mayStill = () => mayStill(request, access)
      if (access !== 'public') requirePermission(request, access)
    })
  }
  const admit = async (request: FastifyRequest, access: Access): Promise<Caller> => {
    const caller = await authenticate(identifying, cookie, request)
    if (access === 'public') return caller
    requireRole(caller.actor, access)
    refuseWithoutFactor(identifying, caller, access)
    await refuseSuspended(identifying, caller.actor, access)
    return caller
  }
  const mayStill = async (request: FastifyRequest, access: Access): Promise<boolean> => {
    try {
      await admit(request, access)
      return true
    } catch (error) {
      if (error instanceof AppError) return false
      throw error
    }
  }
  // Registered as a plugin, it still covers its siblings and not only what is inside it.
  return Object.assign(guard, { [Symbol.for('skip-override')]: true })
}

const isGuarded = (url: string): boolean =>
  url === guardedPrefix || url.startsWith(`${guardedPrefix}/`)

/** A token was made by somebody who had one, and the owner of a session without one adds it first. */
function refuseWithoutFactor(
  identifying: Identifying,
  { account, session }: Caller,
  permission: Permission,
): void {
  if (grantOf(permission).withoutFactor === true) return
  if (account === undefined || hasShownFactor(account, session)) return
  if (!owesSecondFactor(identifying, account)) return
  throw new AppError(
    'SECOND_FACTOR_REQUIRED',
    'The operator asks its staff for a second factor: add a passkey or an authenticator app under Security first.',
  )
}

/** A partner that was suspended still reads, and looks after its people. */
async function refuseSuspended(
  { isSuspended }: Identifying,
  actor: Actor,
  permission: Permission,
): Promise<void> {
  if (actor.kind !== 'partner' || grantOf(permission).active !== true) return
  if (!(await isSuspended(actor.partnerId))) return
  throw new AppError(
    'PERMISSION_DENIED',
    'The operator has suspended your organisation: until it is let go on, nothing that calls depend on can be changed.',
  )
}
