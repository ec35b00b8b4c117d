import { type ErrorCode, errorCodes } from '#platform/error-codes'
import type { StoredExchange } from './exchange-store.ts'
import type { Failure } from './schema.ts'

/** What each rule of a gateway looks at, for someone who asks why it refused. */
const rules: Readonly<Record<string, string>> = {
  correlate: 'the x-correlator field must have characters that the standard allows',
  'check-framing': 'the request must have one reading: one host, one length, nothing to upgrade',
  'accept-host':
    'the host of the request must be one that this gateway answers for: its public addresses and WAYLEAVE_GATEWAY_HOSTS',
  'trust-proxy':
    'what a trusted proxy says of its client must be readable, and of this environment',
  admit: 'the gateway lets in no more than it can serve well and write down',
  shed: 'under too much load calls of lower tiers are turned away first',
  'answer-preflight': 'pages of a web origin call an API only where its product allows that origin',
  route: 'the address and the method must be those of a published operation',
  'announce-version': 'the version must not have come to its end',
  authenticate: 'a live credential of a live application must be shown',
  bind: 'the credential must be used with the certificate or the key that it is bound to',
  authorise:
    'the application needs a subscription, an active contract and a scope of the operation',
  'limit-rate': "the contract's spike, rates and concurrency, shared by all its applications",
  'limit-quota': "the contract's quota of the day or month",
  'validate-parameters': 'path, query and header parameters as the published document has them',
  'read-body': 'media type and size of the body',
  'validate-body': 'the body as the published document has it',
  'identify-subject': 'whom the call is about: the token or the body, not both and not neither',
  'require-consent': "the subscriber's live consent, where that is the legal basis",
  idempotency: 'a repeated Idempotency-Key must come with the same request',
  'isolate-resource': 'a thing is seen only by the application and the subscriber that made it',
  'settle-resource': 'a new thing must have an id, and its owner must be written down',
  'begin-acting': 'what acts must be able to be undone or told apart when it is sent again',
  cache: 'an answer that may be served again',
  mask: 'an answer whose fields are masked must be one that can be read',
  'keep-response': 'an answer that is kept for a repetition',
  'return-own-device': 'the device of an answer must be the one that was asked about',
  'require-journal': 'a call that cannot be written down must not happen',
  journal: 'a call that could not be written down is not billed, and its answer is withheld',
  upstream: 'the service behind the API, and whether its answer is what the API documents',
  client: 'the caller closed the connection before the answer was there',
}

/** rules that refuse because of the platform's own state, not because of the request */
const platformRules = new Set(['admit', 'shed', 'journal', 'require-journal'])

/**
 * Every failure has an owner: the caller whose request was refused, the service behind the API, or this platform.
 * @returns undefined for a call that succeeded
 */
export function explainFailure(
  row: Pick<StoredExchange, 'status' | 'code' | 'refused_by' | 'upstream_status' | 'reason'>,
): Failure | undefined {
  if (row.status < 400) return undefined
  const known =
    row.code !== null && Object.hasOwn(errorCodes, row.code)
      ? errorCodes[row.code as ErrorCode]
      : undefined
  const rule = row.refused_by === null ? undefined : rules[row.refused_by]
  return {
    owner: ownerOf(row),
    meaning: known?.meaning ?? meaningOf(row),
    retry: known?.retry ?? (row.status >= 500 ? 'later' : 'no'),
    ...(rule === undefined ? {} : { rule }),
    ...(row.code === null ? {} : { documentation: `/errors/${encodeURIComponent(row.code)}` }),
  }
}

function ownerOf(row: Parameters<typeof explainFailure>[0]): Failure['owner'] {
  if (row.refused_by === 'client') return 'nobody'
  if (row.refused_by === 'upstream') {
    // The upstream's own answer about the request: a number that it does not know, for example.
    return row.status < 500 && row.upstream_status === row.status ? 'caller' : 'upstream'
  }
  // Whichever rule found it, these two codes speak of the service behind the API.
  if (row.code === 'BAD_GATEWAY' || row.code === 'TIMEOUT') return 'upstream'
  if (row.status >= 500 || platformRules.has(row.refused_by ?? '')) return 'platform'
  return 'caller'
}

function meaningOf(row: Parameters<typeof explainFailure>[0]): string {
  if (row.refused_by === 'client') return 'The caller closed the connection before the answer.'
  return row.code === null
    ? 'The answer carried no code.'
    : 'A code of the API itself: its reference explains it.'
}
