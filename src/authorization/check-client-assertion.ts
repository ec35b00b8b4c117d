import { invalidClient, invalidRequest, quoted } from './oauth-error.ts'

/** What selects the key of an assertion whose claims are in order and whose signature is not yet checked. */
export type AssertionHeader = { alg: AssertionAlg; kid: string | undefined }

export const assertionAlgs = ['ES256', 'PS256', 'RS256'] as const
export type AssertionAlg = (typeof assertionAlgs)[number]

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const maxLifetimeSeconds = 300
/** How far a client's clock may be ahead of ours: for `iat` and `nbf` only, the two limits on `exp` are exact. */
export const clockSkewSeconds = 5

/** `path`: the endpoint that is called, below the issuer */
type Expected = { issuer: string; path: string; nowSeconds: number }

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
  const [header, claims] = parseCompactJws(assertion)
  const selected = checkHeader(header)
  const clientId = checkParties(claims, parameters.get('client_id'), expected)
  checkTimes(claims, expected.nowSeconds)
  if (typeof claims.jti !== 'string' || claims.jti === '' || claims.jti.length > 256)
    throw wrong('jti must be a text of 1 to 256 characters, new for each request')
  return { ...selected, clientId }
}

const wrong = (what: string) => invalidClient(`the client assertion is not accepted: ${what}`)

type Claims = Readonly<Record<string, unknown>>

/**
 * Only the one canonical spelling of the compact form passes: libraries that accept padding, spaces or loose last bits
 * give one token several spellings.
 */
function parseCompactJws(assertion: string): [header: Claims, payload: Claims] {
  const parts = assertion.split('.')
  const canonical = parts.every(
    (part) => part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part,
  )
  if (parts.length !== 3 || !canonical) throw wrong('it is not a JWS in compact form')
  const [header = '', payload = ''] = parts
  return [parseObject(header), parseObject(payload)]
}

function parseObject(part: string): Claims {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url'))
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims
  } catch {
    // falls through to the same refusal
  }
  throw wrong('its header and its claims must be JSON objects')
}

function checkHeader(header: Claims): AssertionHeader {
  const { kid, typ, crit } = header
  const alg = assertionAlgs.find((known) => known === header.alg)
  if (alg === undefined) throw wrong(`alg must be one of ${assertionAlgs.join(', ')}`)
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > 256))
    throw wrong('kid must be a text of 1 to 256 characters')
  if (crit !== undefined) throw wrong('crit is not supported')
  // Another explicit type means that the client signed this for another use (RFC 8725, section 3.11).
  const types = ['jwt', 'client-authentication+jwt']
  if (typ !== undefined && (typeof typ !== 'string' || !types.includes(typ.toLowerCase())))
    throw wrong('typ, when it is given, must be JWT or client-authentication+jwt')
  return { alg, kid }
}

function checkParties(claims: Claims, parameter: string | undefined, expected: Expected): string {
  const { iss, sub, aud } = claims
  if (typeof sub !== 'string' || sub === '' || iss !== sub)
    throw wrong('iss and sub must both be the client_id')
  if (parameter !== undefined && parameter !== '' && parameter !== sub)
    throw invalidRequest('client_id is not the subject of the client assertion')
  // One string only: an array would let an assertion that was made for somebody else be used here.
  const { issuer, path } = expected
  const accepted = [...new Set([`${issuer}${path}`, `${issuer}/token`, issuer])]
  if (typeof aud !== 'string' || !accepted.includes(aud)) {
    const seen = typeof aud === 'string' ? `${quoted(aud)} is not` : 'it must be one string,'
    throw wrong(`aud: ${seen} ${accepted.join(' or ')}`)
  }
  return sub
}

function checkTimes(claims: Claims, now: number): void {
  const exp = seconds(claims, 'exp')
  const iat = seconds(claims, 'iat')
  const nbf = seconds(claims, 'nbf')
  const clock = `the time here is ${now}`
  if (exp === undefined) throw wrong('exp is missing')
  if (exp <= now) throw wrong(`exp ${exp} has passed; ${clock}`)
  if (exp > now + maxLifetimeSeconds)
    throw wrong(`exp ${exp} is more than ${maxLifetimeSeconds} s ahead; ${clock}`)
  if (iat !== undefined && iat > now + clockSkewSeconds)
    throw wrong(`iat ${iat} is in the future: the clock of the client is ahead; ${clock}`)
  if (iat !== undefined && exp - iat > maxLifetimeSeconds)
    throw wrong(`exp is more than ${maxLifetimeSeconds} s after iat`)
  if (nbf !== undefined && nbf > now + clockSkewSeconds)
    throw wrong(`nbf ${nbf} is in the future; ${clock}`)
}

function seconds(claims: Claims, name: string): number | undefined {
  const value = claims[name]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw wrong(`${name} must be a number of seconds`)
  return value
}
