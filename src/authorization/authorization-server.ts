import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Attempts, createAttempts } from '#platform/attempts'
import { type Environment, environments } from '#platform/config'
import { listen } from '#platform/listen'
import type { Platform } from '#platform/module'
import type { ClientSource, ScopeSource } from './client-source.ts'
import { createFailureLimiter } from './failure-limiter.ts'
import type { EndpointPart } from './grants/grant-part.ts'
import { createIssuer, type Issuer } from './issuer.ts'
import { createListener } from './listener.ts'
import type { SubscriberParts } from './server-options.ts'
import { keysChannel } from './store.ts'

/** @public */
export type AuthorizationServerOptions = {
  platform: Platform
  partners: ClientSource
  contracts: ScopeSource
  /** what the grants on behalf of a subscriber need; without it they are off */
  subscribers?: Readonly<
    Record<Environment, SubscriberParts & { endpoints?: readonly EndpointPart[] }>
  >
  /** which issuers this process serves; both unless told otherwise */
  environments?: readonly Environment[]
  attempts?: Attempts
  /** where to listen, instead of the configured host and port */
  port?: number
  /** is shown the HTTP server, to watch what it answers */
  observe?: (server: Server) => void
}

/** @public */
export interface AuthorizationServer {
  /** Resolves once keys are loaded and the port is open. */
  start(): Promise<void>
  /** Stops taking connections, lets requests under way finish, and closes what is left after 10 s. */
  stop(): Promise<void>
  ready(): boolean
  port(): number
}

/** Notifications carry rotations at once; the poll is for the ones that a broken connection lost unnoticed. */
const pollMs = 5_000
const drainMs = 10_000

/** @public */
export function createAuthorizationServer(
  options: AuthorizationServerOptions,
): AuthorizationServer {
  const { platform, partners, contracts } = options
  const { log, config, database } = platform
  const limiter = createFailureLimiter({
    attempts: options.attempts ?? createAttempts(database),
    log,
    now: () => performance.now(),
  })
  const issuers = (options.environments ?? environments).map((environment) =>
    createIssuer(platform, {
      environment,
      clients: partners,
      scopes: contracts,
      limiter,
      ...(options.subscribers
        ? {
            subscribers: options.subscribers[environment],
            endpoints: options.subscribers[environment].endpoints ?? [],
          }
        : {}),
    }),
  )
  const server = createListener(issuers, log)
  options.observe?.(server)
  let state: 'new' | 'open' | 'stopping' = 'new'
  let follower: { stop(): Promise<void> } | undefined

  return {
    async start() {
      for (const issuer of issuers) await issuer.start()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(options.port ?? config.authorization.port, config.host, () => {
          server.off('error', reject)
          resolve()
        })
      })
      follower = followKeys(platform, issuers)
      state = 'open'
    },
    async stop() {
      if (state !== 'open') return
      state = 'stopping'
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
      server.closeIdleConnections()
      // A connection that was busy a moment ago is idle now, and would keep the server open until it times out.
      const idle = setInterval(() => server.closeIdleConnections(), 100)
      const deadline = setTimeout(() => server.closeAllConnections(), drainMs)
      await closed
      clearInterval(idle)
      clearTimeout(deadline)
      await follower?.stop()
    },
    ready: () => state === 'open',
    port: () => (server.address() as AddressInfo).port,
  }
}

/** Keeps the keys of all issuers up to date; when they cannot be read, the ones in memory go on signing. */
function followKeys({ database, log }: Platform, issuers: readonly Issuer[]) {
  let running: Promise<void> | undefined
  let again = false
  const reloadAll = async (): Promise<void> => {
    do {
      again = false
      for (const issuer of issuers) {
        try {
          await issuer.reload()
        } catch (error) {
          log.warn({ environment: issuer.environment, err: error }, 'signing keys not reloaded')
        }
      }
    } while (again)
    running = undefined
  }
  const reload = (): void => {
    again = true
    running ??= reloadAll()
  }
  const listener = listen({
    url: database.url,
    channel: keysChannel,
    applicationName: 'wayleave authorization keys',
    onSignal: reload,
    onError: (error) => log.warn({ reason: error.message }, 'key notifications lost'),
  })
  const poll = setInterval(reload, pollMs)
  return {
    async stop() {
      clearInterval(poll)
      await listener.stop()
      await running
    },
  }
}
