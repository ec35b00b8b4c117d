import { reasons } from '#journal'
import { type ErrorCode, errorCodes } from '#platform/error-codes'
import type { StoredExchange } from './exchange-store.ts'
import type { Failure } from './schema.ts'

/** What each rule of a gateway looks at, for someone who asks why it refused. @public */
export const ruleQuestions: Readonly<Record<string, string>> = {
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
  'check-revocation': 'a token ends with its grant and with the consents that it rests on',
  'require-consent':
    "the legal basis: the subscriber's live consent, no objection, and a purpose that the product is for",
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
  const rule = row.refused_by === null ? undefined : ruleQuestions[row.refused_by]
  return {
    owner: ownerOf(row),
    meaning: meaningOf(row, known?.meaning),
    ...causeOf(row),
    retry: known?.retry ?? (row.status >= 500 ? 'later' : 'no'),
    ...(rule === undefined ? {} : { rule }),
    ...(row.code === null ? {} : { documentation: `/errors/${encodeURIComponent(row.code)}` }),
  }
}

type Row = Parameters<typeof explainFailure>[0]

function ownerOf(row: Row): Failure['owner'] {
  if (row.refused_by === 'client') return 'nobody'
  // It was never run: whoever runs the gateways gives them the right to invoke it.
  if (isNotAllowed(row)) return 'platform'
  if (row.refused_by === 'upstream') {
    // The upstream's own answer about the request: a number that it does not know, for example.
    return row.status < 500 && row.upstream_status === row.status ? 'caller' : 'upstream'
  }
  // Whichever rule found it, these two codes speak of the service behind the API.
  if (row.code === 'BAD_GATEWAY' || row.code === 'TIMEOUT') return 'upstream'
  if (row.status >= 500 || platformRules.has(row.refused_by ?? '')) return 'platform'
  return 'caller'
}

function meaningOf(row: Row, known: string | undefined): string {
  // What the code says of this platform, an upstream that uses it says of itself.
  if (row.refused_by === 'upstream' && row.code === 'INTERNAL')
    return 'A fault of the service behind the API.'
  if (known !== undefined) return known
  if (row.refused_by === 'client') return 'The caller closed the connection before the answer.'
  return row.code === null
    ? 'The answer carried no code.'
    : 'A code of the API itself: its reference explains it.'
}

const says = ({ reason }: Row, words: string): boolean => reason?.startsWith(words) === true

const isNotAllowed = (row: Row): boolean =>
  says(row, reasons.notInvoked) && /\(40[13]\b/.test(row.reason ?? '')

/** What happened behind the gateway, and what its owner looks at first: for operators. */
function causeOf(row: Row): { cause?: string } {
  const cause = ownCause(row) ?? upstreamCause(row)
  return cause === undefined ? {} : { cause }
}

function ownCause(row: Row): string | undefined {
  if (says(row, reasons.foreignId))
    return 'The service behind the API gave a new thing the id of one that belongs to another caller, so its answer was withheld; the thing may exist there. The team of the API mends how ids are made, or its `resource` rule where one id may come twice.'
  if (says(row, reasons.ownerNotStored))
    return 'The service behind the API made the thing, and this platform could not write down whose it is: look at the database of the gateways.'
  if (says(row, reasons.functionCrashed))
    return 'The function was invoked and crashed: the log of the function has the rest.'
  if (isNotAllowed(row))
    return 'The function was never run: its service refused the credentials of this gateway. Allow them to invoke it (`lambda:InvokeFunction`).'
  if (says(row, reasons.notInvoked))
    return 'The function was never run: its service has no such function or version, or failed itself.'
  return undefined
}

function upstreamCause(row: Row): string | undefined {
  const { status, upstream_status: answered } = row
  if (row.refused_by !== 'upstream' || status < 500) return undefined
  if (answered === null) return undefined
  if (says(row, reasons.gatewayRefused))
    return 'The service behind the API refused the credentials of this gateway, not those of the caller: the platform and the team of the API have to agree on them.'
  if (says(row, reasons.otherForm))
    return `The service behind the API answered ${answered} in a form that is not the standard’s, and the gateway answered ${status} in its place.`
  if (answered >= 500 && answered === status)
    return `The service behind the API answered ${status} itself, and the gateway passed it on.`
  return `The service behind the API answered ${answered} with what its document does not allow, and the gateway answered ${status} in its place.`
}
