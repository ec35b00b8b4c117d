import { type Actor, recordAction } from '#audit'
import type { Trx } from '#platform/database'
import type { InstallationKeys } from '#platform/keys/open-keys'
import { resealValues } from '#platform/keys/reseal'
import { dueAfter, type KeyUse, rotateDataKey } from '#platform/keys/rotate-data-key'
import type { Platform } from '#platform/module'
import { sealedColumns } from './sealed-columns.ts'

/** The ring, with its changes in the evidence. */
export function keyUse(platform: Platform & { keys: InstallationKeys }, actor: Actor): KeyUse {
  const { database, clock, keys, outbox } = platform
  return {
    ...{ database, clock, keys },
    record: <T>(trx: Trx<T>, { action, target, detail }: Parameters<KeyUse['record']>[1]) =>
      recordAction(outbox, trx, { actor, action, target, detail }),
  }
}

/** One turn: a new data key when it is time, then what former ones sealed is sealed anew. */
export async function maintainKeys(
  platform: Platform & { keys: InstallationKeys },
  signal: AbortSignal,
): Promise<void> {
  const { log, config } = platform
  const use = keyUse(platform, { kind: 'system', id: 'data-keys' })
  try {
    const rotation = await rotateDataKey(use, { due: dueAfter(config.keys.dataKeyDays) })
    if (rotation.rotated) log.info({ id: rotation.current }, 'a new data key seals from now on')
  } catch (error) {
    // The key service is away: sealing goes on with the key that is there.
    log.warn({ err: error }, 'no new data key could be made; tried again in a minute')
  }
  const { resealed, left, retired } = await resealValues(use, sealedColumns, { signal })
  if (resealed > 0) log.info({ records: resealed }, 'values are sealed with the present data key')
  if (left > 0)
    log.warn(
      { records: left },
      'sealed values do not open and stay as they are: `wayleave keys status` tells where',
    )
  for (const id of retired) log.info({ id }, 'a former data key is retired')
}
