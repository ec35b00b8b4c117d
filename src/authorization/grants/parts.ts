import type { ServerOptions } from '../server-options.ts'
import { authorizationCodePart } from './authorization-code.ts'
import { cibaPart } from './ciba.ts'
import { clientCredentialsPart } from './client-credentials.ts'
import type { GrantPart } from './grant-part.ts'
import { jwtBearerPart } from './jwt-bearer.ts'
import { refreshTokenPart } from './refresh-token.ts'
import { tokenStatusPart } from './token-status.ts'

/** What the servers can do, in the order of the discovery document. Each entry is a file of this folder. */
const grantParts: readonly GrantPart[] = [
  clientCredentialsPart,
  authorizationCodePart,
  cibaPart,
  jwtBearerPart,
  refreshTokenPart,
  tokenStatusPart,
]

/**
 * The parts that are on.
 * @public
 */
export const partsOf = (options: ServerOptions): readonly GrantPart[] =>
  grantParts.filter((part) => part.enabled?.(options) ?? true)

/**
 * The grant types that are on.
 * @public
 */
export const grantTypesOf = (options: ServerOptions): readonly string[] =>
  partsOf(options).flatMap((part) => {
    const types = part.metadata?.(options.issuer).grant_types_supported
    return Array.isArray(types) ? types.map(String) : []
  })
