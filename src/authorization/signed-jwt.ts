import { quoted } from './oauth-error.ts'

/** What selects the key of a JWT whose claims are in order and whose signature is not yet checked. */
export type AssertionHeader = { alg: AssertionAlg; kid: string | undefined }

export const assertionAlgs = ['ES256', 'PS256', 'RS256'] as const
export type AssertionAlg = (typeof assertionAlgs)[number]

export type Claims = Readonly<Record<string, unknown>>

export const maxLifetimeSeconds = 300
/**
 * How far a client's clock may be ahead of ours: for `iat` and `nbf` only, the two limits on `exp` are exact. FAPI 2.0
 * (Security Profile, section 5.3.2.1) asks for 10 s, and the gateways take as much.
 */
export const clockSkewSeconds = 10

export type SignedJwtChecks = {
  parse(jws: string): [header: Claims, payload: Claims]
  header(header: Claims, types: readonly string[]): AssertionHeader
  times(claims: Claims, nowSeconds: number, iat?: 'required'): { exp: number }
  jti(claims: Claims): string
  audience(claims: Claims, accepted: readonly string[]): void
}

/**
 * What is the same for every JWT that a client signs: client assertions, bearer assertions, request objects. The checks
 * need no client, so that an answer may say what is wrong and still tells nothing about which clients exist.
 * @param wrong makes the error of the endpoint from what is wrong
 */
export function signedJwtChecks(wrong: (what: string) => Error): SignedJwtChecks {
  const parseObject = (part: string): Claims => {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url'))
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return value as Claims
    } catch {
      // falls through to the same refusal
    }
    throw wrong('its header and its claims must be JSON objects')
  }

  const seconds = (claims: Claims, name: string): number | undefined => {
    const value = claims[name]
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw wrong(`${name} must be a number of seconds`)
    return value
  }

  return {
    // Only the one canonical spelling of the compact form passes: libraries that accept padding, spaces or loose last
    // bits give one token several spellings.
    parse(jws) {
      const parts = jws.split('.')
      const canonical = parts.every(
        (part) => part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part,
      )
      if (parts.length !== 3 || !canonical) throw wrong('it is not a JWS in compact form')
      const [header = '', payload = ''] = parts
      return [parseObject(header), parseObject(payload)]
    },
    header(header, types) {
      const { kid, typ, crit } = header
      const alg = assertionAlgs.find((known) => known === header.alg)
      if (alg === undefined) throw wrong(`alg must be one of ${assertionAlgs.join(', ')}`)
      if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > 256))
        throw wrong('kid must be a text of 1 to 256 characters')
      if (crit !== undefined) throw wrong('crit is not supported')
      // Another explicit type means that the client signed this for another use (RFC 8725, section 3.11).
      if (typ !== undefined && (typeof typ !== 'string' || !types.includes(typ.toLowerCase())))
        throw wrong(
          `typ, when it is given, must be ${types.map((type) => (type === 'jwt' ? 'JWT' : type)).join(' or ')}`,
        )
      return { alg, kid }
    },
    times(claims, now, required) {
      const exp = seconds(claims, 'exp')
      const iat = seconds(claims, 'iat')
      const nbf = seconds(claims, 'nbf')
      const clock = `the time here is ${now}`
      if (exp === undefined) throw wrong('exp is missing')
      if (exp <= now) throw wrong(`exp ${exp} has passed; ${clock}`)
      if (exp > now + maxLifetimeSeconds)
        throw wrong(`exp ${exp} is more than ${maxLifetimeSeconds} s ahead; ${clock}`)
      if (iat === undefined && required !== undefined) throw wrong('iat is missing')
      if (iat !== undefined && iat > now + clockSkewSeconds)
        throw wrong(`iat ${iat} is in the future: the clock of the client is ahead; ${clock}`)
      if (iat !== undefined && exp - iat > maxLifetimeSeconds)
        throw wrong(`exp is more than ${maxLifetimeSeconds} s after iat`)
      if (nbf !== undefined && nbf > now + clockSkewSeconds)
        throw wrong(`nbf ${nbf} is in the future; ${clock}`)
      return { exp }
    },
    jti({ jti }) {
      if (typeof jti !== 'string' || jti === '' || jti.length > 256)
        throw wrong('jti must be a text of 1 to 256 characters, new for each request')
      return jti
    },
    // One string only: an array would let a JWT that was made for somebody else be used here.
    audience({ aud }, accepted) {
      if (typeof aud === 'string' && accepted.includes(aud)) return
      const seen = typeof aud === 'string' ? `${quoted(aud)} is not` : 'it must be one string,'
      throw wrong(`aud: ${seen} ${accepted.join(' or ')}`)
    },
  }
}
