import { parseJson } from '../payload/json-body.ts'
import { type ProofAlgorithm, type ProofKey, proofAlgorithms, readProofKey } from './dpop-key.ts'
import { normalisedUri } from './target-uri.ts'

/** A DPoP proof (RFC 9449 section 4.2) that was read, and not believed yet. */
export type DpopProof = {
  alg: ProofAlgorithm
  key: ProofKey
  /** what is signed, and the signature in base64url */
  signed: string
  signature: string
  jti: string
  method: string
  uri: string
  issuedAtMs: number
  /** SHA-256 of the access token that it goes with, base64url */
  tokenHash: string
}

/** How long before now a proof may have been made, and how far a client's clock may be ahead. */
export const proofWindow = { pastMs: 60_000, futureMs: 10_000 } as const

const compact = /^[A-Za-z0-9_-]{1,3072}\.[A-Za-z0-9_-]{1,4096}\.[A-Za-z0-9_-]{1,1024}$/
const longestId = 512

/**
 * Reads the DPoP field of a request, which must hold one proof.
 * @returns undefined when it is malformed, or its key or algorithm is not accepted
 * @public
 */
export function readProof(field: string): DpopProof | undefined {
  if (!compact.test(field)) return undefined
  const [head = '', body = '', signature = ''] = field.split('.')
  const header = objectOf(head)
  const claims = objectOf(body)
  if (header === undefined || claims === undefined) return undefined
  const alg = proofAlgorithms.find((name) => name === header.alg)
  if (alg === undefined || header.typ !== 'dpop+jwt' || !isObject(header.jwk)) return undefined
  // `crit` names extensions that must be understood (RFC 7515 4.1.11); we understand none.
  if ('crit' in header || 'b64' in header) return undefined
  const key = readProofKey(header.jwk, alg)
  if (key === undefined) return undefined
  const { jti, htm, htu, iat, ath } = claims
  if (typeof jti !== 'string' || jti === '' || jti.length > longestId) return undefined
  if (typeof htm !== 'string' || typeof htu !== 'string' || typeof ath !== 'string')
    return undefined
  if (typeof iat !== 'number' || !Number.isFinite(iat)) return undefined
  return {
    alg,
    key,
    signed: `${head}.${body}`,
    signature,
    jti,
    method: htm,
    uri: htu,
    issuedAtMs: iat * 1_000,
    tokenHash: ath,
  }
}

/** Why a proof does not fit a request: labels of a metric. */
export type ProofFault = 'proof of another request' | 'proof of another token' | 'proof out of time'

/**
 * Whether a proof is one for this request, with this token, of this moment; its signature is another matter.
 * @public
 */
export function proofFault(
  proof: DpopProof,
  request: { method: string; uris: readonly string[]; tokenHash: string; nowMs: number },
): ProofFault | undefined {
  if (proof.method !== request.method || !isOneOf(proof.uri, request.uris))
    return 'proof of another request'
  if (proof.tokenHash !== request.tokenHash) return 'proof of another token'
  const age = request.nowMs - proof.issuedAtMs
  return age <= proofWindow.pastMs && age >= -proofWindow.futureMs ? undefined : 'proof out of time'
}

function isOneOf(uri: string, uris: readonly string[]): boolean {
  if (uris.includes(uri)) return true
  const plain = normalisedUri(uri)
  return plain !== undefined && uris.some((other) => normalisedUri(other) === plain)
}

function objectOf(part: string): Record<string, unknown> | undefined {
  const read = parseJson(Buffer.from(part, 'base64url'))
  return read.ok && isObject(read.value) ? read.value : undefined
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
