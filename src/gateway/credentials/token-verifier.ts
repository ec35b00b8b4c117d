import { hash, verify } from 'node:crypto'
import type { SigningKey } from '../snapshot-index.ts'

/** SHA-256 of a certificate or of a public key, base64url. */
export type TokenBinding = { thumbprint: string | undefined; jkt: string | undefined }

/**
 * What an accepted access token says (RFC 9068). @see design: `crd` names the credential that obtained it
 * @public
 */
export type AccessToken = {
  /** its own id, `jti` */
  id: string | undefined
  clientId: string
  credentialId: string
  scopes: ReadonlySet<string>
  /** of a 3-legged token: the subscriber's number, sealed; @see tokenSubject */
  subject: string | undefined
  /** the one purpose that it may be used for, `dpv:FraudPreventionAndDetection` */
  purpose: string | undefined
  /** ids of the consents that it rests on */
  consents: readonly string[]
  /** the grant that it came from */
  grant: string | undefined
  /** what ends it before its time, besides its consents: the grant, and its own id */
  revocableBy: readonly string[]
  /** how its subscriber was authenticated (RFC 8176) */
  methods: readonly string[]
  /** the certificate (RFC 8705) or key (RFC 9449) without which it is worth nothing */
  bound: TokenBinding | undefined
  issuedAtMs: number
  expiresAtMs: number
  /** a cached verdict is renewed after this */
  staleAtMs: number
  /** no application had this credential a moment ago: until then the same answer without asking the feed again */
  unknownUntilMs: number
}

// One spelling per token: strict base64url, and the four spare bits of an ES256 signature must be zero. Otherwise one
// token has several spellings, and a cache or a deny-list that is keyed by the text can be walked around.
const compactJws = /^[A-Za-z0-9_-]{1,1024}\.[A-Za-z0-9_-]{1,4096}\.[A-Za-z0-9_-]{85}[AQgw]$/
const longestJws = 1_024 + 4_096 + 86 + 2
const longestCacheMs = 60_000
const skewMs = 10_000

/** Why a token is not accepted; for tests and the debug log, never for the caller. */
export type Verdict =
  | { ok: true; token: AccessToken }
  | { ok: false; reason: string; unknownKey?: true }

/**
 * Verifies ES256 access tokens of one issuer for one audience. Verified ones are remembered by their SHA-256, for at
 * most 60 s and never beyond their expiry or a change of the key set; the memory is bounded by two generations.
 * @public
 */
export class TokenVerifier {
  #issuer: string
  #audience: string
  #keyOf: (id: string) => SigningKey | undefined
  #young = new Map<string, AccessToken>()
  #old = new Map<string, AccessToken>()
  #generation: number
  #verifying = new Map<string, ((verdict: Verdict) => void)[]>()
  #epoch = 0

  constructor(options: {
    issuer: string
    audience: string
    keyOf: (id: string) => SigningKey | undefined
    cached?: number
  }) {
    this.#issuer = options.issuer
    this.#audience = options.audience
    this.#keyOf = options.keyOf
    this.#generation = Math.ceil((options.cached ?? 20_000) / 2)
  }

  /** Forgets every verdict: the key set changed. */
  forget(): void {
    this.#epoch += 1
    this.#young.clear()
    this.#old.clear()
  }

  /** Signatures that are being verified at this moment, in the thread pool. */
  get verifying(): number {
    return this.#verifying.size
  }

  /** What a token is remembered by. A remembered one was well-formed, so that is asked of the others only. */
  static digest(jws: string): string | undefined {
    return jws.length <= longestJws ? hash('sha256', jws, 'latin1') : undefined
  }

  static isWellFormed(jws: string): boolean {
    return compactJws.test(jws)
  }

  /** @returns the remembered token, when it is still good */
  cached(digest: string, nowMs: number): AccessToken | undefined {
    let token = this.#young.get(digest)
    if (token === undefined) {
      token = this.#old.get(digest)
      if (token === undefined) return undefined
      this.#remember(digest, token)
    }
    return token.expiresAtMs > nowMs && token.staleAtMs > nowMs ? token : undefined
  }

