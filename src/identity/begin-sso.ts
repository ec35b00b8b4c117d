import { AppError } from '#platform/app-error'
import { type IdentityProvider, operatorOwner } from './identity-provider.ts'
import type { Identifying } from './needs.ts'
import { ProviderError } from './provider-error.ts'
import { noteProviderFault } from './provider-store.ts'
import { newSecret } from './secrets.ts'
import type { VisitSecrets } from './sso-protocol.ts'

const visitMs = 10 * 60_000

export type Visit = {
  /** what the cookie of the browser holds: only the browser that was sent may come back */
  browser: string
  email?: string | undefined
  returnTo?: string | undefined
  /** of a person who is to prove that it is there; without it somebody signs in */
  sessionId?: string | undefined
}

/** Nothing of it is stored: whoever knows the state and the key of this installation knows the rest. */
export const secretsOf = (
  { sealing }: Pick<Identifying, 'sealing'>,
  state: string,
): VisitSecrets => ({
  state,
  nonce: sealing.keyedHash('sso-nonce', state),
  verifier: sealing.keyedHash('sso-verifier', state),
})

export const visitHashes = (
  { sealing }: Pick<Identifying, 'sealing'>,
  { state, browser }: { state: string; browser: string },
) => ({
  state_hash: sealing.keyedHash('sso-state', state),
  browser_hash: sealing.keyedHash('sso-browser', browser),
})

/**
 * Sends a browser to an identity provider.
 * @returns where to
 * @throws AppError UNAVAILABLE when the provider does not answer as one
 */
export async function beginSso(
  identifying: Identifying,
  provider: IdentityProvider,
  visit: Visit,
): Promise<string> {
  const { db, clock, sso } = identifying
  const { browser, email, returnTo, sessionId } = visit
  const state = newSecret()
  try {
    const mustProve = sessionId !== undefined
    const url = await sso.begin(provider, { ...secretsOf(identifying, state), email, mustProve })
    await db
      .insertInto('identity.provider_visit')
      .values({
        ...visitHashes(identifying, { state, browser }),
        owner: provider.owner,
        session_id: sessionId ?? null,
        return_to: returnTo ?? null,
        expires_at: new Date(clock.now().getTime() + visitMs),
      })
      .execute()
    return url.href
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    await noteFault(identifying, provider, error)
    throw notUsable(error)
  }
}

const notUsable = (cause: ProviderError): AppError =>
  new AppError(
    'UNAVAILABLE',
    'The identity provider of your organisation cannot be used just now. Who set it up sees the reason.',
    { cause },
  )

/** Where those who set the provider up look for it: the page of a partner, the log of the operator. */
export async function noteFault(
  { db, clock, log }: Identifying,
  { owner }: IdentityProvider,
  error: ProviderError,
): Promise<void> {
  log.warn({ owner, reason: error.message }, 'an identity provider signed nobody in')
  if (owner !== operatorOwner) await noteProviderFault(db, owner, error.message, clock.now())
}

export const deleteExpiredVisits = (db: Identifying['db'], now: Date) =>
  db.deleteFrom('identity.provider_visit').where('expires_at', '<=', now).execute()
