import { type DatabasePool, lockFor, type Trx } from '#platform/database'
import type { NewId } from '#platform/ids'
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
  required,
} from './request-fields.ts'
import {
  addMessage,
  addOneTimePassword,
  consumeCode,
  countCodesSince,
  countWrongTry,
  findCodeState,
} from './store.ts'
import type { Subscriber } from './subscriber.ts'
import type { SandboxTables } from './tables.ts'

const minuteMs = 60_000
/** What the simulated operator allows; the guide names the same figures. */
export const codeRules = { validMinutes: 10, maxWrong: 3, maxCodes: 10, perMinutes: 10 } as const
const { maxWrong, maxCodes } = codeRules

const api = 'ONE_TIME_PASSWORD_SMS'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const placeholder = '{{code}}'

/** Where codes and their ids come from. */
export type Random = { code: () => string; uuid: () => string }

/** `POST /one-time-password-sms/v1/send-code` and `/validate-code` */
export function createOneTimePasswords(deps: {
  database: DatabasePool
  newId: NewId
  random: Random
}): { sendCode: Simulation; validateCode: Simulation } {
  const db = deps.database.as<SandboxTables>()

  const send = async (call: Call, to: Subscriber, message: string): Promise<Outcome> =>
    await db.transaction().execute(async (trx) => {
      const { applicationId, now } = call
      const { phoneNumber } = to
      if (await sentTooMany(trx, applicationId, phoneNumber, now)) {
        return refusal(
          403,
          `${api}.MAX_OTP_CODES_EXCEEDED`,
          `An application may send ${maxCodes} codes to a number in ${codeRules.perMinutes} minutes; try again later.`,
        )
      }
      const authenticationId = deps.random.uuid()
      const code = deps.random.code()
      const validMs = to.codes === 'usual' ? codeRules.validMinutes * minuteMs : 0
      const expiresAt = new Date(now.getTime() + validMs)
      await addOneTimePassword(trx, {
        authenticationId,
        applicationId,
        phoneNumber,
        code,
        sentAt: now,
        expiresAt,
      })
      await addMessage(trx, {
        id: deps.newId('message'),
        applicationId,
        phoneNumber,
        text: message.replaceAll(placeholder, () => code),
        receivedAt: now,
      })
      return answer(200, { authenticationId })
    })

  return {
    sendCode(call) {
      const fields = asObject(call.body)
      if (fields === undefined) return notAnObject
      const phoneNumber = fieldOf(fields, 'phoneNumber')
      if (phoneNumber === undefined) return required('/phoneNumber')
      if (!isPhoneNumber(phoneNumber)) return badPhoneNumber('/phoneNumber')
      const message = readMessage(fields)
      if (typeof message !== 'string') return message
      const identified = identifyByNumber(phoneNumber, 'NOT_FOUND')
      if ('refused' in identified) return identified.refused
      return actOut(call, identified.subscriber, () => send(call, identified.subscriber, message))
    },

    async validateCode(call) {
      const fields = asObject(call.body)
      if (fields === undefined) return notAnObject
      const authenticationId = readText(fields, 'authenticationId', 36)
      if (typeof authenticationId !== 'string') return authenticationId
      const code = readText(fields, 'code', 10)
      if (typeof code !== 'string') return code
      // Also keeps what PostgreSQL cannot take, such as U+0000, out of a query.
      if (!uuid.test(authenticationId)) return unknownId
      const attempt = {
        authenticationId,
        applicationId: call.applicationId,
        code: /^[0-9]+$/.test(code) ? code : '',
        now: call.now,
        maxWrong,
      }
      if (await consumeCode(db, attempt)) return answer(204)
      if (await countWrongTry(db, attempt)) {
        return refusal(400, `${api}.INVALID_OTP`, 'That is not the code that was sent.')
      }
      const state = await findCodeState(db, authenticationId, call.applicationId)
      if (state === undefined) return unknownId
      return !state.used && state.wrongAttempts >= maxWrong
        ? refusal(400, `${api}.VERIFICATION_FAILED`, 'Too many wrong tries; send a new code.')
        : refusal(
            400,
            `${api}.VERIFICATION_EXPIRED`,
            'This code is no longer valid; send a new one.',
          )
    },
  }
}

const unknownId: Answer = refusal(404, 'NOT_FOUND', 'There is no such authenticationId.')

/** Two requests for the same handset wait for each other, so that the limit is exact. */
async function sentTooMany(
  trx: Trx<SandboxTables>,
  applicationId: string,
  phoneNumber: string,
  now: Date,
): Promise<boolean> {
  await lockFor(trx, `sandbox.codes ${applicationId} ${phoneNumber}`)
  const since = new Date(now.getTime() - codeRules.perMinutes * minuteMs)
  return (await countCodesSince(trx, applicationId, phoneNumber, since)) >= maxCodes
}

function readMessage(fields: Fields): string | Answer {
  const message = readText(fields, 'message', 160)
  if (typeof message !== 'string') return message
  if (!message.includes(placeholder)) return invalid('/message', `must contain ${placeholder}`)
  if (message.includes('\u0000')) return invalid('/message', 'must not contain U+0000')
  return message
}

/** JSON Schema counts code points, so an emoji is one character. */
function readText(fields: Fields, name: string, maxLength: number): string | Answer {
  const value = fieldOf(fields, name)
  if (value === undefined) return required(`/${name}`)
  if (typeof value !== 'string') return invalid(`/${name}`, 'must be a string')
  if ([...value].length > maxLength) {
    return invalid(`/${name}`, `must have at most ${maxLength} characters`)
  }
  return value
}
