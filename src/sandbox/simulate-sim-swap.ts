import { actOut } from './act-out.ts'
import type { Call, Simulation } from './call.ts'
import { identifyByNumber } from './identify-subscriber.ts'
import { type Answer, answer, invalid, type Outcome, refusal } from './outcome.ts'
import {
  asObject,
  badPhoneNumber,
  type Fields,
  fieldOf,
  isPhoneNumber,
  notAnObject,
} from './request-fields.ts'
import { latestSimChange, simChangedWithin } from './sim-history.ts'
import type { Subscriber } from './subscriber.ts'

const longestHours = 2_400
const usualHours = 240

/** `POST /sim-swap/v2/check` */
export const checkSimSwap: Simulation = (call) => {
  const maxAge = readMaxAge(asObject(call.body) ?? {})
  if (typeof maxAge !== 'number') return maxAge
  return aboutNumber(call, ({ sim }) => {
    const swapped = simChangedWithin(sim, maxAge, call.now)
    if (typeof swapped === 'boolean') return answer(200, { swapped })
    return refusal(
      400,
      'OUT_OF_RANGE',
      `The history of this number is kept for ${swapped.limitHours} hours; ask for a maxAge of at most that.`,
    )
  })
}

/** `POST /sim-swap/v2/retrieve-date` */
export const retrieveSimSwapDate: Simulation = (call) =>
  aboutNumber(call, ({ sim }) => answer(200, latestSimChange(sim, call.now)))

function readMaxAge(fields: Fields): number | Answer {
  const maxAge = fieldOf(fields, 'maxAge') ?? usualHours
  return typeof maxAge === 'number' &&
    Number.isInteger(maxAge) &&
    maxAge >= 1 &&
    maxAge <= longestHours
    ? maxAge
    : invalid('/maxAge', `must be an integer from 1 to ${longestHours}`)
}

function aboutNumber(
  call: Call,
  reply: (subscriber: Subscriber) => Outcome,
): Outcome | Promise<Outcome> {
  const fields = asObject(call.body)
  if (fields === undefined) return notAnObject
  const sent = fieldOf(fields, 'phoneNumber')
  const phoneNumber = sent === undefined ? call.subject : sent
  if (phoneNumber === undefined) {
    return refusal(422, 'MISSING_IDENTIFIER', 'Send phoneNumber: this token names no subscriber.')
  }
  if (!isPhoneNumber(phoneNumber)) return badPhoneNumber('/phoneNumber')
  const identified = identifyByNumber(phoneNumber, 'IDENTIFIER_NOT_FOUND')
  if ('refused' in identified) return identified.refused
  return actOut(call, identified.subscriber, () => reply(identified.subscriber))
}
