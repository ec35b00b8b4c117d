import type Provider from 'oidc-provider'
import { takenCertificateMethods } from '#platform/client-certificates/certificate-methods'
import type { PeerCertificates } from '#platform/client-certificates/peer-certificates'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { jwtBearerGrant } from './check-bearer-assertion.ts'
import { ensureKeys } from './ensure-keys.ts'
import type { FailureLimiter } from './failure-limiter.ts'
import type { EndpointPart, PageExchange } from './grants/grant-part.ts'
import { grantTypesOf, partsOf } from './grants/parts.ts'
import { loadProvider } from './load-provider.ts'
import { metadataDocument } from './metadata-document.ts'
import { serveClient } from './serve-client.ts'
import type { ServerOptions } from './server-options.ts'
import { shapeTokenAnswers } from './shape-token-answers.ts'
import { openKey, type PublicJwk } from './signing-key.ts'
import { listLiveKeys, type SigningKeyRecord } from './store.ts'

/** One authorization server as its partners see it: one issuer, one set of keys. */
export interface Issuer {
  readonly environment: Environment
  readonly url: string
  /** its other address, where certificates are shown; undefined when they are not taken */
  readonly certificatesUrl: string | undefined
  /** the paths below the issuer */
  readonly endpoints: readonly EndpointPart[]
  /** Makes the first keys if there are none, and loads them. */
  start(): Promise<void>
  /** Reads the keys again; a rotation takes effect for the next request, and those under way finish with the old key. */
  reload(): Promise<void>
  jwks(): { keys: readonly PublicJwk[] }
  metadata(): Record<string, unknown>
  serve(endpoint: EndpointPart, exchange: Omit<PageExchange, 'options' | 'provider'>): Promise<void>
}

const tokenEndpoint: EndpointPart = { path: '/token', methods: ['POST'], kind: 'client' }

export function createIssuer(
  platform: Platform,
  options: Pick<ServerOptions, 'environment' | 'clients' | 'scopes' | 'subscribers'> & {
    limiter: FailureLimiter
    /** judges certificates; they are taken where the configuration has an address for them */
    peers: PeerCertificates
    /** beside those of the grants, such as the pages of subscribers */
    endpoints?: readonly EndpointPart[]
  },
): Issuer {
  const { config, clock, log } = platform
  const { environment, limiter, peers } = options
  const url = `${config.authorization.url}/${environment}`
  const { tls } = config.authorization
  const certificates = tls && { url: `${tls.url}/${environment}`, peers }
  const served: ServerOptions = {
    ...options,
    ...(certificates && { certificates }),
    issuer: url,
    audience: config.gateways[environment].url,
    database: platform.database.as(),
    sealing: platform.sealing,
    outbox: platform.outbox,
    newId: platform.newId,
    clock,
    log,
  }
  const { database } = served
  const parts = partsOf(served)
  const takesBearer = grantTypesOf(served).includes(jwtBearerGrant)
  let serving: { generation: string; provider: Provider; keys: readonly PublicJwk[] } | undefined

  const current = (): NonNullable<typeof serving> => {
    if (serving === undefined) throw new Error(`the ${environment} issuer has not started`)
    return serving
  }

  const reload = async (): Promise<void> => {
    const records = await listLiveKeys(database, environment)
    const generation = records.map(({ kid, state }) => `${kid}:${state}`).join(' ')
    if (serving?.generation === generation) return
    const keys = records.map(({ publicJwk }) => publicJwk)
    const signingKey = openCurrentKey(platform, environment, records)
    const { createProvider } = await loadProvider()
    const provider = createProvider(served, signingKey)
    shapeTokenAnswers(provider, { environment, limiter, log })
    serving = { generation, provider, keys }
    log.info({ environment, kid: signingKey.kid, keys: keys.length }, 'signing keys loaded')
  }

  return {
    environment,
    url,
    certificatesUrl: certificates?.url,
    endpoints: [
      tokenEndpoint,
      ...parts.flatMap((part) => part.endpoints ?? []),
      ...(options.endpoints ?? []),
    ],
    async start() {
      await ensureKeys(platform, environment)
      await reload()
    },
    reload,
    jwks: () => ({ keys: current().keys }),
    metadata: () =>
      metadataDocument(
        url,
        parts,
        certificates && { url: certificates.url, methods: takenCertificateMethods(config) },
      ),
    async serve(endpoint, exchange) {
      const { provider } = current()
      if (endpoint.serve !== undefined)
        return await endpoint.serve({ ...exchange, options: served, provider })
      const { request, response, correlator } = exchange
      const called = { issuer: url, path: endpoint.path, clock, certificates, takesBearer }
      await serveClient(called, provider, request, response, correlator)
    },
  }
}

function openCurrentKey(
  { sealing }: Platform,
  environment: Environment,
  records: readonly SigningKeyRecord[],
) {
  const record = records.find(({ state }) => state === 'current')
  if (record?.sealedPrivateJwk == null)
    throw new Error(`there is no current signing key in ${environment}`)
  return openKey(sealing, environment, record.kid, record.sealedPrivateJwk)
}
