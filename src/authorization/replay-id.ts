import { hash } from 'node:crypto'

/** Fixed in length, and of one client: what a caller writes is never a key of the table as it is. */
export const replayId = (
  kind: 'assertion' | 'bearer' | 'proof' | 'request-object',
  issuer: string,
  jti: string,
): string => hash('sha256', JSON.stringify([kind, issuer, jti]), 'base64url')
