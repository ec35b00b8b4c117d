/**
 * An error of the OAuth endpoints (RFC 6749, section 5.2): the code is for programs, the description for the person
 * who reads the client's log. It never says whether a client exists. The members are the ones that oidc-provider looks
 * for, so that it answers with an error that is thrown inside it.
 */
export class OAuthError extends Error {
  readonly statusCode: number
  readonly error: string
  readonly error_description: string
  readonly expose = true
  /** the authorization endpoint may send it to the client's page, once the address is known to be the client's */
  readonly allow_redirect = true

  constructor(status: number, code: string, description: string, options?: ErrorOptions) {
    super(code, options)
    this.name = 'OAuthError'
    this.statusCode = status
    this.error = code
    this.error_description = description
  }
}

export const invalidRequest = (description: string, status = 400): OAuthError =>
  new OAuthError(status, 'invalid_request', description)

export const invalidClient = (description: string): OAuthError =>
  new OAuthError(401, 'invalid_client', description)

/** Text of the caller, cut and reduced to what an `error_description` may hold (RFC 6749, appendix A.8). */
export const quoted = (text: string): string => {
  const shown = text.slice(0, 100).replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
  return `'${shown}${text.length > 100 ? '...' : ''}'`
}

export const invalidTarget = (resource: string, audience: string): OAuthError =>
  new OAuthError(
    400,
    'invalid_target',
    `resource ${quoted(resource)} is not served here; leave it out, or send ${audience}`,
  )
