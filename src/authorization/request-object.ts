import { OAuthError } from './oauth-error.ts'
import { type AssertionHeader, type Claims, signedJwtChecks } from './signed-jwt.ts'

const checks = signedJwtChecks(
  (what) =>
    new OAuthError(400, 'invalid_request_object', `the request object is not accepted: ${what}`),
)
const types = ['jwt', 'oauth-authz-req+jwt']

/**
 * What selects the key of a request object, before anything of it is believed.
 * @returns undefined without a readable one: what is wrong with it is told where its claims are checked
 */
export function requestObjectHeader(request: string | undefined): AssertionHeader | undefined {
  if (request === undefined || request === '') return undefined
  try {
    const [header] = checks.parse(request)
    return checks.header(header, types)
  } catch {
    return undefined
  }
}

/**
 * The rules of a signed request (RFC 9101; CAMARA security profile): its times are required, it is for this issuer and
 * no other, and it is used once.
 * @throws invalid_request_object
 */
export function checkRequestObject(
  header: Claims,
  claims: Claims,
  expected: { issuer: string; clientId: string; nowSeconds: number },
): { jti: string; exp: number } {
  checks.header(header, types)
  if (claims.iss !== expected.clientId)
    throw new OAuthError(
      400,
      'invalid_request_object',
      'the request object is not accepted: iss must be the client_id',
    )
  checks.audience(claims, [expected.issuer])
  const { exp } = checks.times(claims, expected.nowSeconds, 'required')
  return { jti: checks.jti(claims), exp }
}

/**
 * A request object says where the answer goes, and what stands beside it says the same or nothing (CAMARA security profile): where it differs, somebody
 * between client and server has changed it, or the client does not know what it asks for.
 */
export function checkOutside(claims: Claims, outside: ReadonlyMap<string, string>): void {
  for (const name of ['client_id', 'redirect_uri'])
    if (claims[name] === undefined)
      throw new OAuthError(
        400,
        'invalid_request_object',
        `the request object is not accepted: ${name} is missing`,
      )
  for (const name of ['scope', 'response_type', 'redirect_uri']) {
    const given = outside.get(name)
    if (given !== undefined && given !== claims[name])
      throw new OAuthError(
        400,
        'invalid_request_object',
        `the request object is not accepted: ${name} is another one outside of it`,
      )
  }
}

/**
 * The members that oidc-provider would make text of: a parameter that is an object or a list here means something else to
 * whoever signed it.
 */
export function refuseStructuredParameters(claims: Claims): void {
  for (const name of [
    'scope',
    'response_type',
    'client_id',
    'redirect_uri',
    'state',
    'nonce',
    'code_challenge',
  ]) {
    const value = claims[name]
    if (value !== undefined && typeof value !== 'string')
      throw new OAuthError(
        400,
        'invalid_request_object',
        `the request object is not accepted: ${name} must be a text`,
      )
  }
}
