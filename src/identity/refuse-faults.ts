import { type AppError, invalidArgument, type Violation } from '#platform/app-error'
import type { Identifying } from './needs.ts'

const notValid: Violation = {
  path: '/token',
  message: 'this link is not valid, or was used or has expired: ask for another one',
}

/** The same for a link that never was, was used up, or is too old. */
export const linkNotValid = (): AppError => invalidArgument([notValid])

/**
 * Refuses what is wrong with a form that came by a link, every fault at once; a wrong link counts as a guess.
 * @throws AppError INVALID_ARGUMENT; TOO_MANY_REQUESTS
 */
export async function refuseFaults(
  { limiter }: Identifying,
  options: { linkIsOpen: boolean; faults: readonly Violation[]; ip: string },
): Promise<void> {
  const { linkIsOpen, faults, ip } = options
  if (!linkIsOpen) await limiter.byAddress('wrongLinkByAddress', ip)
  if (!linkIsOpen) throw invalidArgument([notValid, ...faults])
  if (faults.length > 0) throw invalidArgument(faults)
}
