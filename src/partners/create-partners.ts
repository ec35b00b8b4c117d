import type { JWK } from 'jose'
import type { Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import { createEgress } from '#platform/egress'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { Subscriber } from '#platform/outbox'
import { authorizationRoutes } from './authorization-routes.ts'
import { type ApplicationCertificate, certificatesOf } from './certificate-of-application.ts'
import { type ClientSettings, defaultClientSettings } from './client-settings.ts'
import { createPartnerSubscriber } from './end-applications.ts'
import { createExplorerKey, explorerCredentialId } from './explorer-key.ts'
import { ensureGuestApplication } from './guest-application.ts'
import { createJwksSource, publishedKeysId } from './jwks-source.ts'
import { operatorRoutes } from './operator-routes.ts'
import { type PartnerRouteDeps, partnerRoutes } from './partner-routes.ts'
import { secretHash } from './secret-hash.ts'
import { findSettings } from './settings-store.ts'
import {
  type ApplicationRecord,
  applicationIds,
  type CredentialRecord,
  findApplication,
  findApplicationByClientId,
  findPartner,
  holdApplication,
  listApplications,
  listCredentials,
  type PartnerRecord,
} from './store.ts'
import type { PartnerTables } from './tables.ts'

/** What the authorization server knows of a client. */
export type Client = {
  applicationId: string
  partnerId: string
  partnerName: string
  clientId: string
  name: string
  environment: Environment
  state: 'active' | 'suspended'
  settings: ClientSettings
  secrets: readonly { credentialId: string; hash: string }[]
  keys: readonly { credentialId: string; jwk: JWK }[]
}

/** What a gateway knows of an application. */
export type ApplicationSnapshot = {
  kind: 'application'
  id: string
  clientId: string
  partnerId: string
  state: 'active' | 'suspended'
  credentialIds: readonly string[]
  /** keyed hashes of API keys, as the gateway's key makes them */
  apiKeys?: readonly { credentialId: string; hash: string }[]
  certificates?: readonly ApplicationCertificate[]
}

/** The questions that may be asked of the partners: no routes, no changes. */
export interface PartnerDirectory {
  /** The client of this environment with this id; undefined for an unknown one and for one of the other environment. */
  findClient(clientId: string, environment: Environment): Promise<Client | undefined>
  /**
   * The keys that a client publishes at its `jwksUri` and that may have signed something with this `kid`; none for a
   * client without one.
   */
  publishedKeys(
    client: Pick<Client, 'applicationId' | 'settings'>,
    kid: string | undefined,
  ): Promise<Client['keys']>
  secretHash(secret: string): string
  getPartner(id: string): Promise<PartnerRecord | undefined>
  getApplication(id: string): Promise<ApplicationRecord | undefined>
  /** An application that is not deleted or changed until the caller's transaction ends. */
  holdApplication<T>(trx: Transaction<T>, id: string): Promise<ApplicationRecord | undefined>
  applicationsOf(partnerId: string): Promise<ApplicationRecord[]>
  /** Up to 1 000 ids after this one, in order: to walk through all. */
  applicationIds(environment: Environment, after: string): Promise<string[]>
  applicationEntry(
    id: string,
  ): Promise<{ environment: Environment; entry: ApplicationSnapshot } | undefined>
  /** A client assertion of the portal for one of its visitors' or members' sandbox applications. */
  explorerAssertion(applicationId: string, audience: string): Promise<string>
  guestApplication(): Promise<{ id: string; clientId: string }>
}

export interface Partners extends PartnerDirectory {
  routes: Routes
  subscriber: Subscriber
  /** Whether the operator has suspended a partner. */
  isSuspended(partnerId: string): Promise<boolean>
}

export function createPartnerDirectory(platform: Platform): PartnerDirectory {
  const db = platform.database.as<PartnerTables>()
  const explorer = createExplorerKey(platform)
  const egress = createEgress({ networks: platform.config.egressNetworks })
  const published = createJwksSource({ egress, clock: platform.clock, log: platform.log })
  const stateOf = (record: ApplicationRecord): 'active' | 'suspended' =>
    record.partnerState === 'suspended' ? 'suspended' : record.state
  return {
    async findClient(clientId, environment) {
      const record = await findApplicationByClientId(db, clientId, environment)
      if (record === undefined) return undefined
      const { credentials } = record
      const keys = credentials.flatMap((c) =>
        c.jwk === null ? [] : [{ credentialId: c.id, jwk: c.jwk as JWK }],
      )
      if (environment === 'sandbox') {
        keys.push({ credentialId: explorerCredentialId, jwk: await explorer.publicJwk() })
      }
      return {
        applicationId: record.id,
        partnerId: record.partnerId,
        partnerName: record.partnerName,
        clientId: record.clientId,
        name: record.name,
        environment: record.environment,
        state: stateOf(record),
        settings: {
          ...(record.settings ?? defaultClientSettings),
          certificates: certificatesOf(credentials),
        },
        secrets: credentials.flatMap((c) =>
          c.type === 'client_secret' && c.secretHash !== null
            ? [{ credentialId: c.id, hash: c.secretHash }]
            : [],
        ),
        keys,
      }
    },
    async publishedKeys({ applicationId, settings: { jwksUri } }, kid) {
      return jwksUri === undefined ? [] : await published.keysAt({ applicationId, jwksUri }, kid)
    },
    secretHash: (secret) => secretHash(platform.sealing, secret),
    getPartner: (id) => findPartner(db, id),
    getApplication: (id) => findApplication(db, id),
    holdApplication: (trx, id) => holdApplication(trx as unknown as Transaction<PartnerTables>, id),
    applicationsOf: (partnerId) => listApplications(db, partnerId),
    applicationIds: (environment, after) => applicationIds(db, environment, after),
    async applicationEntry(id) {
      const record = await findApplication(db, id)
      if (record === undefined) return undefined
      const credentials = await listCredentials(db, id)
      const credentialIds = credentials.map((c) => c.id)
      if (record.environment === 'sandbox') credentialIds.push(explorerCredentialId)
      const { settings } = await findSettings(db, id)
      if (settings?.jwksUri !== undefined) credentialIds.push(publishedKeysId(id, settings.jwksUri))
      return {
        environment: record.environment,
        entry: {
          kind: 'application',
          id: record.id,
          clientId: record.clientId,
          partnerId: record.partnerId,
          state: stateOf(record),
          credentialIds,
          ...gatewayCredentials(credentials),
        },
      }
    },
    async explorerAssertion(applicationId, audience) {
      const record = await findApplication(db, applicationId)
      if (record?.environment !== 'sandbox') throw new Error('the explorer calls the sandbox only')
      return await explorer.assertion(record.clientId, audience)
    },
    guestApplication: () => ensureGuestApplication(platform),
  }
}

/** What an application shows to a gateway itself; absent when it has none of a kind. */
function gatewayCredentials(
  credentials: readonly CredentialRecord[],
): Pick<ApplicationSnapshot, 'apiKeys' | 'certificates'> {
  const apiKeys = credentials.flatMap((c) =>
    c.type === 'api_key' && c.secretHash !== null
      ? [{ credentialId: c.id, hash: c.secretHash }]
      : [],
  )
  const certificates = certificatesOf(credentials)
  return {
    ...(apiKeys.length === 0 ? {} : { apiKeys }),
    ...(certificates.length === 0 ? {} : { certificates }),
  }
}

export function createPartners(platform: Platform, deps: PartnerRouteDeps): Partners {
  const routes: Routes = async (server) => {
    await partnerRoutes(platform, deps)(server)
    await authorizationRoutes(platform, {
      ...deps.purposes,
      addressFault: (address) =>
        createEgress({ networks: platform.config.egressNetworks }).addressFault(address),
    })(server)
    await operatorRoutes(platform, deps.requirementsOf)(server)
  }
  const directory = createPartnerDirectory(platform)
  return {
    ...directory,
    routes,
    subscriber: createPartnerSubscriber(platform),
    isSuspended: async (id) => (await directory.getPartner(id))?.state === 'suspended',
  }
}
