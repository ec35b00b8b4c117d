import { randomInt, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { Clock } from '#platform/clock'
import type { DatabasePool } from '#platform/database'
import type { NewId } from '#platform/ids'
import type { Log } from '#platform/log'
import type { Stoppable } from '#platform/process-lifecycle'
import type { SnapshotFollower } from '#snapshot'
import { createAnswerer } from './answer-request.ts'
import type { Simulation } from './call.ts'
import { createThings } from './keep-things.ts'
import { createPublishedApis } from './published-apis.ts'
import { verifyLocation } from './simulate-location-verification.ts'
import { shareNumber, verifyNumber } from './simulate-number-verification.ts'
import { createOneTimePasswords, type Random } from './simulate-one-time-password.ts'
import { checkSimSwap, retrieveSimSwapDate } from './simulate-sim-swap.ts'

/** The simulated operator: the process behind the sandbox gateway. */
export interface Sandbox extends Stoppable {
  /** Resolves when the snapshot is loaded and the port is open. */
  start(): Promise<void>
  port(): number
  ready(): boolean
}

export type SandboxOptions = {
  listen: { host: string; port: number }
  /** what the sandbox gateway shows; nobody else is answered */
  upstreamToken: string
  /** the snapshot of the sandbox; started and stopped with this process */
  follower: SnapshotFollower
  /** with a role that may use the schema `sandbox` */
  database: DatabasePool
  newId: NewId
  clock: Clock
  log: Log
  random?: Random
}

const systemRandom: Random = {
  code: () => String(randomInt(1_000_000)).padStart(6, '0'),
  uuid: randomUUID,
}

const drainMs = 10_000

export function createSandbox(options: SandboxOptions): Sandbox {
  const { follower, listen, log } = options
  const apis = createPublishedApis()
  const codes = createOneTimePasswords({
    database: options.database,
    newId: options.newId,
    random: options.random ?? systemRandom,
  })
  const things = createThings({
    database: options.database,
    random: options.random ?? systemRandom,
  })
  const simulations = new Map<string, Simulation>([
    ['sim-swap/v2 checkSimSwap', checkSimSwap],
    ['sim-swap/v2 retrieveSimSwapDate', retrieveSimSwapDate],
    ['location-verification/v3 verifyLocation', verifyLocation],
    ['number-verification/v2 phoneNumberVerify', verifyNumber],
    ['number-verification/v2 phoneNumberShare', shareNumber],
    ['one-time-password-sms/v1 sendCode', codes.sendCode],
    ['one-time-password-sms/v1 validateCode', codes.validateCode],
  ])
  const answerer = createAnswerer({
    apis,
    simulationOf: (apiId, operationId) => simulations.get(`${apiId} ${operationId}`) ?? things,
    upstreamToken: options.upstreamToken,
    clock: options.clock,
    log,
  })
  const server = createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 1_000,
      // Longer than the gateway keeps an idle connection, so that it is the gateway that closes.
      keepAliveTimeout: 65_000,
    },
    answerer.handle,
  )
  let loaded = false

  return {
    async start() {
      await follower.start((changes, complete) => {
        apis.apply(changes, complete)
        loaded = true
      })
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(listen.port, listen.host, () => {
          server.off('error', reject)
          resolve()
        })
      })
    },
    async stop() {
      loaded = false
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      answerer.releaseSilent()
      server.closeIdleConnections()
      const deadline = setTimeout(() => server.closeAllConnections(), drainMs)
      await closed
      clearTimeout(deadline)
      await follower.stop()
    },
    port() {
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : listen.port
    },
    ready: () => loaded,
  }
}
