import type { ApiEntry, SnapshotOperation } from '#snapshot'
import type { ApiValidators } from './api-validators.ts'
import type { OperationMetrics } from './gateway-metrics.ts'

/** One published operation, with everything that its requests need made ready. */
export type Operation = {
  api: ApiEntry
  documented: SnapshotOperation
  /** `sim-swap/v2 checkSimSwap` */
  name: string
  validators: ApiValidators
  metrics: OperationMetrics
}
