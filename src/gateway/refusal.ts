import type { Violation } from '#platform/app-error'
import { type ErrorCode, errorCodes } from '#platform/error-codes'

/** Why an exchange ends without, or in spite of, its upstream: what the caller reads, and what only the log does. */
export type Refusal = {
  status: number
  /** a common one, or one that the document of the API has of its own */
  code: ErrorCode | `${string}.${string}`
  message: string
  violations?: readonly Violation[]
  /** further response headers, name and value in turn */
  headers?: readonly string[]
  /** closes the connection after the answer: what follows on it cannot be trusted to be a request */
  closes?: boolean
  /** for the log only; given, the refusal is a fault that someone should see */
  fault?: Readonly<Record<string, unknown>>
}

export const refuse = (
  code: ErrorCode,
  message: string,
  more: Omit<Refusal, 'status' | 'code' | 'message'> = {},
): Refusal => ({ status: errorCodes[code].status, code, message, ...more })

/** Bad input, whole: the message names every fault. Values are never repeated: they may name a person. */
export const refuseInput = (violations: readonly Violation[]): Refusal =>
  refuse(
    'INVALID_ARGUMENT',
    violations
      .map(({ path, message }) => (path === '' ? message : `${path} ${message}`))
      .join('; ')
      .slice(0, 512),
    { violations },
  )

/** Something that a client should simply try again: overload, drain, a lost dependency. */
export const refuseForNow = (message: string, fault?: Refusal['fault']): Refusal =>
  refuse('UNAVAILABLE', message, {
    headers: ['retry-after', '1'],
    ...(fault === undefined ? {} : { fault }),
  })

/** The body of an error answer: the standard's three fields, and every fault of the input one by one. */
export const bodyOf = (refusal: Refusal): string =>
  JSON.stringify({
    status: refusal.status,
    code: refusal.code,
    message: refusal.message,
    violations: refusal.violations,
  })
