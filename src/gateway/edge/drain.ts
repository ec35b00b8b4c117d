import { awakeFor } from '#platform/awake-for'
import type { GatewayContext } from '../gateway-context.ts'
import type { HttpListener } from './http-listener.ts'

/** a gateway that nobody has called for so long has nobody to tell */
const quietMs = 10_000

/**
 * Ends the addresses of a gateway without failing a call. First everybody is told: readiness is gone, answers on HTTP/1.1
 * carry `Connection: close`, HTTP/2 clients get a GOAWAY that cuts nothing off. What comes meanwhile is served. Then no
 * new connection is taken, and those end that had no answer since: nothing was on them for the whole time. What is on its
 * way goes on until the deadline.
 * @public
 */
export async function drain(
  context: GatewayContext,
  listeners: readonly HttpListener[],
): Promise<void> {
  const { limits, monotonicMs } = context
  const beganMs = monotonicMs()
  context.draining = true
  for (const listener of listeners) listener.announceEnd()
  if (limits.lameDuckMs > 0 && (await isCalled(context, listeners)))
    await awakeFor(limits.lameDuckMs)
  const restMs = Math.max(0, limits.drainMs - (monotonicMs() - beganMs))
  await Promise.all(listeners.map((listener) => listener.stop(restMs)))
}

async function isCalled(
  context: GatewayContext,
  listeners: readonly HttpListener[],
): Promise<boolean> {
  if (context.monotonicMs() - context.lastArrivalMs < quietMs) return true
  const open = await Promise.all(listeners.map((listener) => listener.connections()))
  return open.some((count) => count > 0)
}
