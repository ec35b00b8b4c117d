import { type LoginHint, readLoginHint } from './login-hint.ts'
import { invalidRequest, OAuthError } from './oauth-error.ts'
import { type AssertionHeader, signedJwtChecks } from './signed-jwt.ts'

export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** An assertion whose claims are in order; its signature has not been checked. */
export type BearerAssertion = {
  header: AssertionHeader
  clientId: string
  hint: LoginHint
  scope: string
  jti: string
  exp: number
}

const invalidGrant = (what: string) =>
  new OAuthError(400, 'invalid_grant', `the assertion is not accepted: ${what}`)
const checks = signedJwtChecks(invalidGrant)

/**
 * The rules of a JWT bearer assertion that depend on it alone (RFC 7523, section 3; CAMARA security profile). It is also
 * what authenticates the client, so nothing else may.
 */
export function checkBearerAssertion(
  parameters: ReadonlyMap<string, string>,
  expected: {
    issuer: string
    /** the addresses of the endpoint that is called */
    uris: readonly string[]
    nowSeconds: number
    otherAuthentication: boolean
  },
): BearerAssertion {
  if (expected.otherAuthentication)
    throw invalidRequest('the assertion authenticates the client: send no other authentication')
  if ((parameters.get('scope') ?? '') !== '')
    throw invalidRequest('scope is a claim of the assertion with this grant, not a parameter')
  const assertion = parameters.get('assertion') ?? ''
  if (assertion === '') throw invalidRequest('assertion is missing')
  const [head, claims] = checks.parse(assertion)
  const header = checks.header(head, ['jwt'])
  const { iss, sub, scope } = claims
  if (typeof iss !== 'string' || iss === '') throw invalidGrant('iss must be the client_id')
  const clientId = parameters.get('client_id') ?? ''
  if (clientId !== '' && clientId !== iss)
    throw invalidRequest('client_id is not the issuer of the assertion')
  checks.audience(claims, [...expected.uris, expected.issuer])
  const { exp } = checks.times(claims, expected.nowSeconds, 'required')
  const jti = checks.jti(claims)
  if (typeof scope !== 'string' || scope === '')
    throw new OAuthError(
      400,
      'invalid_scope',
      'scope must be a claim of the assertion: one purpose (dpv:Name) and scopes of APIs',
    )
  return { header, clientId: iss, hint: hintIn(sub), scope, jti, exp }
}

function hintIn(sub: unknown): LoginHint {
  if (typeof sub !== 'string')
    throw invalidGrant('sub must be tel:+34666666666 or operatortoken:...')
  const hint = readLoginHint(sub)
  if ('fault' in hint) throw invalidGrant(`sub: ${hint.fault}`)
  if (hint.kind === 'ipport') throw invalidGrant('sub must begin with tel: or operatortoken:')
  return hint
}
