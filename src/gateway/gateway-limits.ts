/**
 * What one process lets in at most; beyond it refuses rather than slows down or grows.
 * @public
 */
export type GatewayLimits = {
  inFlight: number
  inFlightPerUpstream: number
  connections: number
  requestBytes: number
  responseBytes: number
  /** all bodies that are held at once */
  bufferedBytes: number
  headers: number
  headerBytes: number
  headersTimeoutMs: number
  requestTimeoutMs: number
  keepAliveTimeoutMs: number
  requestsPerConnection: number
  /** how long a client may take to read a response */
  responseTimeoutMs: number
  drainMs: number
  /** anonymous refusals that are journalled, per second; the others are only counted */
  anonymousRecordsPerSecond: number
  /** what happens to calls that the journal cannot take: none are served, or those of free contracts are */
  unrecorded: 'refuse' | 'serve-free'
}

export const defaultLimits: GatewayLimits = {
  inFlight: 2_000,
  inFlightPerUpstream: 1_000,
  connections: 10_000,
  requestBytes: 1_048_576,
  responseBytes: 4 * 1_048_576,
  bufferedBytes: 256 * 1_048_576,
  headers: 100,
  headerBytes: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  requestsPerConnection: 1_000,
  responseTimeoutMs: 30_000,
  drainMs: 20_000,
  anonymousRecordsPerSecond: 50,
  unrecorded: 'refuse',
}
