import type { KoaContextWithOIDC } from 'oidc-provider'
import { answerToFault } from './answer-fault.ts'
import { OAuthError } from './oauth-error.ts'
import type { ServerOptions } from './server-options.ts'
import { stateOf } from './token-state.ts'

/**
 * A fault of ours, when the page that sent the browser here is known to be the client's, is told to that page (RFC 6749,
 * section 4.1.2.1): an app that asked silently waits for an answer, and nobody reads a page there.
 */
export async function tellAtPage<T>(
  { log }: ServerOptions,
  ctx: KoaContextWithOIDC,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isRefusal = error instanceof Error && 'expose' in error && error.expose === true
    const state = stateOf(ctx.req)
    if (isRefusal || state?.browser === undefined) throw error
    throw faultFor(error, state.correlator, log)
  }
}

function faultFor(cause: unknown, correlator: string, log: ServerOptions['log']): OAuthError {
  const { status, body } = answerToFault(cause, correlator, log)
  return new OAuthError(status, body.error, body.error_description, { cause })
}
