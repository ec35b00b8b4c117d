import type { ApiEntry, SnapshotOperation } from '#snapshot'
import type { OperationSeries } from './observation/operation-series.ts'
import type { ApiValidators } from './payload/api-validators.ts'

/** One published operation, with everything that its requests need made ready. */
export type Operation = {
  api: ApiEntry
  documented: SnapshotOperation
  /** `sim-swap/v2 checkSimSwap` */
  name: string
  validators: ApiValidators
  metrics: OperationSeries
}
