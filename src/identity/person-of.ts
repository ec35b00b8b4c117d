import type { FastifyRequest } from 'fastify'
import { AppError } from '#platform/app-error'

/**
 * The person behind a request, for what only a person at a browser may do.
 * @throws AppError PERMISSION_DENIED for an API token
 */
export function personOf({ actor }: FastifyRequest): string {
  if ((actor.kind === 'partner' || actor.kind === 'operator') && actor.via === 'session') {
    return actor.id
  }
  throw new AppError('PERMISSION_DENIED', 'This is done signed in, not with an API token.')
}
