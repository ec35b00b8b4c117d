import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import { tell } from './publish-api.ts'
import type { Lifecycle } from './schema.ts'
import { findState, setLifecycle } from './store.ts'
import type { CatalogTables } from './tables.ts'

/** From where to where. Nothing becomes a draft again: partners have seen it. */
const transitions: Readonly<Record<Lifecycle, readonly Lifecycle[]>> = {
  draft: ['published'],
  published: ['deprecated', 'retired'],
  deprecated: ['published', 'retired'],
  // A version that was retired by mistake comes back.
  retired: ['published', 'deprecated'],
}

export const noSuchApi = (): AppError =>
  new AppError('NOT_FOUND', 'There is no such API version in the catalog.')

/**
 * Moves an API version to another state; to the one that it has is no change.
 * @returns the event that tells others, or undefined
 * @throws AppError NOT_FOUND, INCOMPATIBLE_STATE
 */
export async function changeLifecycle(
  platform: Platform,
  apiId: string,
  to: Lifecycle,
  actor: Actor,
): Promise<string | undefined> {
  const db = platform.database.as<CatalogTables>()
  return await db.transaction().execute(async (trx) => {
    await lockFor(trx, `catalog.api ${apiId}`)
    const before = await findState(trx, apiId)
    if (before === undefined) throw noSuchApi()
    const from = before.lifecycle
    if (from === to) return undefined
    if (!transitions[from].includes(to) || apiId.endsWith('/vwip')) {
      throw new AppError('INCOMPATIBLE_STATE', `A version that is ${from} cannot become ${to}.`)
    }
    await setLifecycle(trx, apiId, to)
    await recordAction(platform.outbox, trx, {
      actor,
      action: 'api.lifecycle-changed',
      target: apiId,
      detail: { from, to },
    })
    return await tell(platform, trx, apiId)
  })
}
