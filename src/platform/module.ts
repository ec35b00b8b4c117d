import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { DatabasePool } from './database.ts'
import type { NewId } from './ids.ts'
import type { Log } from './log.ts'
import type { Outbox } from './outbox.ts'
import type { Sealing } from './sealing.ts'

/**
 * What the composition gives to each module of the control side.
 * @public
 */
export type Platform = {
  config: Config
  database: DatabasePool
  outbox: Outbox
  sealing: Sealing
  newId: NewId
  clock: Clock
  log: Log
}
