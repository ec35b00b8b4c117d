import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'
import type { Platform } from '#platform/module'
import type { ProviderOptions } from './create-provider.ts'
import { ensureKeys } from './ensure-keys.ts'
import type { FailureLimiter } from './failure-limiter.ts'
import { loadProvider } from './load-provider.ts'
import { metadataDocument } from './metadata-document.ts'
import { serveToken } from './serve-token.ts'
import { shapeTokenAnswers } from './shape-token-answers.ts'
import { openKey, type PublicJwk } from './signing-key.ts'
import { listLiveKeys, type SigningKeyRecord } from './store.ts'

/** One authorization server as its partners see it: one issuer, one set of keys. */
export interface Issuer {
  readonly environment: Environment
  readonly url: string
  readonly tokenEndpoint: string
  /** Makes the first keys if there are none, and loads them. */
  start(): Promise<void>
  /** Reads the keys again; a rotation takes effect for the next request, and those under way finish with the old key. */
  reload(): Promise<void>
  jwks(): { keys: readonly PublicJwk[] }
  metadata(): Record<string, unknown>
  token(request: IncomingMessage, response: ServerResponse, correlator: string): Promise<void>
}

export function createIssuer(
  platform: Platform,
  options: Omit<ProviderOptions, 'issuer' | 'audience' | 'database' | 'clock'> & {
    limiter: FailureLimiter
    log: Log
  },
): Issuer {
  const { config, clock } = platform
  const { environment, log } = options
  const url = `${config.authorization.url}/${environment}`
  const tokenEndpoint = `${url}/token`
  const database: ProviderOptions['database'] = platform.database.as()
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
    const audience = config.gateways[environment].url
    const { createProvider } = await loadProvider()
    const provider = createProvider(
      { ...options, issuer: url, audience, database, clock },
      signingKey,
    )
    shapeTokenAnswers(provider, options)
    serving = { generation, provider, keys }
    log.info({ environment, kid: signingKey.kid, keys: keys.length }, 'signing keys loaded')
  }

  return {
    environment,
    url,
    tokenEndpoint,
    async start() {
      await ensureKeys(platform, environment)
      await reload()
    },
    reload,
    jwks: () => ({ keys: current().keys }),
    metadata: () => metadataDocument(url),
    token: (request, response, correlator) =>
      serveToken(
        { issuer: url, tokenEndpoint, clock },
        current().provider,
        request,
        response,
        correlator,
      ),
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
