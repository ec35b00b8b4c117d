import type { ApiEntry, SnapshotOperation } from '#snapshot'
import type { ApiValidators } from './api-validators.ts'
import type { OperationSeries } from './operation-series.ts'

/** One published operation, with everything that its requests need made ready. */
export type Operation = {
  api: ApiEntry
  documented: SnapshotOperation
  /** `sim-swap/v2 checkSimSwap` */
  name: string
  validators: ApiValidators
  metrics: OperationSeries
}
