import type { FastifyRequest } from 'fastify'
import type { Actor } from '#audit'
import { AppError } from '#platform/app-error'

/**
 * The answer for a partner that is not there, and for one that the caller may not see.
 */
export const noSuchPartner = (): AppError => new AppError('NOT_FOUND', 'There is no such partner.')

/**
 * Lets the operator and the partner's own members on.
 * @throws AppError NOT_FOUND for everybody else: another's partner is as if it were absent
 */
export function requirePartner(request: FastifyRequest, partnerId: string): Actor {
  const { actor } = request
  switch (actor.kind) {
    case 'operator':
    case 'system':
      return actor
    case 'partner':
      if (actor.partnerId === partnerId) return actor
      throw noSuchPartner()
    case 'anonymous':
      throw noSuchPartner()
  }
}
