import type { FastifyRequest } from 'fastify'
import type { Actor } from '#audit'
import { AppError } from '#platform/app-error'

/**
 * The person behind a request, for what only a person at a browser may do.
 * @throws AppError PERMISSION_DENIED for an API token
 */
export function personOf({ actor }: FastifyRequest): string {
  if ((actor.kind === 'partner' || actor.kind === 'operator') && actor.via === 'session') {
    return actor.id
  }
  throw notWithToken()
}

/** @throws AppError PERMISSION_DENIED for an API token */
export function refuseToken(actor: Actor): void {
  if (isToken(actor)) throw notWithToken()
}

export const isToken = (actor: Actor): boolean => 'via' in actor && actor.via === 'token'

const notWithToken = (): AppError =>
  new AppError('PERMISSION_DENIED', 'This is done signed in, not with an API token.')

/**
 * The session of a person at a browser.
 * @throws AppError PERMISSION_DENIED for an API token
 */
export function currentSession(request: FastifyRequest): {
  id: string
  personId: string
  freshUntil: Date | undefined
  /** whose identity provider it came from */
  providerOwner: string | undefined
} {
  const personId = personOf(request)
  const { session } = request
  if (session === undefined) throw new TypeError('a person without a session')
  const { id, freshUntil, providerOwner } = session
  return { id, personId, freshUntil, providerOwner }
}
