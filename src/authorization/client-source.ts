import type { Environment } from '#platform/config'

/** What may authenticate an application, as the module that owns applications tells it. @public */
export type Client = {
  applicationId: string
  clientId: string
  environment: Environment
  state: 'active' | 'suspended'
  /** keyed hashes, as `secretHash` makes them; at most two live at a time */
  secrets: readonly { credentialId: string; hash: string }[]
  /** registered public keys for `private_key_jwt` */
  keys: readonly { credentialId: string; jwk: unknown }[]
}

/** Asked for each token, so that a creation, suspension, rotation or deletion acts at once. @public */
export interface ClientSource {
  /** A client of the other environment is undefined here, like one that does not exist. */
  findClient(clientId: string, environment: Environment): Promise<Client | undefined>
  secretHash(secret: string): string
}

/** @public */
export interface ScopeSource {
  /** The scopes of the live subscriptions of an application. */
  scopesOf(applicationId: string): Promise<readonly string[]>
}
