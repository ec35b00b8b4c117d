import { type ErrorCode, errorCodes } from './error-codes.ts'

/**
 * One fault in the input: where (a JSON pointer or a parameter name) and what to do about it.
 * @public
 */
export type Violation = { path: string; message: string }

/**
 * The body of every error answer (CAMARA Commonalities: `status`, `code` and `message` are normative;
 * `violations` is additive and lists every fault of the input at once).
 * @public
 */
export type ErrorBody = {
  status: number
  code: string
  message: string
  violations?: readonly Violation[]
}

type AppErrorOptions = ErrorOptions & {
  violations?: readonly Violation[]
  headers?: Readonly<Record<string, string>>
  /** For the log only; never sent. */
  detail?: Readonly<Record<string, unknown>>
}

/**
 * A refusal that a caller may rely on: a stable code, a public message, and private fields for the log.
 * @example throw new AppError('ALREADY_EXISTS', 'This e-mail address has an account: sign in instead.')
 * @public
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly violations: readonly Violation[] | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly detail: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.status = errorCodes[code].status
    this.violations = options.violations
    this.headers = options.headers
    this.detail = options.detail
  }

  toBody(): ErrorBody {
    const body: ErrorBody = { status: this.status, code: this.code, message: this.message }
    if (this.violations !== undefined) body.violations = this.violations
    return body
  }
}

/**
 * Bad input, whole: the message names every fault, and `violations` carries them one by one.
 * @public
 */
export function invalidArgument(violations: readonly Violation[]): AppError {
  const list = violations.map((v) => (v.path === '' ? v.message : `${v.path}: ${v.message}`))
  return new AppError('INVALID_ARGUMENT', list.join('; ').slice(0, 512), { violations })
}
