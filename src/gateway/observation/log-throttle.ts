import type { Log } from '#platform/log'
import type { Exchange } from '../exchange.ts'
import type { Refusal } from '../refusal.ts'

/**
 * Writes faults with their owner, a few a second for each operation: a broken upstream must not fill the disk.
 * @public
 */
export interface LogThrottle {
  fault(exchange: Exchange, refusal: Refusal): void
}

const perSecond = 5

/**
 * @param recorded a correlator as the journal has it, by which the exchange is found
 * @public
 */
export function createLogThrottle(
  log: Log,
  monotonicMs: () => number,
  recorded: (correlator: string) => string,
): LogThrottle {
  const written = new Map<string, { second: number; lines: number; left: number }>()
  return {
    fault(exchange, refusal) {
      const { operation } = exchange
      const key = operation?.name ?? ''
      const second = Math.floor(monotonicMs() / 1_000)
      let state = written.get(key)
      if (state === undefined || state.second !== second) {
        state = { second, lines: 0, left: state?.left ?? 0 }
        written.set(key, state)
      }
      state.lines += 1
      if (state.lines > perSecond) {
        state.left += 1
        return
      }
      const fields = {
        correlator: recorded(exchange.correlator),
        exchange: exchange.id,
        operation: operation?.name,
        owner: operation?.api.owner,
        status: refusal.status,
        code: refusal.code,
        ...(state.left > 0 ? { unwritten: state.left } : {}),
        ...refusal.fault,
      }
      state.left = 0
      if (refusal.code === 'INTERNAL') log.error(fields, 'an exchange failed')
      else log.warn(fields, 'an upstream gave no usable answer')
    },
  }
}
