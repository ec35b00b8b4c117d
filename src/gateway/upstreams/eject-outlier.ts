import type { Endpoint } from './upstream-endpoint.ts'

const failuresInARow = 3
const leastCalls = 10
const failedPart = 0.2
const firstEjectionMs = 10_000
const longestEjectionMs = 300_000
const forgottenAfterMs = 600_000

/**
 * Takes a target out for a while when it fails and its peers do not: three times in a row, or more than a fifth of its
 * calls of the last ten seconds and more than twice their part. Each time is longer; never more than half of the
 * targets are out at once, so that one cause that meets them all does not take everything away.
 * @returns whether it was ejected now
 */
export function ejectOutlier(endpoint: Endpoint, all: readonly Endpoint[], nowMs: number): boolean {
  if (endpoint.ejectedUntilMs > nowMs || !standsOut(endpoint, all, nowMs)) return false
  const out = all.filter((one) => one.ejectedUntilMs > nowMs).length
  if (out + 1 > Math.floor(all.length / 2)) return false
  if (nowMs - endpoint.ejectedUntilMs > forgottenAfterMs) endpoint.ejections = 0
  endpoint.ejections += 1
  endpoint.ejectedUntilMs =
    nowMs + Math.min(longestEjectionMs, firstEjectionMs * endpoint.ejections)
  endpoint.failuresInARow = 0
  endpoint.recent.clear()
  return true
}

function standsOut(endpoint: Endpoint, all: readonly Endpoint[], nowMs: number): boolean {
  let peersFine = 0
  let peersFailed = 0
  for (const peer of all) {
    if (peer === endpoint) continue
    peer.recent.forget(nowMs)
    peersFine += peer.recent.fine
    peersFailed += peer.recent.failed
  }
  endpoint.recent.forget(nowMs)
  const { fine, failed } = endpoint.recent
  const own = partOf(failed, fine)
  if (own <= 2 * partOf(peersFailed, peersFine)) return false
  return (
    endpoint.failuresInARow >= failuresInARow || (fine + failed >= leastCalls && own > failedPart)
  )
}

const partOf = (failed: number, fine: number): number =>
  failed === 0 ? 0 : failed / (failed + fine)
