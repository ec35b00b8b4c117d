import type { RequestSession } from './authenticate.ts'
import { noteFault, secretsOf, visitHashes } from './begin-sso.ts'
import { lockAsProved } from './factor-rules.ts'
import { findProvider, type IdentityProvider } from './identity-provider.ts'
import type { Identifying } from './needs.ts'
import type { ProvidedClaims } from './provided-claims.ts'
import { ProviderError } from './provider-error.ts'
import { findSubject } from './provider-store.ts'
import type { SecondFactorNeeded } from './schema.ts'
import { secondFactorsOf } from './second-factor.ts'
import { accountOfSubject, SsoRefusal } from './sso-account.ts'
import type { SignInMethod } from './start-session.ts'
import type { Account } from './store.ts'
import { findAccount } from './store.ts'
import type { FromProvider, ProviderVisitRow } from './tables.ts'
import { issueTicket } from './ticket-store.ts'

/** Who has left at the provider is out here after so long: nobody tells us. */
const sessionMs = 8 * 3_600_000

export type Return = {
  owner: string
  query: URLSearchParams
  /** what the cookie of the browser holds */
  browser: string | undefined
  /** of the person who is signed in in this browser */
  session: (RequestSession & { personId: string }) | undefined
}

export type SsoOutcome =
  | {
      kind: 'signed-in'
      account: Account
      methods: readonly SignInMethod[]
      from: FromProvider & { provedAt: Date | undefined }
      returnTo: string | undefined
    }
  | {
      kind: 'second-factor'
      account: Account
      needed: SecondFactorNeeded
      returnTo: string | undefined
    }
  | { kind: 'proved'; account: Account }

/**
 * A browser comes back from an identity provider: once, in time, the one that was sent, and to the address of the
 * provider that it was sent to.
 * @throws SsoRefusal
 */
export async function completeSso(identifying: Identifying, given: Return): Promise<SsoOutcome> {
  const visit = await takeVisit(identifying, given)
  const provider = visit && (await findProvider(identifying, visit.owner))
  if (visit === undefined || provider === undefined) throw new SsoRefusal('expired')
  const claims = await claimsOf(identifying, provider, visit, given)
  if (visit.session_id !== null) {
    const sessionId = visit.session_id
    return {
      kind: 'proved',
      account: await proved(identifying, provider, claims, { ...given, sessionId }),
    }
  }
  const account = await accountOfSubject(identifying, provider, claims)
  const returnTo = visit.return_to ?? undefined
  const { db, clock } = identifying
  const from = {
    owner: provider.owner,
    endsAt: new Date(clock.now().getTime() + sessionMs).toISOString(),
    signOutUrl: claims.signOutUrl,
  }
  if (provider.secondFactor === 'local' && account.has_second_factor) {
    const { ticket, expiresAt } = await db.transaction().execute(async (trx) => {
      await lockAsProved(trx, account)
      return await issueTicket(identifying, trx, account.id, from)
    })
    const methods = await secondFactorsOf(db, account.id)
    const needed = { ticket, methods, expiresAt: expiresAt.toISOString() }
    return { kind: 'second-factor', account, needed, returnTo }
  }
  const methods: SignInMethod[] =
    provider.secondFactor === 'provider' ? ['sso', 'provider-factor'] : ['sso']
  return {
    kind: 'signed-in',
    account,
    methods,
    from: { ...from, provedAt: earlier(claims.provedAt, clock.now()) },
    returnTo,
  }
}

const earlier = (at: Date | undefined, now: Date): Date | undefined =>
  at !== undefined && at > now ? now : at

/** Of any number of simultaneous returns one finds the row. Another browser, or another provider, does not use it up. */
async function takeVisit(
  identifying: Identifying,
  { owner, query, browser }: Return,
): Promise<ProviderVisitRow | undefined> {
  const state = query.get('state')
  if (state === null || browser === undefined || !/^[\w-]{43}$/.test(state)) return undefined
  const hashes = visitHashes(identifying, { state, browser })
  return await identifying.db
    .deleteFrom('identity.provider_visit')
    .where('state_hash', '=', hashes.state_hash)
    .where('browser_hash', '=', hashes.browser_hash)
    .where('owner', '=', owner)
    .where('expires_at', '>', identifying.clock.now())
    .returningAll()
    .executeTakeFirst()
}

async function claimsOf(
  identifying: Identifying,
  provider: IdentityProvider,
  visit: ProviderVisitRow,
  { query }: Return,
): Promise<ProvidedClaims> {
  const secrets = secretsOf(identifying, query.get('state') ?? '')
  const mustProve = visit.session_id !== null
  try {
    return await identifying.sso.complete(provider, query, { ...secrets, mustProve })
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    if (error.refused) throw new SsoRefusal('refused', { cause: error })
    await noteFault(identifying, provider, error)
    throw new SsoRefusal('provider', { cause: error })
  }
}

/** Somebody else at the provider, or in this browser, proves nothing. @throws SsoRefusal */
async function proved(
  { db }: Identifying,
  { owner, issuer }: IdentityProvider,
  { subject }: ProvidedClaims,
  { session, sessionId }: Pick<Return, 'session'> & { sessionId: string },
): Promise<Account> {
  const personId = await findSubject(db, { owner, issuer, subject })
  const account = personId === undefined ? undefined : await findAccount(db, personId)
  if (account === undefined || session?.id !== sessionId || session.personId !== account.id)
    throw new SsoRefusal('taken')
  return account
}
