import type { ConsentDecision, ConsentQuestion } from './face.ts'
import { judge } from './judge.ts'
import type { Consenting, LegalBasis, Trx } from './needs.ts'
import { recordsAbout } from './store.ts'

/** They name no data of a subscriber. */
const protocolScopes = new Set(['openid', 'offline_access'])

export type AskedScope = {
  scope: string
  apiId: string | undefined
  basis: LegalBasis
  expiresAfterDays: number | undefined
}

/** The legal basis of each scope, sorted and once each. */
export async function basesOf(
  { catalog }: Consenting,
  { environment, purpose, scopes }: Omit<ConsentQuestion, 'subject' | 'applicationId'>,
): Promise<AskedScope[]> {
  const named = [...new Set(scopes)].filter((scope) => !protocolScopes.has(scope)).toSorted()
  return await Promise.all(
    named.map(async (scope) => {
      const found = await catalog.legalBasisOf(environment, scope, purpose)
      return {
        scope,
        apiId: found?.apiId,
        basis: found?.basis ?? ('not-allowed' as const),
        expiresAfterDays: found?.expiresAfterDays,
      }
    }),
  )
}

export async function decide(
  consenting: Consenting,
  question: ConsentQuestion,
): Promise<ConsentDecision> {
  return await decideOn(consenting, question, await basesOf(consenting, question), consenting.db)
}

/**
 * For transactions, with what `basesOf` said before they began. Nothing in them asks another module: it would over another
 * connection, and many that wait for one lock, each with a connection, would leave none to whoever holds it.
 */
export async function decideOn(
  consenting: Consenting,
  question: ConsentQuestion,
  asked: readonly AskedScope[],
  db: Consenting['db'] | Trx,
): Promise<ConsentDecision> {
  const matters = asked.some(({ basis }) => basis === 'consent' || basis === 'legitimate-interest')
  const known = matters ? await recordsAbout(db, question) : []
  return judge(question.environment, asked, known, consenting.clock.now())
}
