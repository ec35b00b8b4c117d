import type { FastifyRequest } from 'fastify'
import { AppError } from '#platform/app-error'
import { bearerOf } from './authenticate.ts'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

type Source = 'portal' | 'elsewhere' | 'program'

/**
 * What a browser says about the site that a request comes from; no page can change either header. Sec-Fetch-Site also
 * covers a portal that is reached under another of its names. Every browser sends at least one of them with a change, so
 * a request with neither comes from a program, which cannot be made to act by a page; the cookie is SameSite besides.
 */
function sourceOf(portalUrl: string, request: FastifyRequest): Source {
  const { origin } = request.headers
  const site = request.headers['sec-fetch-site']
  if (origin === new URL(portalUrl).origin || site === 'same-origin') return 'portal'
  return origin === undefined && (site === undefined || site === 'none') ? 'program' : 'elsewhere'
}

const isUnsafe = (request: FastifyRequest): boolean => !safeMethods.has(request.method)

/**
 * Keeps other sites from acting through a visitor's browser (CSRF), also where nobody is signed in: signing a visitor
 * in to somebody else's account is an attack as well. A browser never sends a bearer token on its own.
 * @throws AppError PERMISSION_DENIED
 */
export function refuseForeignOrigin(portalUrl: string, request: FastifyRequest): void {
  if (!isUnsafe(request) || bearerOf(request) !== undefined) return
  if (sourceOf(portalUrl, request) === 'elsewhere') throw notFromPortal(portalUrl)
}

const notFromPortal = (portalUrl: string): AppError =>
  new AppError(
    'PERMISSION_DENIED',
    `A change with a session cookie must come from the portal (Origin: ${new URL(portalUrl).origin}). Programs use an API token.`,
  )
