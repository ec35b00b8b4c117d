import type { Operation } from '../operation.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { proofAlgorithms } from './dpop-key.ts'

const algorithms = `algs="${proofAlgorithms.join(' ')}"`

/**
 * The 401 answers of one operation. The body is one for every cause: what was wrong with a credential is nobody's business
 * but its owner's. The challenges tell what the operation accepts (RFC 9110 section 11.6.1), and that a proof is what
 * was wrong, because RFC 9449 section 7.1 wants that.
 * @public
 */
export type Challenges = {
  /** nothing that is accepted here was shown, or what is missing is no token: a certificate, a key */
  unauthenticated: Refusal
  /** a token came that is none, is over, was withdrawn, or is bound to another certificate (RFC 6750, RFC 8705 section 3) */
  invalidToken: Refusal
  /** the same, for a token that came with the DPoP scheme */
  invalidDpopToken: Refusal
  /** the token was sent as Bearer and is bound to a key */
  boundToken: Refusal
  invalidProof: Refusal
}

const known = new WeakMap<Operation, Challenges>()

/** @public */
export function challengesOf(operation: Operation): Challenges {
  const made = known.get(operation) ?? make(operation)
  known.set(operation, made)
  return made
}

function make({ documented }: Operation): Challenges {
  const terms = documented.terms ?? {}
  const accepted = terms.credentials ?? ['access-token']
  const tokens = accepted.includes('access-token')
  const keys = accepted.includes('api-key')
  const what = [
    tokens
      ? `access token${terms.senderConstrained === true ? ' that is bound to the caller' : ''}`
      : '',
    keys ? 'API key' : '',
  ].filter((name) => name !== '')
  const certificate = terms.clientCertificate === true ? ' and a registered client certificate' : ''
  const is = certificate === '' ? 'is' : 'are'
  const message = `A valid ${what.join(' or ')}${certificate} ${is} needed.`
  const key = keys ? ['ApiKey field="X-API-Key"'] : []
  const answer = (bearer: string, dpop: string): Refusal =>
    refuse('UNAUTHENTICATED', message, {
      headers: ['www-authenticate', [...(tokens ? [bearer, dpop] : []), ...key].join(', ')],
    })
  const plain = { bearer: 'Bearer', dpop: `DPoP ${algorithms}` }
  const invalid = 'error="invalid_token"'
  return {
    unauthenticated: answer(plain.bearer, plain.dpop),
    invalidToken: answer(`Bearer ${invalid}`, plain.dpop),
    invalidDpopToken: answer(plain.bearer, `DPoP ${invalid}, ${algorithms}`),
    boundToken: answer(plain.bearer, `DPoP ${invalid}, ${algorithms}`),
    invalidProof: answer(plain.bearer, `DPoP error="invalid_dpop_proof", ${algorithms}`),
  }
}

/**
 * What a 403 for missing scopes says to a client that can ask for more (RFC 6750 section 3.1).
 * @param scopes all that one way of calling the operation needs
 * @public
 */
export const insufficientScope = (scopes: readonly string[], isDpop: boolean): string => {
  const error = `error="insufficient_scope", scope="${scopes.filter(isScope).join(' ')}"`
  return isDpop ? `DPoP ${error}, ${algorithms}` : `Bearer ${error}`
}

/** RFC 6749 section 3.3: anything else would end the quoted text. */
const isScope = (scope: string): boolean => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)
