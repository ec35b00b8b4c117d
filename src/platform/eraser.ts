import type { Transaction } from 'kysely'
import type { Environment } from './config.ts'

/**
 * How one module forgets somebody, in the transaction of the erasure.
 * @public
 */
export type Eraser = {
  /** every column that they stand in: `schema.table.column` */
  columns: readonly string[]
  /** @returns how many rows of each table it was */
  erase(
    trx: Transaction<unknown>,
    whom: { environment: Environment; pseudonym: string },
  ): Promise<Readonly<Record<string, number>>>
}

/**
 * What everybody is called after an erasure, where a name must stand.
 * @public
 */
export const erasedPseudonym = 'erased'
