import { lockFor } from '#platform/database'
import { randomText } from '#platform/ids'
import type { CheckpointSink } from './checkpoint-sink.ts'
import { type CheckpointPlatform, refuseContradiction, signIn } from './checkpoints.ts'
import { insertKey, logKey, newestKey } from './log-key.ts'
import { append } from './store.ts'
import type { AuditTables } from './tables.ts'
import { keyRotated } from './verify.mjs'

/** @public */
export type LogKeyRotation = { previous: string; key: string }

/**
 * A new key signs from now on; the former ones stay, to verify what they signed. The leaf that names the new key is in a
 * checkpoint that the former key signs, so who knows one key of the log can follow it to all later ones.
 * @throws ContradictionError, for no key vouches for a log that is not what was signed
 */
export async function rotateLogKey(
  platform: CheckpointPlatform,
  sinks: readonly CheckpointSink[],
  actor: { kind: 'operator' | 'system'; id: string },
): Promise<LogKeyRotation> {
  const db = platform.database.as<AuditTables>()
  await refuseContradiction(db, sinks)
  return await db.transaction().execute(async (trx) => {
    // Before the keys, as whoever signs does.
    await lockFor(trx, 'audit.checkpoint')
    // The first key is made here when there is none; the lock of the keys is held from here on.
    const former = await logKey(trx, platform)
    const key = await insertKey(trx, platform, await newestKey(trx, former.publicKey))
    const tell = (action: string, detail: Readonly<Record<string, string>>): Promise<void> =>
      append(trx, {
        ...{ event_id: `evt_${randomText(20)}`, occurred_at: platform.clock.now() },
        ...{ actor_kind: actor.kind, actor_id: actor.id, via: null, partner_id: null },
        ...{ action, target: key.id, detail },
      })
    const madeAt = key.made_at.toISOString()
    await tell(keyRotated, { key: key.public_key, previous: former.publicKey, madeAt })
    await signIn(trx, platform, former)
    // A checkpoint has something new: with this leaf the new key signs at once, and what is exported now carries it.
    await tell('evidence-key.in-use', { key: key.public_key })
    await signIn(trx, platform, await logKey(trx, platform, key.public_key))
    return { previous: former.publicKey, key: key.public_key }
  })
}
