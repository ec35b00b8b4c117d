import ipaddr from 'ipaddr.js'
import { AppError } from '#platform/app-error'
import type { AttemptLimit, Attempts } from '#platform/attempts'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'

const perAddress: AttemptLimit = {
  name: 'client-authentication-address',
  limit: 600,
  windowSeconds: 60,
}
const perClientAndAddress: AttemptLimit = {
  name: 'client-authentication',
  limit: 60,
  windowSeconds: 60,
}
const rememberedKeys = 10_000

export interface FailureLimiter {
  /**
   * Counts one failed authentication.
   * @returns seconds to wait, when there were too many; undefined while there were not
   */
  failed(from: {
    environment: Environment
    clientId: string | undefined
    address: string
  }): Promise<number | undefined>
}

/**
 * Failures are counted by client and address, and by address. A success is never counted and never refused: a secret
 * has 256 bits, so guessing is hopeless anyway, and whoever knows a client_id (it is public) could otherwise lock its
 * owner out, above all where a proxy gives all callers one address. A used-up window is remembered here until it ends,
 * so that a flood of failures does not become a flood of writes.
 */
export function createFailureLimiter(options: {
  attempts: Attempts
  log: Log
  now: () => number
}): FailureLimiter {
  const { attempts, log, now } = options
  const usedUp = new Map<string, number>()

  const take = async (limit: AttemptLimit, key: string): Promise<number | undefined> => {
    const name = `${limit.name}:${key}`
    const until = usedUp.get(name)
    if (until !== undefined && until > now()) return Math.ceil((until - now()) / 1_000)
    usedUp.delete(name)
    try {
      await attempts.take(limit, key)
      return undefined
    } catch (error) {
      if (!(error instanceof AppError)) {
        log.warn({ err: error }, 'a failed client authentication could not be counted')
        return undefined
      }
      const seconds = Number(error.headers?.['retry-after'] ?? limit.windowSeconds)
      const [oldest] = usedUp.keys()
      if (usedUp.size >= rememberedKeys && oldest !== undefined) usedUp.delete(oldest)
      usedUp.set(name, now() + seconds * 1_000)
      return seconds
    }
  }

  return {
    async failed({ environment, clientId, address }) {
      const network = networkOf(address)
      const client = /^[\x21-\x7e]{1,64}$/.test(clientId ?? '') ? clientId : 'unreadable'
      return (
        (await take(perAddress, `${environment}:${network}`)) ??
        (await take(perClientAndAddress, `${environment}:${client}:${network}`))
      )
    },
  }
}

/** One household or host has a /64 of IPv6: addresses inside it are not different callers. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown'
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv6) return `${parsed.parts.slice(0, 4).join(':')}::/64`
  return parsed.toString()
}
