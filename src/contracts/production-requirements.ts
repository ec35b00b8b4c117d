import { acceptancesOf, currentAgreement } from './agreement-store.ts'
import type { Contracting } from './needs.ts'
import { termsName } from './publish-agreement.ts'
import { findLivingContract } from './store.ts'

/** One thing that production needs of a partner. @public */
export type ProductionRequirement = { id: string; title: string; done: boolean }

/** What production needs of a partner, in the order in which it is done; the sandbox needs nothing. */
export async function productionRequirements(
  { db, identity }: Pick<Contracting, 'db' | 'identity'>,
  partnerId: string,
): Promise<ProductionRequirement[]> {
  const [verified, acceptances, terms, contract] = await Promise.all([
    identity.hasVerifiedMember(partnerId),
    acceptancesOf(db, partnerId),
    currentAgreement(db, termsName),
    findLivingContract(db, partnerId, 'production'),
  ])
  // A newer text does not undo a contract that was opened on an older one.
  const bound =
    contract !== undefined ||
    (terms !== undefined && acceptances.some((one) => one.agreement_id === terms.id))
  return [
    { id: 'email-verified', title: 'Verify your e-mail address', done: verified },
    { id: 'agreement-accepted', title: 'Accept the agreement', done: bound },
    {
      id: 'production-contract',
      title: 'Choose a plan for production',
      done: contract?.state === 'active',
    },
  ]
}
