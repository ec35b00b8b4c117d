import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import type { ServerOptions } from './server-options.ts'
import { signedJwtChecks } from './signed-jwt.ts'
import { listLiveKeys } from './store.ts'

/** Claims of an access token that this server made for a client and that has not expired. */
export type OwnToken = JWTPayload & {
  jti: string
  exp: number
  client_id: string
  crd: string
  scope?: string
  gnt?: string
  pur?: string
  sbj?: string
  cnf?: unknown
}

const checks = signedJwtChecks((what) => new Error(what))

/** @returns undefined for anything else, whatever it is: a token of another client or environment, text, nothing */
export async function readOwnToken(
  { issuer, audience, environment, database, clock }: ServerOptions,
  token: string,
  clientId: string,
): Promise<OwnToken | undefined> {
  try {
    checks.parse(token)
    const keys = (await listLiveKeys(database, environment)).map(({ publicJwk }) => publicJwk)
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys }), {
      issuer,
      audience,
      algorithms: ['ES256'],
      typ: 'at+jwt',
      currentDate: clock.now(),
      requiredClaims: ['jti', 'exp', 'client_id', 'crd'],
    })
    return payload.client_id === clientId ? (payload as OwnToken) : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && !/^ERR_J/.test(String(error.code))) throw error
    return undefined
  }
}
