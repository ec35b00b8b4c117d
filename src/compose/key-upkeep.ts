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

/** After a pass that could do nothing about what is left, the tables are not read through again for so long. */
const restMs = 3_600_000

/** Turns of the upkeep: a new data key when it is time, then what former ones sealed is sealed anew. */
export function createKeyUpkeep(platform: Platform & { keys: InstallationKeys }): {
  turn(signal: AbortSignal): Promise<void>
} {
  const { clock, log, config } = platform
  const use = keyUse(platform, { kind: 'system', id: 'data-keys' })
  let restUntil = 0
  return {
    async turn(signal) {
      try {
        const rotation = await rotateDataKey(use, { due: dueAfter(config.keys.dataKeyDays) })
        if (rotation.rotated) log.info({ id: rotation.current }, 'a new data key seals from now on')
      } catch (error) {
        // The key service is away: sealing goes on with the key that is there.
        log.warn({ err: error }, 'no new data key could be made; tried again in a minute')
      }
      if (clock.now().getTime() < restUntil) return
      const { resealed, left, retired } = await resealValues(use, sealedColumns, { signal })
      if (resealed > 0)
        log.info({ records: resealed }, 'values are sealed with the present data key')
      for (const id of retired) log.info({ id }, 'a former data key is retired')
      if (left === 0 || resealed > 0) return
      restUntil = clock.now().getTime() + restMs
      log.warn(
        { records: left },
        'sealed values do not open and stay as they are: `wayleave keys status` tells where',
      )
    },
  }
}
