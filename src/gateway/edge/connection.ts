/**
 * What the pipeline sees of one HTTP/1.1 connection. Several requests may be on their way on it (RFC 9112 section 9.3.2),
 * and it can end only with the answer to the newest one: the answers behind a `Connection: close` are never read, although
 * their requests were acted upon (section 9.6).
 * @public
 */
export interface Connection {
  /** how many requests have come */
  readonly requests: number
  /** how many of them wait for their answer, or have it on its way */
  readonly waiting: number
  /** whether the answer that ends it is decided: whatever comes behind that request is not a request */
  ended: boolean
  /**
   * Throws the rest of the newest request away, so that the client sees the answer and the connection can go on; what is
   * too long, or comes in crumbs, ends the connection.
   */
  discardRest(mostBytes: number): void
}
