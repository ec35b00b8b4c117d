import type { AccessToken } from '../credentials/token-verifier.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { isPhoneNumber } from './subscriber-identifier.ts'

/**
 * The subscriber whom a 3-legged token is about.
 * @public
 */
export type TokenSubject = { phoneNumber: string; pseudonym: string }

const opened = new WeakMap<AccessToken, TokenSubject | 'unreadable'>()

/**
 * Opens the claim `sbj`: the subscriber's number, sealed with the key of this environment's gateways for one client. A
 * token is opened once.
 * @returns undefined for a 2-legged token, `unreadable` for one that was sealed with another key or for another client
 * @public
 */
export function tokenSubject(
  context: Pick<GatewayContext, 'sealing'>,
  token: AccessToken | undefined,
): TokenSubject | 'unreadable' | undefined {
  if (token?.subject === undefined) return undefined
  let subject = opened.get(token)
  if (subject === undefined) {
    subject = open(context, token.subject, token.clientId)
    opened.set(token, subject)
  }
  return subject
}

function open(
  { sealing }: Pick<GatewayContext, 'sealing'>,
  sealed: string,
  clientId: string,
): TokenSubject | 'unreadable' {
  try {
    const phoneNumber = sealing.open(sealed, `subject:${clientId}`)
    if (!isPhoneNumber(phoneNumber)) return 'unreadable'
    return { phoneNumber, pseudonym: sealing.keyedHash('subject', phoneNumber) }
  } catch {
    return 'unreadable'
  }
}
