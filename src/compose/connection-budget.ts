import type { Config } from '#platform/config'

/**
 * How many connections each process holds at most: its pool, and one for each thing that it listens to. What is written
 * here is what `create-platform.ts`, `run-gateway.ts` and `run-sandbox.ts` open.
 */
const most = {
  control: 10 + 2,
  authorization: 10 + 2,
  gatewayWorker: 4 + 2,
  /** of each worker that shares its limits by PostgreSQL and not by Redis */
  limits: 2,
  sandbox: 6 + 2,
  /** a command beside the product, or the start of the next version */
  command: 10 + 2,
} as const

/** What the whole product on one machine may hold at the same time. */
export function connectionBudget({ gatewayWorkers, redisUrl }: Config): number {
  const worker = most.gatewayWorker + (redisUrl === undefined ? most.limits : 0)
  return (
    most.control + most.authorization + 2 * gatewayWorkers * worker + most.sandbox + most.command
  )
}

/** What the embedded server is started with: room for commands, and for whoever looks. */
export const embeddedConnections = (config: Config): number =>
  Math.max(120, 2 * connectionBudget(config))
