import Provider, { type Adapter, type AdapterFactory, type AdapterPayload } from 'oidc-provider'
import type { Clock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Database } from '#platform/database'
import { candidateKeys, metadataForAssertion, metadataForSecret } from './client-metadata.ts'
import type { ClientSource } from './client-source.ts'
import { invalidClient } from './oauth-error.ts'
import { useAssertion } from './store.ts'
import type { AuthorizationTables } from './tables.ts'
import { stateOf } from './token-state.ts'

type Options = {
  environment: Environment
  clients: ClientSource
  database: Database<AuthorizationTables>
  clock: Clock
}

/**
 * What oidc-provider keeps and looks up. With client credentials alone it needs two things: clients, which belong to
 * another module, and used assertions. Access tokens are JWTs and are not kept. Any other model is a feature that is
 * off, so asking for it is a fault.
 */
export function providerAdapter(options: Options): AdapterFactory {
  return (model) => {
    if (model === 'Client') return { ...refusing(model), find: findClient(options) }
    if (model === 'ReplayDetection') return replayAdapter(options)
    return refusing(model)
  }
}

function findClient({ environment, clients }: Options): Adapter['find'] {
  return async (id): Promise<AdapterPayload> => {
    const state = stateOf(Provider.ctx?.req)
    if (state === undefined) throw new Error('a client is looked up outside a token request')
    // What cannot be an id is not asked for; it goes the same way as an id that does not exist.
    const readable = /^[\x21-\x7e]{1,128}$/.test(id)
    const found = readable ? await clients.findClient(id, environment) : undefined
    if (found?.state === 'active' && found.environment === environment && found.clientId === id)
      state.client = found
    const shown = readable ? id : 'unknown'
    if (state.assertion === undefined) return metadataForSecret(shown)
    state.candidates = candidateKeys(state.client, state.assertion)
    return metadataForAssertion(shown, state.assertion, state.candidates)
  }
}

/**
 * oidc-provider finds first and saves afterwards: of simultaneous requests several would find nothing. So nothing is
 * ever found, and the insertion alone decides, for all processes on this database.
 */
function replayAdapter({ environment, database, clock }: Options): Adapter {
  return {
    ...refusing('ReplayDetection'),
    find: async () => undefined,
    upsert: async (id, _payload, expiresIn = 0) => {
      const expiresAt = new Date(clock.now().getTime() + Math.ceil(expiresIn) * 1_000)
      if (await useAssertion(database, { environment, id, expiresAt })) return
      throw invalidClient(
        'the client assertion was used before: make one with a new jti for each request',
      )
    },
  }
}

function refusing(model: string): Adapter {
  const refuse = async (): Promise<never> => {
    throw new Error(`${model} is not kept here: the feature that needs it is off`)
  }
  return {
    upsert: refuse,
    find: refuse,
    findByUserCode: refuse,
    findByUid: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  }
}
