import type { FastifyRequest } from 'fastify'
import { AppError, invalidArgument } from '#platform/app-error'
import { passwordFaults } from './password-policy.ts'

/**
 * For a route that takes a new password: adds to what the schema refuses what only the password policy sees, so that
 * everything that is wrong with a form is said at once. A form that the schema takes is left to the use case.
 * @example server.post('/registrations', { attachValidation: true, preHandler: checkForm, … })
 * @throws AppError INVALID_ARGUMENT
 * @public
 */
export async function checkForm({ validationError, body }: FastifyRequest): Promise<void> {
  if (validationError === undefined) return
  if (!(validationError instanceof AppError)) throw validationError
  const password = fieldOf(body, 'password')
  const about = { email: fieldOf(body, 'email'), organisation: fieldOf(body, 'organisation') }
  const faults = password === undefined ? [] : passwordFaults(password, about)
  throw invalidArgument([...(validationError.violations ?? []), ...faults])
}

/** A text of a body that may be anything. */
export function fieldOf(body: unknown, name: string): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const value: unknown = Object.entries(body).find(([key]) => key === name)?.[1]
  // Longer text is refused by the schema, and is not worth looking at.
  return typeof value === 'string' && value.length <= 1_000 ? value : undefined
}
