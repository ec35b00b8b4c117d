import type { Actor } from '#audit'
import { type Environment, environments } from '#platform/config'
import type { Database } from '#platform/database'
import type { Platform } from '#platform/module'
import { forgetExpiredArtifacts } from './artifact-store.ts'
import { forgetExpiredPolls } from './ciba-poll.ts'
import { ensureKeys } from './ensure-keys.ts'
import { retireOldKeys, rotateKeys } from './rotate-keys.ts'
import type { PublicJwk } from './signing-key.ts'
import { forgetExpiredAssertions, listLiveKeys } from './store.ts'
import type { AuthorizationTables } from './tables.ts'

/** A key that access tokens of an environment may be signed with, as a gateway's snapshot holds it. @public */
export type SigningKeyEntry = { kind: 'key'; id: string; issuer: string; jwk: PublicJwk }

/** @public */
export interface Authorization {
  /** The public keys of the next, the current and the previous state; made now if there are none yet. */
  keyEntries(environment: Environment): Promise<SigningKeyEntry[]>
  /** @returns the kid that signs from now on */
  rotateKeys(environment: Environment, actor: Actor): Promise<string>
  /** The periodic job; any number of processes may run it, once a minute is plenty. */
  maintain(): Promise<void>
}

const rotateAfterMs = 90 * 86_400_000
const batch = 10_000

/** The control side of the authorization servers: their keys and what they leave behind. @public */
export function createAuthorization(platform: Platform): Authorization {
  const { config, clock } = platform
  const db: Database<AuthorizationTables> = platform.database.as()

  const rotateWhenDue = async (environment: Environment): Promise<void> => {
    const before = new Date(clock.now().getTime() - rotateAfterMs)
    const keys = await listLiveKeys(db, environment)
    const since = keys.find(({ state }) => state === 'current')?.currentAt
    if (since == null || since >= before) return
    await rotateKeys(platform, environment, { kind: 'system', id: 'key-rotation' }, before)
  }

  return {
    async keyEntries(environment) {
      await ensureKeys(platform, environment)
      const keys = await listLiveKeys(db, environment)
      const issuer = `${config.authorization.url}/${environment}`
      return keys.map(({ kid, publicJwk }) => ({ kind: 'key', id: kid, issuer, jwk: publicJwk }))
    },
    rotateKeys: (environment, actor) => rotateKeys(platform, environment, actor),
    async maintain() {
      for (const environment of environments) {
        await rotateWhenDue(environment)
        await retireOldKeys(platform, environment)
      }
      while ((await forgetExpiredAssertions(db, clock.now(), batch)) === batch);
      while ((await forgetExpiredArtifacts(db, clock.now(), batch)) === batch);
      while ((await forgetExpiredPolls(db, clock.now(), batch)) === batch);
    },
  }
}
