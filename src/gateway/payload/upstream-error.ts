import { type ErrorCode, errorCodes } from '#platform/error-codes'
import type { UpstreamResponse } from '../exchange.ts'
import type { Operation } from '../operation.ts'
import { documentsCode } from './documented-codes.ts'
import { parseJson } from './json-body.ts'
import { parseMediaType } from './media-type.ts'
import { withoutNumbers } from './without-numbers.ts'

/** What an upstream says of a failure, in the standard's form. */
export type UpstreamError = {
  status: number
  code: string
  message: string
  contextCode?: string
  contextMessage?: string
}

const longestText = 512

/**
 * The standard's three fields; `status` must be the one of the response (Commonalities, error model).
 * @returns undefined for an error in another form
 * @public
 */
export function errorOf(response: UpstreamResponse): UpstreamError | undefined {
  const type = response.headers['content-type']
  if (typeof type !== 'string' || parseMediaType(type)?.json !== true) return undefined
  const parsed = parseJson(response.body)
  if (!parsed.ok || typeof parsed.value !== 'object' || parsed.value === null) return undefined
  const body = parsed.value as Readonly<Record<string, unknown>>
  const { status, code, message, contextCode, contextMessage } = body
  if (status !== response.status || typeof code !== 'string' || typeof message !== 'string')
    return undefined
  const shown = (text: string): string => withoutNumbers(text).slice(0, longestText)
  return {
    status: response.status,
    code,
    message: shown(message),
    // Documented details that may say more, and change nothing for a client that ignores them.
    ...(typeof contextCode === 'string' && { contextCode: shown(contextCode) }),
    ...(typeof contextMessage === 'string' && { contextMessage: shown(contextMessage) }),
  }
}

const codePattern = /^[A-Z][A-Z0-9_]{0,63}(?:\.[A-Z0-9_]{1,64})?$/

/**
 * Whether a client can know this code: one of the standard for its status, documented or not (Commonalities N13), one
 * that the document names, or one of the API's own (`SIM_SWAP.NO_HISTORY`) with a documented status. The last kind is
 * free, so it must be no place for a number.
 * @param documented whether the document has this status
 * @public
 */
export function isKnownCode(
  operation: Operation,
  { status, code }: Pick<UpstreamError, 'status' | 'code'>,
  documented: boolean,
): boolean {
  if (Object.hasOwn(errorCodes, code)) return errorCodes[code as ErrorCode].status === status
  if (!documented || !codePattern.test(code)) return false
  if (documentsCode(operation, status, code)) return true
  const own = operation.api.name.toUpperCase().replaceAll('-', '_')
  return code.startsWith(`${own}.`) && !/[0-9]{5}/.test(code.replaceAll('_', ''))
}

const generalCodes: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [400, 'INVALID_ARGUMENT'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [405, 'METHOD_NOT_ALLOWED'],
  [406, 'NOT_ACCEPTABLE'],
  [409, 'CONFLICT'],
  [410, 'GONE'],
  [412, 'FAILED_PRECONDITION'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
  [422, 'SERVICE_NOT_APPLICABLE'],
  [429, 'TOO_MANY_REQUESTS'],
  [500, 'INTERNAL'],
  [501, 'NOT_IMPLEMENTED'],
  [502, 'BAD_GATEWAY'],
  [503, 'UNAVAILABLE'],
  [504, 'TIMEOUT'],
])

/**
 * What the standard says with this status, when nothing more can be said.
 * @public
 */
export const generalCodeOf = (status: number): ErrorCode | undefined => generalCodes.get(status)
