import { createHash } from 'node:crypto'
import { actOut } from './act-out.ts'
import type { Call, Simulation } from './call.ts'
import { findSubscriber } from './find-subscriber.ts'
import { answer, invalid, type Outcome, refusal } from './outcome.ts'
import { asObject, badPhoneNumber, fieldOf, isPhoneNumber, notAnObject } from './request-fields.ts'

const hashPattern = /^[a-fA-F0-9]{64}$/

/** `POST /number-verification/v2/verify` */
export const verifyNumber: Simulation = (call) => {
  const fields = asObject(call.body)
  if (fields === undefined) return notAnObject
  const number = fieldOf(fields, 'phoneNumber')
  const hashed = fieldOf(fields, 'hashedPhoneNumber')
  if ((number === undefined) === (hashed === undefined))
    return invalid('', 'must have exactly one of phoneNumber and hashedPhoneNumber')
  if (number !== undefined && !isPhoneNumber(number)) return badPhoneNumber('/phoneNumber')
  if (hashed !== undefined && !(typeof hashed === 'string' && hashPattern.test(hashed)))
    return invalid('/hashedPhoneNumber', 'must be 64 hexadecimal digits')
  return aboutDevice(call, (own) =>
    answer(200, {
      devicePhoneNumberVerified:
        number === undefined ? String(hashed).toLowerCase() === sha256(own) : number === own,
    }),
  )
}

/** `GET /number-verification/v2/device-phone-number` */
export const shareNumber: Simulation = (call) =>
  aboutDevice(call, (own) => answer(200, { devicePhoneNumber: own }))

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

function aboutDevice(call: Call, reply: (own: string) => Outcome): Outcome | Promise<Outcome> {
  const subscriber = call.subject === undefined ? undefined : findSubscriber(call.subject)
  if (subscriber === undefined)
    return refusal(
      403,
      'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK',
      'The user must be authenticated by the mobile network.',
    )
  return actOut(call, subscriber, () => reply(subscriber.phoneNumber))
}
