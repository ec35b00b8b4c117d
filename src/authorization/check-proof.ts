import type { IncomingMessage } from 'node:http'
import { usableKey } from './client-metadata.ts'
import { OAuthError } from './oauth-error.ts'
import { type AssertionAlg, clockSkewSeconds, signedJwtChecks } from './signed-jwt.ts'

/** How long before now a proof may have been made (CAMARA security profile). */
const proofWindowSeconds = 300

const wrong = (what: string) =>
  new OAuthError(400, 'invalid_dpop_proof', `the DPoP proof is not accepted: ${what}`)
const checks = signedJwtChecks(wrong)

/**
 * The rules of a DPoP proof that depend on itself alone (RFC 9449, section 4.3), beside those of oidc-provider: one field,
 * one spelling, a strong key, and no time to come, for which its id would be forgotten too early.
 * @returns the proof and the address that it is for, or undefined when there is none
 * @throws invalid_dpop_proof
 */
export function checkProof(
  request: IncomingMessage,
  expected: { uris: readonly string[]; nowSeconds: number },
): { jwt: string; uri: string; alg: AssertionAlg } | undefined {
  const [proof, second] = fieldsOf(request, 'dpop')
  if (proof === undefined) return undefined
  if (second !== undefined) throw wrong('there must be one DPoP field')
  if (proof.length > 8_192) throw wrong('it is longer than 8192 characters')
  const [header, claims] = checks.parse(proof)
  const { alg } = checks.header(header, ['dpop+jwt'])
  if (usableKey(header.jwk, { alg, kid: undefined }) === undefined)
    throw wrong(`its jwk must be a public key for ${alg}: P-256, or RSA of 2048 to 8192 bits`)
  if (claims.htm !== 'POST') throw wrong('htm must be POST')
  const place = placeOf(claims.htu)
  const uri = expected.uris.find((one) => place === placeOf(one))
  if (uri === undefined) throw wrong(`htu must be ${expected.uris.join(' or ')}`)
  const { iat } = claims
  const { nowSeconds } = expected
  if (typeof iat !== 'number' || !Number.isFinite(iat))
    throw wrong('iat must be a number of seconds')
  if (iat > nowSeconds + clockSkewSeconds || iat < nowSeconds - proofWindowSeconds)
    throw wrong(`iat ${iat} is not of this moment; the time here is ${nowSeconds}`)
  checks.jti(claims)
  return { jwt: proof, uri, alg }
}

/** What of an address is compared, in its one spelling: all but the query and the fragment (RFC 9449, section 4.3). */
function placeOf(text: unknown): string | undefined {
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (url === null || url.username !== '' || url.password !== '') return undefined
  url.search = ''
  url.hash = ''
  return url.href
}

/** Each value as it was sent: Node joins or drops the others. */
const fieldsOf = ({ rawHeaders }: IncomingMessage, name: string): string[] =>
  rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
