import type { IncomingMessage } from 'node:http'

/** Who is at the other end of a connection, as the mobile network knows. */
export type NetworkIdentity = {
  /** E.164, `+…` */
  phoneNumber: string
  method: 'header-enrichment' | 'address-lookup' | 'virtual-handset'
}

/** Where a packet of a subscriber comes from, as the operator's side of the translation sees it. */
export type ClientAddress = { address: string; port: number | undefined }

/**
 * Network authentication: the subscriber whose mobile line a request came over, without asking anybody anything.
 * Production asks the operator's network, the sandbox its virtual handset.
 */
export interface NetworkAuthentication {
  /**
   * @returns undefined when the network does not know, also when it does not answer: whoever asked goes on as with a
   * browser that is on no mobile network
   */
  identify(request: IncomingMessage): Promise<NetworkIdentity | undefined>
}

/** What a caller names instead of a number: resolved by the operator, or by the sandbox. */
export interface SubscriberLookup {
  byAddress(client: ClientAddress): Promise<string | undefined>
  /** a temporary token of GSMA TS.43, opaque to us */
  byOperatorToken(token: string): Promise<string | undefined>
  /** whether a number may be one of this operator's, by its leading digits alone */
  mayServe(phoneNumber: string): boolean
}

/**
 * What the claim `amr` holds when the network authenticated the subscriber, and gateways ask for where an operation
 * answers to nobody else. RFC 8176 has no name for it.
 */
export const networkMethod = 'nbma'

/** E.164: `+`, no leading zero, at most 15 digits. */
export const isPhoneNumber = (text: string): boolean => /^\+[1-9][0-9]{4,14}$/.test(text)
