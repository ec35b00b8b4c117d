import type { ApiUpstream, OperationTerms, Retirement, UpstreamCare } from './entry.ts'
import { isRecord } from './json.ts'
import type { OperationDecision } from './product-operations.ts'
import type { Deprecation } from './product-retirement.ts'
import type { UpstreamDecision } from './product-upstream.ts'

/**
 * Where an environment is served from, without its deadline: an address alone, `simulated`, `platform`, or everything that was
 * decided. A text stays a text, so that what an older compiler stored is read the same way.
 */
export type CompiledUpstream = string | UpstreamDecision

/** @returns undefined when every term is the default */
export function compileTerms(decision: OperationDecision | undefined): OperationTerms | undefined {
  if (decision === undefined || Object.keys(decision).length === 0) return undefined
  const { masks, ...rest } = decision
  return { ...rest, ...(masks !== undefined && { masks: masks.map(withGrid) }) }
}

/** A mask as it is compiled of what a manifest says; what is no mask stays what it is. */
export const withGrid = <Mask>(mask: Mask): Mask =>
  isRecord(mask) && mask.action === 'coarsen' ? { gridMetres: 1_000, ...mask } : mask

/** Instants in one spelling, whatever zone they were written in. */
export function compileRetirement(deprecation: Deprecation | undefined): Retirement | undefined {
  if (deprecation === undefined) return undefined
  const { deprecatedAt, sunsetAt, successor } = deprecation
  return {
    ...(deprecatedAt !== undefined && { deprecatedAt: new Date(deprecatedAt).toISOString() }),
    ...(sunsetAt !== undefined && { sunsetAt: new Date(sunsetAt).toISOString() }),
    ...(successor !== undefined && { successor }),
  }
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '')

/** What a gateway needs of it, every default said. */
export function toUpstream(
  source: CompiledUpstream | undefined,
  environment: 'sandbox' | 'production',
  timeoutMs: number,
): ApiUpstream {
  if (source === undefined) return { kind: 'none', timeoutMs }
  // The manifest's schema refuses it too: the simulated operator has no place in production.
  if (source === 'simulated')
    return { kind: environment === 'sandbox' ? 'simulated' : 'none', timeoutMs }
  if (source === 'platform') return { kind: 'platform', timeoutMs }
  if (typeof source === 'string')
    return { kind: 'http', targets: [{ url: withoutSlash(source) }], timeoutMs }
  if ('function' in source)
    return { kind: 'function', function: source.function, timeoutMs, ...careOf(source) }
  const targets = source.targets.map((target) => ({ ...target, url: withoutSlash(target.url) }))
  return { kind: 'http', targets, timeoutMs, ...careOf(source) }
}

function careOf({ health, breaker, canary, shadow }: UpstreamDecision): UpstreamCare {
  return {
    ...(health && {
      health: { intervalSeconds: 10, timeoutMs: 2_000, unhealthyAfter: 3, ...health },
    }),
    ...(breaker && { breaker: { failures: 5, openSeconds: 30, ...breaker } }),
    ...(canary && {
      canary: { maxErrorPercent: 5, minCalls: 50, ...canary, url: withoutSlash(canary.url) },
    }),
    ...(shadow && {
      shadow: { ignore: [], tolerances: {}, ...shadow, url: withoutSlash(shadow.url) },
    }),
  }
}
