import type { FastifyRequest } from 'fastify'
import { AppError } from '#platform/app-error'

/** For so long a proof that the person is there is good. */
export const freshMs = 10 * 60_000

/**
 * For what must not be done by somebody who found an open browser: lets a person on who has proved to be there within
 * the last ten minutes.
 * An API token goes on: it was made by somebody who had just proved it, and cannot prove anything itself.
 * @throws AppError STEP_UP_REQUIRED
 */
export function requireStepUp(request: FastifyRequest): void {
  const { actor, session } = request
  if (!('via' in actor) || actor.via === 'token') return
  if (session?.freshUntil !== undefined) return
  throw new AppError(
    'STEP_UP_REQUIRED',
    'Confirm that it is you, by POST /management/v1/session/step-up, and send this again. GET the same address for the ways that you have.',
  )
}
