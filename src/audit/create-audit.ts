import type { Transaction } from 'kysely'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { Subscriber } from '#platform/outbox'
import { createAuditRoutes } from './audit-routes.ts'
import type { CheckpointSink } from './checkpoint-sink.ts'
import { makeCheckpoint } from './checkpoints.ts'
import { exportBundle, type LeafName } from './export-bundle.ts'
import { type ActionPayload, actionEvent } from './record-action.ts'
import { append } from './store.ts'
import type { AuditTables } from './tables.ts'
import { type ChainHead, type ChainReport, verifyChain } from './verify-chain.ts'
import { type LogReport, verifyLog } from './verify-log.ts'

/** @public */
export interface Audit {
  subscriber: Subscriber
  routes: Routes
  /** Walks the chain and says where it breaks; `known` is an end of it that was written down earlier. */
  verify(known?: ChainHead): Promise<ChainReport>
  /** Walks the whole log, and compares it with the checkpoints in the database and in the sinks. */
  verifyLog(): Promise<LogReport>
  /**
   * Signs and exports a checkpoint when one is due; `now` takes whatever is new.
   * @throws ContradictionError when the log is not a continuation of what was signed or exported
   */
  checkpoint(options?: { now?: boolean }): Promise<void>
  /** One file that proves one leaf; what is new is signed and exported first. */
  exportBundle(name: LeafName): Promise<string | undefined>
}

/** @public */
export function createAudit(
  platform: Pick<Platform, 'database' | 'sealing' | 'clock'>,
  options: { sinks?: readonly CheckpointSink[] } = {},
): Audit {
  const { sinks = [] } = options
  return {
    subscriber: {
      name: 'audit',
      types: [actionEvent],
      async handle(trx, event) {
        const { actorKind, actorId, via, partnerId, action, target, detail } =
          event.payload as ActionPayload
        await append(trx as unknown as Transaction<AuditTables>, {
          event_id: event.id,
          occurred_at: event.occurredAt,
          actor_kind: actorKind,
          actor_id: actorId,
          via,
          partner_id: partnerId,
          action,
          target,
          detail,
        })
      },
    },
    routes: createAuditRoutes(platform.database),
    verify: (known) => verifyChain(platform.database.as<AuditTables>(), known),
    verifyLog: () => verifyLog(platform.database.as<AuditTables>(), sinks),
    checkpoint: (when) => makeCheckpoint(platform, sinks, when),
    async exportBundle(name) {
      const signed = await exportBundle(platform, name)
      if (signed !== undefined) return signed
      await makeCheckpoint(platform, sinks, { now: true })
      return await exportBundle(platform, name)
    },
  }
}
