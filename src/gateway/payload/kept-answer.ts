import { isUtf8 } from 'node:buffer'
import type { Sealing } from '#platform/sealing'
import type { Exchange } from '../exchange.ts'
import type { Claim } from './idempotency-claim.ts'

/**
 * An answer as it is kept for a repeated request: as it was found right, before anything was taken out for this caller,
 * because what that is may change.
 * @public
 */
export type KeptAnswer = {
  status: number
  code?: string
  refusedBy?: string
  headers: readonly string[]
  body: Buffer | string
}

type Written = Omit<KeptAnswer, 'body'> & { text?: string; base64?: string }

/** longer answers are not kept; the request that had one is known to be done */
export const longestKeptBody = 1_048_576

const contextOf = (claim: Claim): string =>
  `idempotent:${claim.applicationId}:${claim.operation}:${claim.requestHash}`

/**
 * Whether it is what the upstream answered; the gateway's own words say nothing of anybody.
 * @public
 */
export const isOfUpstream = ({ refusedBy }: { refusedBy?: string | undefined }): boolean =>
  refusedBy === undefined || refusedBy === 'upstream'

/**
 * Remembers the answer before a rule changes it for its caller; a repeated request is given it through the same rules, as
 * they are then.
 * @public
 */
export function keepForReplay(exchange: Exchange): void {
  if (exchange.claim === undefined || exchange.unmasked !== undefined) return
  exchange.unmasked = { body: exchange.responseBody, headers: exchange.responseHeaders }
}

/** @returns undefined when the body is too long to be kept */
export function sealAnswer(sealing: Sealing, claim: Claim, exchange: Exchange): string | undefined {
  const unmasked = isOfUpstream(exchange) ? exchange.unmasked : undefined
  const body = unmasked?.body ?? exchange.responseBody
  if (Buffer.byteLength(body) > longestKeptBody) return undefined
  const written: Written = {
    status: exchange.status,
    headers: unmasked?.headers ?? exchange.responseHeaders,
    ...(exchange.code !== undefined && { code: exchange.code }),
    ...(exchange.refusedBy !== undefined && { refusedBy: exchange.refusedBy }),
    ...(typeof body === 'string'
      ? { text: body }
      : isUtf8(body)
        ? { text: body.toString('utf8') }
        : { base64: body.toString('base64') }),
  }
  return sealing.seal(JSON.stringify(written), contextOf(claim))
}

/**
 * @throws when it was sealed for another request or with another key
 * @public
 */
export function openAnswer(sealing: Sealing, claim: Claim, sealed: string): KeptAnswer {
  const { text, base64, ...rest } = JSON.parse(sealing.open(sealed, contextOf(claim))) as Written
  return { ...rest, body: text ?? Buffer.from(base64 ?? '', 'base64') }
}
