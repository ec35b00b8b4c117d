import type { Environment } from '#platform/config'
import type { DatabasePool } from '#platform/database'
import type { Log } from '#platform/log'
import { queryWithin } from '../payload/query-within.ts'

const everyMs = 1_000
const answerWithinMs = 1_000

/**
 * Keeps the row of this process in `gateway.member` fresh, and takes it away at the end. Nothing of a call depends on
 * it: control reads there which gateways live, where they are reached, and which snapshot each serves.
 * @public
 */
export function announceMember(options: {
  database: DatabasePool
  environment: Environment
  gatewayId: string
  /** URL of the internal listener */
  address: string
  revision: () => number
  monotonicMs: () => number
  log: Log
}): { stop(): Promise<void> } {
  const { database, environment, gatewayId, address, log, monotonicMs } = options
  const startedMs = monotonicMs()
  const name = `announce-${environment}`
  const text = `select gateway.announce_${environment}($1, $2, $3, $4, $5)`
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let telling = Promise.resolve()
  const tell = async (leaving: boolean): Promise<void> => {
    const runningMs = Math.round(monotonicMs() - startedMs)
    const values = [gatewayId, address, options.revision(), runningMs, leaving]
    try {
      await queryWithin(database.pool, { name, text, values }, answerWithinMs)
    } catch (error) {
      log.debug({ err: error }, 'this gateway could not be announced')
    }
  }
  const turn = (): void => {
    telling = tell(false).then(() => {
      if (!stopped) timer = setTimeout(turn, everyMs).unref()
    })
  }
  turn()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      // What is still on its way to the database would bring the row back.
      await telling
      await tell(true)
    },
  }
}
