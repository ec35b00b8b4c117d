import type { Environment } from '#platform/config'
import { type Database, lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import { newSigningKey, publicPart, sealKey } from './signing-key.ts'
import { insertKey, listLiveKeys, notifyKeysChanged } from './store.ts'
import type { AuthorizationTables } from './tables.ts'

export type KeyPlatform = Pick<Platform, 'database' | 'outbox' | 'sealing' | 'clock'>

/** Makes the first keys of an environment, once, however many processes start at the same moment. */
export async function ensureKeys(platform: KeyPlatform, environment: Environment): Promise<void> {
  const { outbox, sealing, clock } = platform
  const db: Database<AuthorizationTables> = platform.database.as()
  const complete = async (reader: Parameters<typeof listLiveKeys>[0]): Promise<boolean> =>
    (await listLiveKeys(reader, environment)).some((key) => key.state === 'current')
  if (await complete(db)) return
  const [current, next] = await Promise.all([newSigningKey(), newSigningKey()])
  await db.transaction().execute(async (trx) => {
    await lockFor(trx, lockName(environment))
    if (await complete(trx)) return
    const at = clock.now()
    for (const [state, key] of [
      ['current', current],
      ['next', next],
    ] as const) {
      const sealedPrivateJwk = sealKey(sealing, environment, key)
      await insertKey(trx, { environment, state, publicJwk: publicPart(key), sealedPrivateJwk, at })
    }
    await announceKeys(outbox, trx, environment)
  })
}

export const lockName = (environment: Environment): string =>
  `wayleave.authorization.keys.${environment}`

export async function announceKeys(
  outbox: KeyPlatform['outbox'],
  trx: Parameters<typeof lockFor<AuthorizationTables>>[0],
  environment: Environment,
): Promise<void> {
  await outbox.emit(trx, {
    type: 'signing-key.changed',
    key: environment,
    payload: { environment },
  })
  await notifyKeysChanged(trx, environment)
}
