import type {
  GatewayReport,
  GatewayStatus,
  ShadowState,
  TargetState,
  UpstreamState,
  ViolationState,
} from '#monitoring/schema'
import { timeText } from '../../ui/format.ts'

type Environment = GatewayStatus['environment']

/** Whether a gateway is where it should be, in words and in the tone that they are shown in. */
export function gatewayState(gateway: GatewayStatus): {
  text: string
  tone: 'good' | 'warn' | 'bad'
} {
  if (gateway.state === 'gone') return { text: 'gone', tone: 'bad' }
  if (gateway.behind === 0) return { text: 'live', tone: 'good' }
  return { text: `${gateway.behind} behind`, tone: 'warn' }
}

export type TargetRow = TargetState & { gatewayId: string; key: string }

/** An API as all gateways of an environment see its upstream. */
export type ApiUpstreams = {
  api: string
  environment: Environment
  kind: UpstreamState['kind']
  team: string
  contact: string
  targets: TargetRow[]
  /** in words; empty when there is none */
  canary: string[]
  shadow: string
  differences: { operation: string; path: string; kind: string; count: number; lastAt: string }[]
  /** whether every target serves */
  well: boolean
}

export function upstreamsByApi(reports: readonly GatewayReport[]): ApiUpstreams[] {
  const found = new Map<string, { environment: Environment; seen: Seen[] }>()
  for (const { gatewayId, environment, upstreams } of reports) {
    for (const upstream of upstreams) {
      const key = `${environment} ${upstream.api}`
      const entry = found.get(key) ?? { environment, seen: [] }
      entry.seen.push({ gatewayId, upstream })
      found.set(key, entry)
    }
  }
  return [...found.values()]
    .flatMap(({ environment, seen }) => describe(environment, seen))
    .sort((a, b) => Number(a.well) - Number(b.well) || (a.api < b.api ? -1 : 1))
}

type Seen = { gatewayId: string; upstream: UpstreamState }

function describe(environment: Environment, seen: readonly Seen[]): ApiUpstreams[] {
  const [first] = seen
  if (first === undefined) return []
  const targets = seen.flatMap(({ gatewayId, upstream }) =>
    upstream.targets.map((target) => ({
      ...target,
      gatewayId,
      key: `${gatewayId} ${target.side} ${target.name}`,
    })),
  )
  const shadows = seen.flatMap(({ upstream }) => upstream.shadow ?? [])
  const { api, kind, owner } = first.upstream
  return [
    {
      ...{ api, environment, kind, team: owner.team, contact: owner.contact, targets },
      canary: seen.flatMap(({ gatewayId, upstream }) => canaryText(gatewayId, upstream)),
      shadow: shadowText(shadows),
      differences: summed(shadows),
      well: targets.every(({ state }) => state === 'serving'),
    },
  ]
}

function canaryText(gatewayId: string, { canary }: UpstreamState): string[] {
  if (canary === undefined || canary === null) return []
  const { percent, calls, errorPercent, rolledBack } = canary
  const failures = `${errorPercent.toFixed(1)} % of its last ${calls} calls failed`
  return [
    rolledBack === undefined || rolledBack === null
      ? `${gatewayId}: ${percent} % of the calls; ${failures}`
      : `${gatewayId}: taken back ${timeText(rolledBack.at)}; ${failures}`,
  ]
}

function shadowText(shadows: readonly ShadowState[]): string {
  const [first] = shadows
  if (first === undefined) return ''
  const sum = (name: 'same' | 'different' | 'failed' | 'skipped'): number =>
    shadows.reduce((total, shadow) => total + shadow[name], 0)
  return `${first.percent} % of the safe calls: ${sum('same')} the same, ${sum('different')} different, ${sum('failed')} failed, ${sum('skipped')} left out`
}

function summed(shadows: readonly ShadowState[]): ApiUpstreams['differences'] {
  const counts = new Map<string, ApiUpstreams['differences'][number]>()
  for (const { differences } of shadows)
    for (const { operation, path, kind, count, lastAt } of differences) {
      const key = `${operation} ${path} ${kind}`
      const known = counts.get(key)
      if (known === undefined) counts.set(key, { operation, path, kind, count, lastAt })
      else {
        known.count += count
        if (lastAt > known.lastAt) known.lastAt = lastAt
      }
    }
  return [...counts.values()].sort((a, b) => b.count - a.count)
}

/** What all gateways saw of one departure from a document, the most frequent first. */
export function violationsOf(reports: readonly GatewayReport[]): ViolationState[] {
  const found = new Map<string, ViolationState>()
  for (const { environment, violations } of reports)
    for (const violation of violations) {
      const { api, operation, status, keyword, schemaPath, message = '', action } = violation
      const key = [environment, api, operation, status, keyword, schemaPath, message, action].join(
        ' ',
      )
      const known = found.get(key)
      if (known === undefined) found.set(key, { ...violation })
      else {
        known.count += violation.count
        if (violation.lastSeenAt > known.lastSeenAt) known.lastSeenAt = violation.lastSeenAt
        if (violation.firstSeenAt < known.firstSeenAt) known.firstSeenAt = violation.firstSeenAt
      }
    }
  return [...found.values()].sort((a, b) => b.count - a.count)
}
