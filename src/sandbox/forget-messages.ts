import type { Clock } from '#platform/clock'
import type { DatabasePool } from '#platform/database'
import { deleteOlderThan } from './store.ts'
import type { SandboxTables } from './tables.ts'

const keptMs = 7 * 86_400_000

/** Forgets messages, codes and things that were made after seven days; to be run daily by the control process. */
export async function forgetSandboxMessages(database: DatabasePool, clock: Clock): Promise<void> {
  await deleteOlderThan(database.as<SandboxTables>(), new Date(clock.now().getTime() - keptMs))
}
