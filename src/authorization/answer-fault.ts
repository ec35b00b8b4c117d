import type { Log } from '#platform/log'

type FaultAnswer = {
  status: number
  headers: Record<string, string>
  body: { error: string; error_description: string }
}

// PostgreSQL cannot be reached, is starting or stopping, or has no connection left (SQLSTATE classes 08, 53, 57).
const unreachable = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|08|53|57P)/

/** A fault of ours, told without any of its details; those go to the log under the correlator. */
export function answerToFault(error: unknown, correlator: string, log: Log): FaultAnswer {
  log.error({ correlator, err: error }, 'token request failed')
  if (!isUnreachable(error)) {
    return {
      status: 500,
      headers: {},
      body: {
        error: 'server_error',
        error_description: 'something failed on our side; it is recorded under this x-correlator',
      },
    }
  }
  return unavailable('no token can be issued at the moment', 2)
}

export const unavailable = (description: string, retrySeconds: number): FaultAnswer => ({
  status: 503,
  headers: { 'retry-after': String(retrySeconds) },
  body: { error: 'temporarily_unavailable', error_description: description },
})

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && unreachable.test(String(error.code))) return true
  // node-postgres has no code for these.
  return /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout)/.test(
    error.message,
  )
}
