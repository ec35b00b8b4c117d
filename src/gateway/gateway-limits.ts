/**
 * What one process lets in at most; beyond it refuses rather than slows down or grows.
 * @public
 */
export type GatewayLimits = {
  inFlight: number
  inFlightPerUpstream: number
  /** delay of the event loop, of 99 in 100 turns, above which the calls of free contracts are refused; of paid ones above twice that */
  eventLoopDelayMs: number
  /** how long after its start a gateway may be late without refusing calls for it */
  settleMs: number
  /** of one address; also below the limit of open files, all together */
  connections: number
  /** that one client address (IPv6: a /64) may have; trusted proxies have no such limit */
  connectionsPerAddress: number
  requestBytes: number
  responseBytes: number
  /** answers that are kept to be given again */
  cachedBytes: number
  /** all bodies that are held at once */
  bufferedBytes: number
  headers: number
  headerBytes: number
  headersTimeoutMs: number
  requestTimeoutMs: number
  keepAliveTimeoutMs: number
  /** after so many, a connection is ended with the next answer */
  requestsPerConnection: number
  /** requests of one HTTP/1.1 connection that may wait for their answers at once */
  pipelined: number
  /** streams of one HTTP/2 session that may be open at once */
  streamsPerConnection: number
  /** TLS handshakes that are not finished; beyond it the oldest is given up */
  handshakes: number
  /** how long a client may take to read a response */
  responseTimeoutMs: number
  /** how long a drain may take, whatever is still open then */
  drainMs: number
  /**
   * the first part of it, in which the gateway says that it is about to go (not ready, `Connection: close`, GOAWAY) and
   * still takes what comes: whoever sends calls here learns of it before an address is closed
   */
  lameDuckMs: number
  /** anonymous refusals that are journalled, per second; the others are only counted */
  anonymousRecordsPerSecond: number
  /** what happens to calls that the journal cannot take: none are served, or those of free contracts are */
  unrecorded: 'refuse' | 'serve-free'
}

export const defaultLimits: GatewayLimits = {
  inFlight: 2_000,
  inFlightPerUpstream: 1_000,
  eventLoopDelayMs: 100,
  settleMs: 15_000,
  connections: 10_000,
  connectionsPerAddress: 1_000,
  requestBytes: 1_048_576,
  responseBytes: 4 * 1_048_576,
  cachedBytes: 64 * 1_048_576,
  bufferedBytes: 256 * 1_048_576,
  headers: 100,
  headerBytes: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  requestsPerConnection: 1_000,
  pipelined: 100,
  streamsPerConnection: 100,
  handshakes: 1_000,
  responseTimeoutMs: 30_000,
  drainMs: 20_000,
  lameDuckMs: 0,
  anonymousRecordsPerSecond: 50,
  unrecorded: 'refuse',
}
