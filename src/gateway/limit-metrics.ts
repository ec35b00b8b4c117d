import { Gauge, type Registry } from 'prom-client'
import type { LimitNode } from './limit-node.ts'

const modes = ['alone', 'shared', 'waiting', 'local'] as const

/** How this process decides about limits: `local` is the one to be told of, for the store does not answer. */
export function createLimitMetrics(registry: Registry, node: LimitNode): void {
  const registers = [registry]
  new Gauge({
    name: 'wayleave_gateway_limit_mode',
    help: 'Processes by how they decide about limits: alone, by shared leases, waiting for another, or by local shares.',
    labelNames: ['mode'] as const,
    registers,
    collect() {
      for (const mode of modes) this.set({ mode }, node.mode === mode ? 1 : 0)
    },
  })
  new Gauge({
    name: 'wayleave_gateway_limit_members',
    help: 'Gateway processes that share the limits, this one included.',
    aggregator: 'max',
    registers,
    collect() {
      this.set(node.members)
    },
  })
}
