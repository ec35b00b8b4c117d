import { type Actor, recordAction } from '#audit'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import { tell } from './publish-api.ts'
import { lifecycleAt } from './retirement.ts'
import { findState, listDue, setLifecycle } from './store.ts'
import type { CatalogTables } from './tables.ts'

const calendar: Actor = { kind: 'system', id: 'calendar' }

/**
 * Moves versions to the state that their dates say: deprecated, then retired. Gateways do not wait for it: each refuses
 * a version from its last moment on.
 * @returns the versions that were moved
 */
export async function retireDue(platform: Platform): Promise<string[]> {
  const db = platform.database.as<CatalogTables>()
  const moved: string[] = []
  for (const { id } of await listDue(db, platform.clock.now())) {
    const done = await db.transaction().execute(async (trx) => {
      await lockFor(trx, `catalog.api ${id}`)
      const now = await findState(trx, id)
      if (now === undefined || now.lifecycle === 'draft' || now.lifecycle === 'retired')
        return false
      const to = lifecycleAt(now, platform.clock.now())
      // Somebody moved it meanwhile, or set other dates.
      if (to === now.lifecycle || to === 'published') return false
      await setLifecycle(trx, id, to, now)
      await recordAction(platform.outbox, trx, {
        actor: calendar,
        action: 'api.lifecycle-changed',
        target: id,
        detail: { from: now.lifecycle, to },
      })
      await tell(platform, trx, id)
      return true
    })
    if (done) moved.push(id)
  }
  return moved
}
