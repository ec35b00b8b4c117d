import Provider, {
  type Adapter,
  type AdapterFactory,
  type AdapterPayload,
  errors,
} from 'oidc-provider'
import { AppError } from '#platform/app-error'
import { createArtifacts } from './artifacts.ts'
import { cibaAdapter } from './ciba-adapter.ts'
import { metadataOf } from './client-metadata.ts'
import type { Client } from './client-source.ts'
import { interactionSeconds } from './grants/authorization-code.ts'
import { grantTypesOf } from './grants/parts.ts'
import { OAuthError } from './oauth-error.ts'
import { refreshAdapter } from './refresh-adapter.ts'
import type { ServerOptions } from './server-options.ts'
import { spendWithToken, stateOf, type TokenState } from './token-state.ts'

/** What a second use of each is answered with. A model that is not here is not kept. */
const keptModels: Readonly<Record<string, () => Error>> = {
  Grant: () => new errors.InvalidGrant('grant not found'),
  AuthorizationCode: () => invalidGrant('the authorization code was used before'),
  RefreshToken: () => invalidGrant('the refresh token was used before'),
  BackchannelAuthenticationRequest: () => invalidGrant('the auth_req_id was used before'),
  PushedAuthorizationRequest: () =>
    new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used'),
  Interaction: () => new errors.SessionNotFound('the question was answered before'),
}

/**
 * For how many seconds more than it is good something is kept. A pushed request is used when its question is answered,
 * which may be long after it was last good to be opened; one that is gone by then would count as used by nobody.
 */
const keptOn: Readonly<Record<string, number>> = { PushedAuthorizationRequest: interactionSeconds }

const invalidGrant = (description: string): OAuthError =>
  new OAuthError(400, 'invalid_grant', description)

/**
 * What oidc-provider keeps and looks up. Clients belong to another module; access tokens are JWTs and are not kept, nor
 * are sessions, because the network tells anew at each request who is there. Any other model is a feature that is off, so
 * asking for it is a fault. Used assertions and proofs are `replay.ts`.
 */
export function providerAdapter(options: ServerOptions): AdapterFactory {
  return (model) => {
    if (model === 'Client') return { ...refusing(model), find: findClient(options) }
    const usedBefore = keptModels[model]
    if (usedBefore !== undefined) {
      const kept = artifactAdapter(options, model, usedBefore)
      return wrapped[model]?.(options, kept) ?? kept
    }
    if (unkept.has(model)) return { ...refusing(model), ...nothing }
    return refusing(model)
  }
}

/** Models whose uses follow rules of their own. */
const wrapped: Readonly<Record<string, (options: ServerOptions, kept: Adapter) => Adapter>> = {
  BackchannelAuthenticationRequest: cibaAdapter,
  RefreshToken: refreshAdapter,
}

/** Nothing of these is ever written, so there is nothing to find or to revoke. */
const unkept: ReadonlySet<string> = new Set(['AccessToken', 'ClientCredentials', 'Session'])
const nothing = { find: async () => undefined, revokeByGrantId: async () => undefined }

/**
 * oidc-provider finds first and consumes afterwards: of simultaneous requests several would find it unused. So the update
 * decides, for all processes on this database, and a use that comes too late ends the grant (RFC 6749, section 4.1.2;
 * RFC 9700, section 4.14.2).
 */
function artifactAdapter(options: ServerOptions, model: string, usedBefore: () => Error): Adapter {
  const artifacts = createArtifacts(options)
  return {
    ...refusing(model),
    async upsert(id, payload, expiresIn) {
      const lifetime = (expiresIn ?? 0) + (keptOn[model] ?? 0)
      const put = () => artifacts.put(model, id, { ...payload }, lifetime)
      const request = Provider.ctx?.req
      // The refresh token that is kept instead of one that is used up.
      if (model === 'RefreshToken' && (stateOf(request)?.uses.length ?? 0) > 0)
        await spendWithToken(request, put)
      else await put()
    },
    async find(id): Promise<AdapterPayload | undefined> {
      const found = await artifacts.find(model, id)
      if (found === undefined) return undefined
      const consumed = found.consumedAt?.getTime()
      return {
        ...found.payload,
        ...(consumed === undefined ? {} : { consumed: Math.floor(consumed / 1_000) }),
      }
    },
    consume: (id) =>
      spendWithToken(Provider.ctx?.req, async () => {
        if (await artifacts.consume(model, id)) return
        const grantId = (await artifacts.find(model, id))?.payload.grantId
        if (typeof grantId === 'string') await artifacts.endGrant(grantId)
        throw usedBefore()
      }),
    async destroy(id) {
      if (model === 'Grant') await artifacts.endGrant(id)
      // One browser goes on with an answered question; a copy of its request does not.
      else if (!(await artifacts.remove(model, id)) && model === 'Interaction') throw usedBefore()
    },
    revokeByGrantId: (grantId) => artifacts.endGrant(grantId),
  }
}

function findClient(options: ServerOptions): Adapter['find'] {
  const { environment, clients } = options
  const supported = grantTypesOf(options)
  return async (id): Promise<AdapterPayload | undefined> => {
    const state = stateOf(Provider.ctx?.req)
    if (state === undefined) throw new Error('a client is looked up outside a request')
    // What cannot be an id is not asked for; it goes the same way as an id that does not exist.
    const readable = /^[\x21-\x7e]{1,128}$/.test(id)
    const found = readable ? await clients.findClient(id, environment) : undefined
    if (found?.state === 'active' && found.environment === environment && found.clientId === id)
      state.client = await withPublishedKeys(clients, found, state)
    return metadataOf(readable ? id : 'unknown', state, supported)
  }
}

/** Read only when something is signed: what a client publishes is somebody else's server. */
async function withPublishedKeys(
  clients: ServerOptions['clients'],
  client: Client,
  { assertion, requestObject }: TokenState,
): Promise<Client> {
  const header = assertion ?? requestObject
  if (header === undefined || client.settings.jwksUri === undefined) return client
  const published = (await clients.publishedKeys?.(client, header.kid).catch(tooMany)) ?? []
  return { ...client, keys: [...client.keys, ...published] }
}

function tooMany(cause: unknown): never {
  if (!(cause instanceof AppError)) throw cause
  const why = 'too many requests wait for the keys at a jwks_uri: try again in a few seconds'
  throw new OAuthError(503, 'temporarily_unavailable', why, { cause })
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
