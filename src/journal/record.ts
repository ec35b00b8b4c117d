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
  upstreamStatus?: number
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
