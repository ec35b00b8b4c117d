import type { TryIt, TryItResult, TryItTarget } from '#portal/schema'

/** What the reader has typed into the explorer. */
export type TryItInput = { body: string; parameters: Readonly<Record<string, string>> }

export function initialInput(target: TryItTarget): TryItInput {
  return {
    body: target.body ?? '',
    parameters: Object.fromEntries(target.parameters.map((p) => [p.name, p.value])),
  }
}

/** @returns the request for the server, or what the reader has to mend first */
export function requestOf(
  target: TryItTarget,
  input: TryItInput,
  applicationId: string | undefined,
): { ok: true; request: TryIt } | { ok: false; fault: string } {
  const missing = target.parameters.filter(
    (p) => p.required && (input.parameters[p.name] ?? '').trim() === '',
  )
  if (missing.length > 0)
    return { ok: false, fault: `Fill in ${missing.map((p) => p.name).join(', ')}.` }
  const request: TryIt = { apiId: target.apiId, operationId: target.operationId }
  const given = Object.entries(input.parameters).filter(([, value]) => value.trim() !== '')
  if (given.length > 0) request.parameters = Object.fromEntries(given)
  if (applicationId !== undefined) request.applicationId = applicationId
  if (target.body === undefined) return { ok: true, request }
  if (input.body.trim() === '') return { ok: true, request }
  try {
    request.body = JSON.parse(input.body)
  } catch (error) {
    return { ok: false, fault: `The body is not JSON: ${reasonOf(error)}` }
  }
  return { ok: true, request }
}

const reasonOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : 'it cannot be read'
  return text.replace(/^JSON\.parse: /, '')
}

export type Verdict = {
  tone: 'good' | 'warn' | 'bad'
  /** also read out by the live region */
  headline: string
  code: string | undefined
  advice: string | undefined
}

const advice: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'The gateway did not accept the token. Run again: each run gets a new one.',
  PERMISSION_DENIED: 'The token lacks a scope of this operation.',
  IDENTIFIER_NOT_FOUND: 'The sandbox does not know this number. Choose one of the list.',
  MISSING_IDENTIFIER: 'This token names no subscriber, so the request has to: add phoneNumber.',
  UNNECESSARY_IDENTIFIER: 'The token names the subscriber already: leave phoneNumber out.',
  SERVICE_NOT_APPLICABLE: 'The number is not one that this service covers.',
  INVALID_ARGUMENT: 'Compare the body with the field table on this page.',
  OUT_OF_RANGE: 'A value is outside the range that the field table gives.',
  TOO_MANY_REQUESTS: 'Wait a moment, then run again.',
  QUOTA_EXCEEDED: 'The quota of the period is used up.',
  UNAVAILABLE: 'Worth repeating, with a pause: your code should do the same.',
  TIMEOUT: 'Worth repeating, with a pause: your code should do the same.',
}

export function verdictOf(result: TryItResult): Verdict {
  const { token, call } = result
  if (call === undefined) {
    return {
      tone: 'bad',
      headline: `The token was refused with ${token.status}${token.error === undefined ? '' : ` ${token.error}`}.`,
      code: undefined,
      advice: 'No call was made.',
    }
  }
  const ms = roundMs(call.ms)
  if (call.status < 300)
    return {
      tone: 'good',
      headline: `${call.status} in ${ms}.`,
      code: undefined,
      advice: undefined,
    }
  const code = codeOf(call.body)
  return {
    tone: call.status < 500 ? 'warn' : 'bad',
    headline: `${call.status}${code === undefined ? '' : ` ${code}`} in ${ms}.`,
    code,
    advice: code === undefined ? undefined : advice[code],
  }
}

function codeOf(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed !== 'object' || parsed === null || !('code' in parsed)) return undefined
    return typeof parsed.code === 'string' ? parsed.code : undefined
  } catch {
    return undefined
  }
}

export const roundMs = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`

/** A body as it is read best: JSON indented, anything else as it came. */
export function prettyBody(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

export const pathOfUrl = (url: string): string => {
  try {
    const parsed = new URL(url)
    return parsed.pathname + parsed.search
  } catch {
    return url
  }
}
