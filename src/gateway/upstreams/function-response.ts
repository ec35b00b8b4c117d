import { reasons } from '#journal'
import type { UpstreamResponse } from '../exchange.ts'
import type { UpstreamFailure } from './upstream-call.ts'

const json = { 'content-type': 'application/json' }

/**
 * What an answer of the Invoke API means: the function's own response, or why there is none. An error of a function
 * may hold anything, so of all that it says only the name of its type goes to the log.
 */
export function decodeInvocation(
  response: UpstreamResponse,
  largest: number,
): UpstreamResponse | UpstreamFailure {
  if (response.status !== 200) return invocationRefused(response)
  const functionError = textOf(response, 'x-amz-function-error')
  const payload = parse(response.body)
  if (functionError !== undefined)
    return functionFailed(functionError, payload, textOf(response, 'x-amzn-requestid'))
  if (payload === undefined) return failure('broken', 'the payload is not JSON')
  const decoded = toResponse(payload.value, response.body)
  if ('kind' in decoded) return decoded
  return decoded.body.length > largest
    ? failure('too large', `more than ${largest} bytes`)
    : decoded
}

const failure = (
  kind: UpstreamFailure['kind'],
  fault: string,
  more: { retryAfterSeconds?: number; words?: string } = {},
): UpstreamFailure => ({ kind, fault, sent: true, answering: true, ...more })

/** The service itself says no: no room, no permission, no such function, or a fault of its own. */
function invocationRefused(response: UpstreamResponse): UpstreamFailure {
  const type = nameOf(textOf(response, 'x-amzn-errortype')?.split(':', 1)[0])
  const fault = `the invocation was answered ${response.status}${type === '' ? '' : ` ${type}`}`
  if (response.status === 429) {
    const after = textOf(response, 'retry-after') ?? ''
    const retryAfterSeconds = /^\d{1,4}$/.test(after) ? Math.max(1, Number(after)) : 1
    return failure('throttled', fault, { retryAfterSeconds })
  }
  const words = `${reasons.notInvoked} (${[response.status, lettersOf(type)].join(' ').trim()})`
  return failure('invocation', fault, { words })
}

function functionFailed(
  kind: string,
  payload: { value: unknown } | undefined,
  requestId: string | undefined,
): UpstreamFailure {
  const value = payload?.value
  const type =
    typeof value === 'object' && value !== null && 'errorType' in value
      ? nameOf(value.errorType)
      : ''
  if (type === 'Sandbox.Timedout') return failure('timeout', 'the function ran out of its time')
  // Under its id the function's own log has the rest.
  const id = requestId !== undefined && /^[0-9a-f-]{36}$/.test(requestId) ? ` (${requestId})` : ''
  const what = `${nameOf(kind)}${type === '' ? '' : ` ${type}`}`
  const words = [lettersOf(nameOf(kind)), lettersOf(type)].join(' ').trim()
  return failure('function', `the function failed: ${what}${id}`, {
    words: `${reasons.functionCrashed}${words === '' ? '' : ` (${words})`}`,
  })
}

/**
 * The response format of version 2.0: an object with a `statusCode` is a response; anything else is the body of a 200.
 * A string is the body itself.
 */
function toResponse(value: unknown, bytes: Buffer): UpstreamResponse | UpstreamFailure {
  if (typeof value === 'string') return { status: 200, headers: json, body: Buffer.from(value) }
  if (typeof value !== 'object' || value === null || !('statusCode' in value))
    return { status: 200, headers: json, body: bytes }
  const status = Number(value.statusCode)
  if (!Number.isInteger(status) || status < 200 || status > 599)
    return failure('broken', 'its statusCode is no final status')
  const { headers, body, isBase64Encoded } = value as {
    headers?: unknown
    body?: unknown
    isBase64Encoded?: unknown
  }
  const fields = fieldsOf(headers)
  if (fields === undefined) return failure('broken', 'its headers are not names with values')
  if (body !== undefined && body !== null && typeof body !== 'string')
    return failure('broken', 'its body is not a string')
  const whole = Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8')
  return { status, headers: whole.length === 0 ? fields : { ...json, ...fields }, body: whole }
}

function fieldsOf(headers: unknown): Record<string, string> | undefined {
  const fields: Record<string, string> = Object.create(null)
  if (headers === undefined || headers === null) return fields
  if (typeof headers !== 'object' || Array.isArray(headers)) return undefined
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name)) return undefined
    if (typeof value === 'object' || value === undefined) return undefined
    const text = String(value)
    // A line break would begin another field (RFC 9112 section 11.1).
    if (/[\r\n\0]/.test(text)) return undefined
    fields[name.toLowerCase()] = text
  }
  return fields
}

function parse(bytes: Buffer): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(bytes.toString('utf8')) as unknown }
  } catch {
    return undefined
  }
}

const textOf = (response: UpstreamResponse, name: string): string | undefined => {
  const value = response.headers[name]
  return typeof value === 'string' ? value : undefined
}

/** In a record for ever: a name with digits could be somebody's number. */
const lettersOf = (name: string): string => (/^[A-Za-z.]{1,60}$/.test(name) ? name : '')

/** The name of a type, and nothing that only looks like one. */
const nameOf = (value: unknown): string =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_.]{0,79}$/.test(value) ? value : ''
