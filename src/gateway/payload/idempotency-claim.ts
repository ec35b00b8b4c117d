/**
 * The place of one request in the store of answers: taken before the request acts, and filled or left when it has.
 * `started` is before the upstream is called; `executing` from then on, when nobody else may call it.
 * @public
 */
export type Claim = {
  /** names the request of one application on one path */
  requestHash: string
  operation: string
  applicationId: string
  /** who holds it: another holder of the same place cannot write into it */
  holder: string
  state: 'started' | 'executing'
  /** whether doing it twice is doing it once */
  repeatable: boolean
}
