import type { ExchangeDetail } from '#metering/schema'

export type SoughtBy = 'exchange' | 'trace' | 'correlator'

/** What an id from a log, a ticket or a partner's mail is. */
export function soughtBy(id: string): SoughtBy {
  if (/^exc_\w+$/.test(id)) return 'exchange'
  return /^[0-9a-f]{32}$/.test(id) ? 'trace' : 'correlator'
}

/** Who has to do something, in words. */
export function ownerText(exchange: ExchangeDetail): string {
  const { failure, api } = exchange
  switch (failure?.owner) {
    case undefined:
      return 'nobody, it succeeded'
    case 'caller':
      return 'the caller'
    case 'platform':
      return 'the platform team'
    case 'upstream':
      return failure.team ?? api?.team ?? 'the team of the service behind the API'
    case 'nobody':
      return 'nobody, the caller left'
  }
}

const advice: Readonly<Record<string, string>> = {
  caller: 'The request was not as it must be. Tell the partner what the code asks for.',
  platform:
    'This platform could not serve the call. Look at the gateways, their journal and the database.',
  upstream: 'The service behind the API failed, or answered what its document does not allow.',
  nobody: 'The caller closed the connection. Look at how long the call took.',
}

export const adviceText = (exchange: ExchangeDetail): string =>
  advice[exchange.failure?.owner ?? ''] ?? ''

const partnerAdvice: Readonly<Record<string, string>> = {
  caller: 'Mend the request: the page of the code says how.',
  platform: 'The fault is on our side. If it stays, tell us the x-correlator.',
  upstream: 'The fault is on our side. If it stays, tell us the x-correlator.',
  nobody: 'Your side closed the connection.',
}

/** The same for the partner whose call it was. */
export const partnerAdviceText = (exchange: ExchangeDetail): string =>
  partnerAdvice[exchange.failure?.owner ?? ''] ?? ''

const retries = {
  no: 'Do not repeat it unchanged.',
  yes: 'Repeat it.',
  later: 'It may be repeated later.',
}

export const retryText = (exchange: ExchangeDetail): string =>
  exchange.failure === undefined ? '' : retries[exchange.failure.retry]

export type Fact = { label: string; value: string; mono?: boolean; to?: string; href?: string }

const fact = (label: string, value: string | undefined, more: Partial<Fact> = {}): Fact[] =>
  value === undefined || value === '' ? [] : [{ label, value, ...more }]

/**
 * What the gateway did, from the top to the bottom of a call.
 * @param inside whether the reader is an operator, who can go on to partners and gateways
 */
export function callFacts(exchange: ExchangeDetail, inside: boolean): Fact[] {
  const { apiId, operationId, partnerId, applicationId, idempotency } = exchange
  return [
    ...fact(
      'Operation',
      operationId === undefined ? undefined : `${exchange.method} ${operationId}`,
    ),
    ...fact('API', apiId, apiId === undefined ? {} : { href: `/apis/${apiId}` }),
    ...(inside && partnerId !== undefined
      ? fact('Partner', partnerId, { to: `/console/partners/${partnerId}`, mono: true })
      : []),
    ...fact('Application', applicationId, { mono: true }),
    ...fact('Credential', credentialText(exchange)),
    ...fact('Contract', exchange.contractId, { mono: true }),
    ...fact('Tier', exchange.tier),
    ...fact('Subscriber', exchange.subject, { mono: true }),
    ...fact('Sizes', `${exchange.requestBytes} bytes in, ${exchange.responseBytes} bytes out`),
    ...fact('Idempotency-Key', idempotency && idempotencyTexts[idempotency]),
    ...fact('Masked fields', exchange.masked?.join(', ')),
    ...fact('Undeclared fields', exchange.stripped === true ? 'taken out' : undefined),
    ...fact(
      'Answer',
      exchange.undocumented === true ? 'passed, and is not as its API documents it' : undefined,
    ),
    ...fact('Gateway', exchange.gatewayId, { mono: true, to: '/console/gateways' }),
  ]
}

const idempotencyTexts: Readonly<Record<string, string>> = {
  kept: 'the answer was kept for a repetition',
  replayed: 'this is the answer of the first request',
}

function credentialText({ credential, credentialId, bound }: ExchangeDetail): string | undefined {
  if (credential === undefined && credentialId === undefined) return undefined
  const kind = credential === 'api-key' ? 'API key' : 'access token'
  const binding =
    bound === 'certificate'
      ? ', bound to a certificate'
      : bound === 'dpop'
        ? ', bound to a key (DPoP)'
        : ''
  return `${kind}${binding}${credentialId === undefined ? '' : ` · ${credentialId}`}`
}

export function upstreamFacts(exchange: ExchangeDetail): Fact[] {
  const { upstream, upstreamStatus, upstreamMs, api } = exchange
  return [
    ...fact('Served by', upstream),
    ...fact('Its status', upstreamStatus === undefined ? undefined : String(upstreamStatus)),
    ...fact('Its time', upstreamMs === undefined ? undefined : `${upstreamMs.toFixed(1)} ms`),
    ...fact('What was wrong', exchange.reason),
    ...fact('Owner', api?.team),
    ...fact('Contact', api?.contact),
  ]
}

/** The upstream's part of the whole time, in per cent. */
export const upstreamShare = ({ totalMs, upstreamMs = 0 }: ExchangeDetail): number =>
  totalMs <= 0 ? 0 : Math.min(100, Math.round((upstreamMs / totalMs) * 100))
