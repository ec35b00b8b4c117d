import type { Client as PartnerClient } from '#partners'
import type { Environment } from '#platform/config'

/**
 * What may authenticate an application, and what it decided about its own sign-in, as the module that owns applications
 * tells it.
 * @public
 */
export type Client = PartnerClient

/** Asked for each token, so that a creation, suspension, rotation or deletion acts at once. @public */
export interface ClientSource {
  /** A client of the other environment is undefined here, like one that does not exist. */
  findClient(clientId: string, environment: Environment): Promise<Client | undefined>
  /** The keys that a client publishes at its `jwksUri` and that may have signed with this `kid`. */
  publishedKeys?(client: Client, kid: string | undefined): Promise<Client['keys']>
  secretHash(secret: string): string
}

/** @public */
export interface ScopeSource {
  /** The scopes of the live subscriptions of an application. */
  scopesOf(applicationId: string): Promise<readonly string[]>
}