  /** Verifies off the event loop; equal tokens at the same time are verified once. */
  verify(jws: string, digest: string, nowMs: number, done: (verdict: Verdict) => void): void {
    if (!TokenVerifier.isWellFormed(jws)) {
      done(no('form'))
      return
    }
    const waiting = this.#verifying.get(digest)
    if (waiting !== undefined) {
      waiting.push(done)
      return
    }
    const claims = this.#read(jws, nowMs)
    if (!claims.ok) {
      done(claims)
      return
    }
    const callbacks = [done]
    this.#verifying.set(digest, callbacks)
    const epoch = this.#epoch
    const split = jws.lastIndexOf('.')
    const finish = (verdict: Verdict): void => {
      this.#verifying.delete(digest)
      if (verdict.ok && epoch === this.#epoch) this.#remember(digest, verdict.token)
      for (const callback of callbacks) callback(verdict)
    }
    verify(
      'sha256',
      Buffer.from(jws.slice(0, split), 'latin1'),
      { key: claims.key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(jws.slice(split + 1), 'base64url'),
      (error, valid) => {
        const known = this.#keyOf(claims.keyId) !== undefined
        if (error === null && valid && known) finish({ ok: true, token: claims.token })
        else finish({ ok: false, reason: 'signature' })
      },
    )
  }

  #read(
    jws: string,
    nowMs: number,
  ):
    | { ok: true; token: AccessToken; keyId: string; key: SigningKey['key'] }
    | (Verdict & { ok: false }) {
    const [head = '', body = ''] = jws.split('.', 2)
    const header = parsed(head)
    const claims = parsed(body)
    if (header === undefined || claims === undefined) return no('encoding')
    const { alg, typ, kid } = header
    if (alg !== 'ES256' || !isAccessTokenType(typ) || typeof kid !== 'string') return no('header')
    // `crit` names extensions that must be understood (RFC 7515 4.1.11); we understand none.
    if ('crit' in header || 'b64' in header) return no('header')
    const signer = this.#keyOf(kid)
    if (signer === undefined) return { ok: false, reason: 'key', unknownKey: true }
    if (claims.iss !== this.#issuer || signer.issuer !== this.#issuer) return no('issuer')
    if (!namesAudience(claims.aud, this.#audience)) return no('audience')
    const bound = 'cnf' in claims ? bindingOf(claims.cnf) : undefined
    if (bound === null) return no('binding')
    const { exp, iat, nbf, scope, client_id: clientId, crd, sub } = claims
    if (typeof exp !== 'number' || !(exp * 1_000 > nowMs)) return no('expired')
    if (typeof iat !== 'number' || !(iat * 1_000 <= nowMs + skewMs)) return no('not yet')
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf * 1_000 <= nowMs + skewMs))
      return no('not yet')
    if (typeof clientId !== 'string' || typeof crd !== 'string' || typeof sub !== 'string')
      return no('claims')
    if (scope !== undefined && typeof scope !== 'string') return no('claims')
    const { sbj } = claims
    if (sbj !== undefined && typeof sbj !== 'string') return no('claims')
    const scopes = new Set((scope ?? '').split(' ').filter((name) => name !== ''))
    const rests = restsOf(claims)
    if (rests === undefined) return no('claims')
    return {
      ok: true,
      keyId: kid,
      key: signer.key,
      token: {
        clientId,
        credentialId: crd,
        scopes,
        subject: sbj,
        ...rests,
        purpose: rests.purpose ?? purposeIn(scopes),
        bound,
        issuedAtMs: iat * 1_000,
        expiresAtMs: exp * 1_000,
        staleAtMs: nowMs + longestCacheMs,
        unknownUntilMs: 0,
      },
    }
  }

  #remember(digest: string, token: AccessToken): void {
    if (this.#young.size >= this.#generation) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(digest, token)
  }
}

const no = (reason: string): Verdict & { ok: false } => ({ ok: false, reason })

function parsed(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

type Rests = Pick<AccessToken, 'id' | 'purpose' | 'consents' | 'grant' | 'revocableBy' | 'methods'>

/** What a token rests on: the claims `pur`, `cns`, `gnt`, `jti` and `amr`; undefined when one of them is malformed. */
function restsOf({ pur, cns, gnt, jti, amr }: Record<string, unknown>): Rests | undefined {
  if (!isTextOrAbsent(pur) || !isTextOrAbsent(gnt) || !isTextOrAbsent(jti)) return undefined
  const consents = textsOf(cns)
  const methods = textsOf(amr)
  if (consents === undefined || methods === undefined) return undefined
  const revocableBy = jti === undefined ? [] : [`jti:${jti}`]
  if (gnt !== undefined) revocableBy.push(gnt)
  return { id: jti, purpose: pur, consents, grant: gnt, revocableBy, methods }
}

const isTextOrAbsent = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string'

const textsOf = (value: unknown): readonly string[] | undefined => {
  if (value === undefined) return nothing
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
}

const nothing: readonly never[] = []

/** A 2-legged token names its purpose among its scopes; two of them would leave open which one counts. */
function purposeIn(scopes: ReadonlySet<string>): string | undefined {
  let found: string | undefined
  for (const scope of scopes) {
    if (!scope.startsWith('dpv:')) continue
    if (found !== undefined) return undefined
    found = scope
  }
  return found
}

const sha256 = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/**
 * What a token is bound to (RFC 7800 section 3.1).
 * @returns null for a binding that is malformed or not known here: nobody could show that it holds
 */
function bindingOf(cnf: unknown): TokenBinding | null {
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) return null
  const members = Object.entries(cnf)
  const known = members.every(
    ([name, value]) =>
      (name === 'x5t#S256' || name === 'jkt') && typeof value === 'string' && sha256.test(value),
  )
  if (!known || members.length === 0) return null
  const { 'x5t#S256': thumbprint, jkt } = Object.fromEntries(members) as Record<string, string>
  return { thumbprint, jkt }
}

const isAccessTokenType = (typ: unknown): boolean =>
  typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ)

const namesAudience = (aud: unknown, audience: string): boolean =>
  aud === audience || (Array.isArray(aud) && aud.includes(audience))
