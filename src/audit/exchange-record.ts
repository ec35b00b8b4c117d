import type { ExchangeFacts } from './evidence.ts'

/** Whether a call is evidence: it was about a person, or needed a legal basis. */
export const isPersonal = (facts: ExchangeFacts): boolean =>
  facts.subject !== undefined || facts.legal !== undefined

/**
 * What identifies the subscriber, or leads from one call to another: canonical JSON, the same for all calls with one
 * token. `{}` when there is nothing of it.
 */
export function personalValues({ legal, subject, tokenId }: ExchangeFacts): string {
  const consents = legal?.consents
  return JSON.stringify({
    consents: consents === undefined || consents.length === 0 ? undefined : consents,
    grant: legal?.grant,
    subject,
    token: tokenId,
  })
}

/**
 * The record of an exchange: canonical JSON. The members stand here in the order of their names, which spares sorting
 * them for each call.
 * @param personal the commitment of the personal values
 */
export function exchangeRecord(facts: ExchangeFacts, personal: string | undefined): string {
  const { legal } = facts
  return JSON.stringify({
    apiId: facts.apiId,
    applicationId: facts.applicationId,
    at: new Date(facts.at).toISOString(),
    basis: legal?.basis,
    bound: facts.bound,
    code: facts.code,
    contractId: facts.contractId,
    credential: facts.credential,
    credentialId: facts.credentialId,
    environment: facts.environment,
    id: facts.id,
    idempotency: facts.idempotency,
    kind: 'exchange',
    masked: facts.masked,
    method: facts.method,
    operationId: facts.operationId,
    partnerId: facts.partnerId,
    personal,
    priceId: facts.priceId,
    purpose: legal?.purpose,
    reason: facts.reason,
    refusedBy: facts.refusedBy,
    requestBytes: facts.requestBytes,
    responseBytes: facts.responseBytes,
    rules: facts.rules,
    scopes: legal?.scopes,
    status: facts.status,
    stripped: facts.stripped,
    undocumented: facts.undocumented,
    units: facts.units,
    upstream: facts.upstream,
    upstreamStatus: facts.upstreamStatus,
  })
}
