import type { ConsentDirectory } from '#consent'
import type { Attempts } from '#platform/attempts'
import type { Clock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Database } from '#platform/database'
import type { NewId } from '#platform/ids'
import type { Log } from '#platform/log'
import type { Outbox } from '#platform/outbox'
import type { Sealing } from '#platform/sealing'
import type { ClientCertificates } from './client-certificates.ts'
import type { ClientSource, ScopeSource } from './client-source.ts'
import type { InteractionPages } from './interaction.ts'
import type { NetworkAuthentication, SubscriberLookup } from './network-authentication.ts'
import type { AuthorizationTables } from './tables.ts'
import type { BasisOf } from './two-legged-basis.ts'

/**
 * What the authorization server of one environment works with.
 * @public
 */
export type ServerOptions = {
  environment: Environment
  /** `https://auth.example.com/sandbox` */
  issuer: string
  /** the gateway's public address: what the tokens of this environment are for */
  audience: string
  clients: ClientSource
  scopes: ScopeSource
  database: Database<AuthorizationTables>
  sealing: Sealing
  outbox: Outbox
  newId: NewId
  clock: Clock
  log: Log
  /** without it no client shows a certificate */
  certificates?: ClientCertificates
  /** without it there is no grant on behalf of a subscriber */
  subscribers?: SubscriberParts
}

/**
 * What is needed where a subscriber stands behind a token.
 * @public
 */
export type SubscriberParts = {
  consent: ConsentDirectory
  network: NetworkAuthentication
  /** whom an address, a token or a number of a client's request stands for */
  lookup: SubscriberLookup
  /** a message to the phone, in the matter of an application; rejects where it cannot be sent */
  sendMessage: (phoneNumber: string, text: string, applicationId?: string) => Promise<void>
  /** on which legal basis scopes are answered; without it only gateways look at that */
  basisOf?: BasisOf
  attempts: Attempts
  operatorName: string
  pages: InteractionPages
}
