import type { Environment } from '#platform/config'
import type { Sealing } from '#platform/sealing'

/**
 * The pseudonym of a subscriber in one environment: what gateways journal, and the only thing that a subscriber is known
 * by here. Stable, keyed, and another one in the other environment.
 * @param phoneNumber `+` and digits (E.164)
 * @public
 */
export const subjectOf = (
  sealing: Sealing,
  environment: Environment,
  phoneNumber: string,
): string => sealing.child(`gateway:${environment}`).keyedHash('subject', phoneNumber)

const numberContext = 'consent.capture sealed_number'

/** For `CaptureRequest.sealedNumber`: the page of a link sends its code there. @public */
export const sealNumber = (
  sealing: Sealing,
  environment: Environment,
  phoneNumber: string,
): string => sealing.child(`gateway:${environment}`).seal(phoneNumber, numberContext)

/** @public */
export const openNumber = (sealing: Sealing, environment: Environment, sealed: string): string =>
  sealing.child(`gateway:${environment}`).open(sealed, numberContext)
