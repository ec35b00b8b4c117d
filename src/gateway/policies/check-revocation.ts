import { challengesOf } from '../credentials/challenges.ts'
import type { OperationPolicy } from '../gateway-context.ts'
import { refuse } from '../refusal.ts'

/**
 * A token ends before its time with what it rests on: the grant, the consents, or by itself. Gateways hear of that in the
 * feed, so this holds with PostgreSQL down, too, as far as the feed had come.
 * @public
 */
export const checkRevocation: OperationPolicy = (context, operation) => {
  const { credentials } = operation.documented.terms ?? {}
  if (credentials !== undefined && !credentials.includes('access-token')) return undefined
  const { index } = context
  const { invalidToken, invalidDpopToken } = challengesOf(operation)
  return {
    name: 'check-revocation',
    apply({ token, isDpop }) {
      if (token === undefined || index.revokesNothing) return undefined
      for (const id of token.revocableBy)
        if (index.isRevoked(id)) return isDpop ? invalidDpopToken : invalidToken
      for (const id of token.consents) if (index.isRevoked(id)) return withdrawn
      return undefined
    },
  }
}

const withdrawn = refuse(
  'PERMISSION_DENIED',
  'The subscriber has withdrawn the consent that this access token rests on. Ask for it again before the next call.',
)
