import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { AppError } from '#platform/app-error'
import type { HttpServer, Routes } from '#platform/http-server'
import { beginSso } from './begin-sso.ts'
import { completeSso, type SsoOutcome } from './complete-sso.ts'
import { findProvider, findProviderFor, operatorOwner } from './identity-provider.ts'
import type { Identifying } from './needs.ts'
import { currentSession, personOf } from './person-of.ts'
import { PathId } from './schema.ts'
import { newSecret } from './secrets.ts'
import { createVisitCookie, type SecretCookie, type SessionCookie } from './session-cookie.ts'
import { normalEmail } from './sign-in.ts'
import { type SsoFault, SsoRefusal } from './sso-account.ts'
import { SsoBeginning, SsoStart } from './sso-schema.ts'
import { noteProof, startSession } from './start-session.ts'

const tags = ['session']

type Cookies = { session: SessionCookie; visit: SecretCookie }

export function createSsoRoutes(identifying: Identifying, session: SessionCookie): Routes {
  const cookies = { session, visit: createVisitCookie(identifying.config.portal.url) }
  return (server) => {
    beginRoute(server, identifying, cookies)
    proofRoute(server, identifying, cookies)
    returnRoute(server, identifying, cookies)
  }
}

/** One secret for all visits of a browser: it may be on its way in several tabs. */
function browserOf(request: FastifyRequest, reply: FastifyReply, { visit }: Cookies): string {
  const browser = visit.read(request.headers.cookie) ?? newSecret()
  reply.header('set-cookie', visit.set(browser))
  return browser
}

function beginRoute(server: HttpServer, identifying: Identifying, cookies: Cookies): void {
  server.post(
    '/session/sso',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'beginSso',
        summary: 'Sign in with the identity provider that answers for the domain of an address',
        description:
          'Says whether a domain has single sign-on, and nothing about whoever has the address.',
        tags,
        body: SsoStart,
        response: { 200: SsoBeginning },
      },
    },
    async (request, reply) => {
      await identifying.limiter.byAddress('ssoByAddress', request.ip)
      const email = normalEmail(request.body.email)
      const provider = await findProviderFor(identifying, email)
      if (provider === undefined)
        throw new AppError('NOT_FOUND', 'There is no single sign-on for this address.')
      const browser = browserOf(request, reply, cookies)
      const returnTo = request.body.returnTo
      return { url: await beginSso(identifying, provider, { browser, email, returnTo }) }
    },
  )
}

function proofRoute(server: HttpServer, identifying: Identifying, cookies: Cookies): void {
  server.post(
    '/session/sso/proof',
    {
      config: { access: 'own-account.read' },
      schema: {
        operationId: 'beginSsoProof',
        summary: 'Prove with the identity provider that the caller is there (step-up)',
        tags,
        response: { 200: SsoBeginning },
      },
    },
    async (request, reply) => {
      const { id: sessionId, providerOwner } = currentSession(request)
      const provider = providerOwner && (await findProvider(identifying, providerOwner))
      if (!provider)
        throw new AppError(
          'INCOMPATIBLE_STATE',
          'This session did not come from an identity provider.',
        )
      await identifying.limiter.by('stepUpBySession', sessionId)
      const browser = browserOf(request, reply, cookies)
      return { url: await beginSso(identifying, provider, { browser, sessionId }) }
    },
  )
}

function returnRoute(server: HttpServer, identifying: Identifying, cookies: Cookies): void {
  server.get(
    '/session/sso/:owner/callback',
    {
      config: { access: 'public' },
      schema: { hide: true, params: Type.Object({ owner: PathId }) },
    },
    async (request, reply) => {
      await identifying.limiter.byAddress('ssoByAddress', request.ip)
      const { owner } = request.params
      const { actor, session } = request
      const isPerson = session !== undefined && 'via' in actor
      try {
        const outcome = await completeSso(identifying, {
          owner,
          query: new URL(request.url, 'http://localhost').searchParams,
          browser: cookies.visit.read(request.headers.cookie),
          session: isPerson ? { ...session, personId: personOf(request) } : undefined,
        })
        return await goOn(identifying, cookies, reply, outcome)
      } catch (error) {
        const fault = error instanceof SsoRefusal ? error.fault : outrun(error)
        if (fault === undefined) throw error
        const page = owner === operatorOwner ? '/console/sign-in' : '/sign-in'
        return await leave(reply, `${page}?sso=${fault}`)
      }
    },
  )
}

/** What the person came back to has changed meanwhile. It looks at a page, not at an API: it begins again there. */
const outrun = (error: unknown): SsoFault | undefined =>
  error instanceof AppError && ['UNAUTHENTICATED', 'ABORTED'].includes(error.code)
    ? 'expired'
    : undefined

async function goOn(
  identifying: Identifying,
  cookies: Cookies,
  reply: FastifyReply,
  outcome: SsoOutcome,
): Promise<FastifyReply> {
  if (outcome.kind === 'proved') {
    const { account } = outcome
    await noteProof(identifying, cookies.session, reply, { account, method: 'sso' })
    return await showProved(reply)
  }
  const { account, returnTo } = outcome
  const home = account.kind === 'operator' ? '/console' : '/app'
  if (outcome.kind === 'second-factor') {
    const { ticket, methods, expiresAt } = outcome.needed
    const behind = new URLSearchParams({ ticket, methods: methods.join(' '), expiresAt })
    const page = account.kind === 'operator' ? '/console/sign-in' : '/sign-in'
    const after =
      returnTo === undefined ? '' : `?${new URLSearchParams({ return: returnTo }).toString()}`
    // Behind "#" it stays in the browser.
    return await leave(reply, `${page}${after}#${behind.toString()}`)
  }
  const { methods, from } = outcome
  await startSession(identifying, cookies.session, reply, account, { methods, from })
  return await leave(reply, returnTo ?? home)
}

const leave = (reply: FastifyReply, to: string) =>
  reply
    .code(303)
    .header('location', to)
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .send()

/** In a window of its own, while the page that asked for the proof waits. */
const showProved = (reply: FastifyReply) =>
  reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .send(
      '<!doctype html><html lang="en"><meta charset="utf-8"><title>Confirmed</title><h1>Confirmed</h1><p>It is you. Close this window and go on where you were.</p></html>',
    )
