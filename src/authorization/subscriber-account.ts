import { subjectOf } from '#consent'
import type { Environment } from '#platform/config'
import type { Sealing } from '#platform/sealing'

/**
 * Who a grant is about. oidc-provider carries an account id through everything that it keeps; here that is the number,
 * sealed, so that it can stand nowhere readable, not even in a fault.
 */
export type Subscriber = { phoneNumber: string; subject: string }

const context = 'authorization account'

export const accountIdOf = (
  sealing: Sealing,
  environment: Environment,
  phoneNumber: string,
): string => sealing.child(`gateway:${environment}`).seal(phoneNumber, context)

/** @throws when the id was not made by `accountIdOf` for this environment */
export function subscriberOf(
  sealing: Sealing,
  environment: Environment,
  accountId: string,
): Subscriber {
  const phoneNumber = sealing.child(`gateway:${environment}`).open(accountId, context)
  return { phoneNumber, subject: subjectOf(sealing, environment, phoneNumber) }
}

/** What a partner knows a subscriber by: another one for each partner, and the same for all its applications. */
export const pairwiseSubject = (
  sealing: Sealing,
  environment: Environment,
  subject: string,
  partnerId: string,
): string =>
  sealing.child(`gateway:${environment}`).keyedHash('pairwise', `${partnerId}:${subject}`)

/** The number inside an access token, for the gateways of its environment; bound to the client it was given to. */
export const sealedSubject = (
  sealing: Sealing,
  environment: Environment,
  phoneNumber: string,
  clientId: string,
): string => sealing.child(`gateway:${environment}`).seal(phoneNumber, `subject:${clientId}`)
