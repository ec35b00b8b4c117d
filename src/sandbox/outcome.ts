/** What is answered to a call. */
export type Answer = {
  status: number
  /** undefined for an answer without a body */
  body: unknown
  mediaType: string
  headers: Readonly<Record<string, string>>
  delayMs: number
}

/** An answer, or one of the ways in which a network has none. */
export type Outcome = Answer | 'silent' | 'malformed'

export const answer = (status: number, body?: unknown): Answer => ({
  status,
  body,
  mediaType: 'application/json',
  headers: {},
  delayMs: 0,
})

export const refusal = (status: number, code: string, message: string): Answer =>
  answer(status, { status, code, message })

/** Which field is wrong, as a JSON pointer, and what it must be. */
export const invalid = (path: string, message: string): Answer =>
  refusal(400, 'INVALID_ARGUMENT', path === '' ? message : `${path}: ${message}`)
