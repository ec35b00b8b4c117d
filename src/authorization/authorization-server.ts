import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Attempts, createAttempts } from '#platform/attempts'
import { type CertificateFiles, followCertificate } from '#platform/certificate-files'
import { replaceCertificate } from '#platform/client-certificates/ask-for-certificate'
import {
  type CertificateAuthorities,
  noAuthorities,
} from '#platform/client-certificates/certificate-authorities'
import { PeerCertificates } from '#platform/client-certificates/peer-certificates'
import { type Environment, environments } from '#platform/config'
import { listen } from '#platform/listen'
import type { ServerCertificate } from '#platform/local-certificate'
import type { Log } from '#platform/log'
import type { Platform } from '#platform/module'
import { TrustedProxies } from '#platform/trusted-proxies'
import type { ClientSource, ScopeSource } from './client-source.ts'
import { createFailureLimiter } from './failure-limiter.ts'
import type { EndpointPart } from './grants/grant-part.ts'
import { createIssuer, type Issuer } from './issuer.ts'
import { createListeners } from './listener.ts'
import { createServerDrain } from './server-drain.ts'
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
  /** the certificate of the TLS listener; without it certificates come by trusted proxies only */
  tls?: { certificate: ServerCertificate; files?: CertificateFiles | undefined; port?: number }
  /** the operator's own authorities for client certificates */
  authorities?: CertificateAuthorities
  /** how long it goes on serving, and says that it goes, before it does; not at all unless told */
  lameDuckMs?: number
  /** is shown each HTTP server, to watch what it answers */
  observe?: (server: Server) => void
}

/** @public */
export interface AuthorizationServer {
  /** Resolves once keys are loaded and the port is open. */
  start(): Promise<void>
  /** Tells its clients that it goes, then lets requests under way finish, and closes what is left after 10 s. */
  stop(): Promise<void>
  ready(): boolean
  port(): number
  /** undefined without a TLS listener */
  tlsPort(): number | undefined
}

/** Notifications carry rotations at once; the poll is for the ones that a broken connection lost unnoticed. */
const pollMs = 5_000

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
  const authorities = options.authorities ?? noAuthorities
  const peers = new PeerCertificates(authorities, new TrustedProxies(config.trustedProxies))
  const issuers = (options.environments ?? environments).map((environment) =>
    createIssuer(platform, {
      environment,
      clients: partners,
      scopes: contracts,
      limiter,
      peers,
      ...(options.subscribers
        ? {
            subscribers: options.subscribers[environment],
            endpoints: options.subscribers[environment].endpoints ?? [],
          }
        : {}),
    }),
  )
  const { tls } = config.authorization
  const certificate = tls && options.tls?.certificate
  const { plain, secure, endHandshakes } = createListeners(issuers, certificate, log)
  const servers = [plain, ...(secure === undefined ? [] : [secure])]
  for (const server of servers) options.observe?.(server)
  const drain = createServerDrain(servers, options.lameDuckMs ?? 0, endHandshakes)
  let state: 'new' | 'open' | 'stopping' = 'new'
  let follower: { stop(): Promise<void> } | undefined
  let renewal: { stop(): void } | undefined

  return {
    async start() {
      for (const issuer of issuers) await issuer.start()
      await openPort(plain, options.port ?? config.authorization.port, config.host)
      if (secure !== undefined && tls !== undefined)
        await openPort(secure, options.tls?.port ?? tls.port, config.host)
      follower = followKeys(platform, issuers)
      renewal = followServerCertificate(secure, options.tls, log)
      state = 'open'
    },
    async stop() {
      if (state !== 'open') return
      state = 'stopping'
      renewal?.stop()
      await drain.end()
      authorities.stop()
      await follower?.stop()
    },
    ready: () => state === 'open',
    port: () => portOf(plain),
    tlsPort: () => secure && portOf(secure),
  }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

const openPort = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

function followServerCertificate(
  server: TlsServer | undefined,
  tls: AuthorizationServerOptions['tls'],
  log: Log,
): { stop(): void } | undefined {
  if (server === undefined || tls?.files === undefined) return undefined
  return followCertificate({
    files: tls.files,
    present: tls.certificate,
    use: (certificate) => replaceCertificate(server, certificate),
    log,
  })
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
