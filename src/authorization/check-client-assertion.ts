import { invalidClient, invalidRequest } from './oauth-error.ts'
import { type AssertionHeader, type Claims, signedJwtChecks } from './signed-jwt.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** `uris`: the addresses of the endpoint that is called */
type Expected = { issuer: string; uris: readonly string[]; nowSeconds: number }

/**
 * The rules of `private_key_jwt` that depend on the assertion alone (RFC 7523, section 3; CAMARA security profile).
 * They come before the client is looked up, so the answer may say exactly what is wrong and still tells nothing about
 * which clients exist.
 */
export function checkClientAssertion(
  parameters: ReadonlyMap<string, string>,
  expected: Expected,
): AssertionHeader & { clientId: string } {
  if (parameters.get('client_assertion_type') !== assertionType)
    throw invalidRequest(`client_assertion_type must be ${assertionType}`)
  const assertion = parameters.get('client_assertion') ?? ''
  if (assertion === '') throw invalidRequest('client_assertion is missing')
  const [header, claims] = checks.parse(assertion)
  const selected = checks.header(header, ['jwt', 'client-authentication+jwt'])
  const clientId = checkParties(claims, parameters.get('client_id'), expected)
  checks.times(claims, expected.nowSeconds)
  checks.jti(claims)
  return { ...selected, clientId }
}

const wrong = (what: string) => invalidClient(`the client assertion is not accepted: ${what}`)

const checks = signedJwtChecks(wrong)

function checkParties(claims: Claims, parameter: string | undefined, expected: Expected): string {
  const { iss, sub } = claims
  if (typeof sub !== 'string' || sub === '' || iss !== sub)
    throw wrong('iss and sub must both be the client_id')
  if (parameter !== undefined && parameter !== '' && parameter !== sub)
    throw invalidRequest('client_id is not the subject of the client assertion')
  const { issuer, uris } = expected
  checks.audience(claims, [...new Set([...uris, `${issuer}/token`, issuer])])
  return sub
}
