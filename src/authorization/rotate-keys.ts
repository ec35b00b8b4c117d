import { type Actor, recordAction } from '#audit'
import type { Environment } from '#platform/config'
import { type Database, lockFor } from '#platform/database'
import { announceKeys, ensureKeys, type KeyPlatform, lockName } from './ensure-keys.ts'
import { newSigningKey, publicPart, sealKey } from './signing-key.ts'
import { demoteCurrentKey, insertKey, listLiveKeys, promoteNextKey, retireKeys } from './store.ts'
import type { AuthorizationTables } from './tables.ts'

/** RFC 9068 tokens live this long; no verifier may forget a key earlier. */
export const tokenLifetimeSeconds = 600
/** Those on behalf of a subscriber. */
export const subscriberTokenSeconds = 300

/** Covers a server that learns of a rotation late, clocks that differ, and verifiers that cache the JWKS. */
const retireMarginSeconds = 300

/**
 * The published next key begins to sign, the one that signed only verifies from now on, and a new next key is
 * published. Every verifier has known the key since it became the next one, so no call fails.
 * @param signsSinceBefore rotate only if the present key has signed since before this: the check is made under the
 *   lock, so that two processes that find it due rotate once
 * @returns the kid that signs from now on
 */
export async function rotateKeys(
  platform: KeyPlatform,
  environment: Environment,
  actor: Actor,
  signsSinceBefore?: Date,
): Promise<string> {
  const { outbox, sealing, clock } = platform
  await ensureKeys(platform, environment)
  const next = await newSigningKey()
  const db: Database<AuthorizationTables> = platform.database.as()
  return await db.transaction().execute(async (trx) => {
    await lockFor(trx, lockName(environment))
    const present = (await listLiveKeys(trx, environment)).find((key) => key.state === 'current')
    if (present?.currentAt != null && signsSinceBefore !== undefined) {
      if (present.currentAt >= signsSinceBefore) return present.kid
    }
    const at = clock.now()
    await demoteCurrentKey(trx, environment, at)
    const kid = await promoteNextKey(trx, environment, at)
    if (kid === undefined) throw new Error(`there is no next signing key in ${environment}`)
    const sealedPrivateJwk = sealKey(sealing, environment, next)
    const publicJwk = publicPart(next)
    await insertKey(trx, { environment, state: 'next', publicJwk, sealedPrivateJwk, at })
    await recordAction(outbox, trx, {
      actor,
      action: 'signing-key.rotated',
      target: kid,
      detail: { environment },
    })
    await announceKeys(outbox, trx, environment)
    return kid
  })
}

/** Takes keys out of the JWKS once the last token that they signed has expired. */
export async function retireOldKeys(
  platform: KeyPlatform,
  environment: Environment,
): Promise<string[]> {
  const db: Database<AuthorizationTables> = platform.database.as()
  const before = new Date(
    platform.clock.now().getTime() - (tokenLifetimeSeconds + retireMarginSeconds) * 1_000,
  )
  return await db.transaction().execute(async (trx) => {
    const kids = await retireKeys(trx, environment, before)
    if (kids.length > 0) await announceKeys(platform.outbox, trx, environment)
    return kids
  })
}
