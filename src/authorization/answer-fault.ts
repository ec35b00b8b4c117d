import type { Log } from '#platform/log'

export type OAuthAnswer = {
  status: number
  headers: Record<string, string>
  body: { error: string; error_description: string }
}

export const oauthAnswer = (
  status: number,
  error: string,
  error_description: string,
  headers: Record<string, string> = {},
): OAuthAnswer => ({ status, headers, body: { error, error_description } })

// PostgreSQL cannot be reached, is starting or stopping, or has no connection left (SQLSTATE classes 08, 53, 57).
const unreachable = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|08|53|57P)/

/** A fault of ours, told without any of its details; those go to the log under the correlator. */
export function answerToFault(error: unknown, correlator: string, log: Log): OAuthAnswer {
  log.error({ correlator, err: error }, 'token request failed')
  if (isUnreachable(error)) return unavailable('no token can be issued at the moment', 2)
  return oauthAnswer(
    500,
    'server_error',
    'something failed on our side; it is recorded under this x-correlator',
  )
}

export const unavailable = (description: string, retrySeconds: number): OAuthAnswer =>
  oauthAnswer(503, 'temporarily_unavailable', description, { 'retry-after': `${retrySeconds}` })

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && unreachable.test(String(error.code))) return true
  // node-postgres has no code for these.
  return /^(timeout exceeded when trying to connect|Connection terminated|Client has encountered|Query read timeout)/.test(
    error.message,
  )
}
