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
  unauthenticated: Refusal
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
  const bearer = tokens ? ['Bearer'] : []
  const key = keys ? ['ApiKey field="X-API-Key"'] : []
  const answer = (dpop: string): Refusal =>
    refuse('UNAUTHENTICATED', message, {
      headers: ['www-authenticate', [...bearer, ...(tokens ? [dpop] : []), ...key].join(', ')],
    })
  return {
    unauthenticated: answer(`DPoP ${algorithms}`),
    boundToken: answer(`DPoP error="invalid_token", ${algorithms}`),
    invalidProof: answer(`DPoP error="invalid_dpop_proof", ${algorithms}`),
  }
}
