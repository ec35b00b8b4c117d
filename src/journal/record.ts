/**
 * One exchange, as the gateway wrote it down before the first byte of the response. No phone number, token, URL or
 * body is in it. Times are milliseconds since 1970 UTC of the gateway's clock.
 * @public
 */
export type JournalRecord = {
  /** `exc_…`, unique for all time: what makes a record count once */
  id: string
  /** position in the segment, from 0 */
  index: number
  correlator: string
  at: number
  environment: 'sandbox' | 'production'
  /** undefined for a caller that was not recognised */
  partnerId?: string
  applicationId?: string
  credentialId?: string
  contractId?: string
  /** `sim-swap/v2`; undefined when nothing was routed */
  apiId?: string
  operationId?: string
  method: string
  status: number
  /** the error code of the answer, when it was an error */
  code?: string
  /** the policy that refused, or `upstream` */
  refusedBy?: string
  /** why the platform or an upstream failed, in fixed words; for the operator */
  reason?: string
  upstreamStatus?: number
  /** where it was served: `primary`, `canary`, `cache`, or the name of a target; undefined when nothing was called */
  upstream?: string
  tier?: string
  /** how the caller showed who it is */
  credential?: 'access-token' | 'api-key'
  /** what the call was bound to besides */
  bound?: 'certificate' | 'dpop'
  /** W3C trace id, when the call was traced */
  traceId?: string
  /** keyed pseudonym of the subscriber that the call was about, the same for one subscriber in one installation */
  subject?: string
  /** of a call about a person: the id of its access token (`jti`), which opens nothing */
  tokenId?: string
  /** of a call about a person: the rules that let it pass, as bits of `recordedRules` */
  rules?: number
  /** on what a call about a person rested: legal basis, purpose (`dpv:…`), scopes, ids of consents and of the grant */
  legal?: {
    basis: string
    purpose?: string | undefined
    scopes?: readonly string[] | undefined
    consents?: readonly string[] | undefined
    grant?: string | undefined
  }
  /** what an Idempotency-Key did: the first answer was kept, or given again */
  idempotency?: 'kept' | 'replayed'
  /** paths of the response fields that were masked or removed */
  masked?: readonly string[]
  /** whether undeclared fields were taken out of the response */
  stripped?: boolean
  /** whether the response passed although its document does not allow it */
  undocumented?: boolean
  /** whole time in the gateway and the part spent upstream, in milliseconds with fractions */
  totalMs: number
  upstreamMs?: number
  requestBytes: number
  responseBytes: number
  /** what is billed: 0 or 1 */
  units: number
  /** the price version in force, `prc_…` */
  priceId?: string
}
