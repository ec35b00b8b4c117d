import type { Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { Subscriber } from '#platform/outbox'
import { appendEvidence, type EvidencePayload, evidenceEvent } from './append-evidence.ts'
import { createAuditRoutes } from './audit-routes.ts'
import type { CheckpointSink } from './checkpoint-sink.ts'
import { makeCheckpoint, SinkError } from './checkpoints.ts'
import { type EvidenceName, readDossier } from './dossier.ts'
import type { ExchangeEvidence, NewEvidence, SingleEvidence } from './evidence.ts'
import { createEvidenceRoutes } from './evidence-routes.ts'
import { type EvidenceState, readEvidenceState } from './evidence-state.ts'
import type { DescribeExchange } from './exchange-context.ts'
import { type ExportedBundle, exportBundle } from './export-bundle.ts'
import { type ExportPeriod, exportPeriod } from './export-period.ts'
import { readEvidence } from './read-evidence.ts'
import { type OpenedSegments, openedSegments, readExchange } from './read-exchange.ts'
import { type ActionPayload, actionEvent } from './record-action.ts'
import { restingSink } from './resting-sink.ts'
import { type LogKeyRotation, rotateLogKey } from './rotate-log-key.ts'
import { append } from './store.ts'
import type { Story } from './story.ts'
import { createSubjectKeys } from './subject-keys.ts'
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
   * @throws SinkError when a place could not be reached; what it lacks is given to it later
   */
  checkpoint(options?: { now?: boolean }): Promise<void>
  /** Whether the newest checkpoints, here and outside, are still of the log that is there; cheap. */
  state(): Promise<EvidenceState>
  /** A new key signs from now on, and the former one vouches for it. @throws ContradictionError */
  rotateKey(actor: { kind: 'operator' | 'system'; id: string }): Promise<LogKeyRotation>
  /**
   * One file that proves one thing, and what is told of it; what is new is signed and exported first.
   * @returns undefined when nothing is kept of it
   */
  exportBundle(name: EvidenceName): Promise<ExportedBundle | undefined>
  /** All calls about people of a partner in a time, as lines that `verify.mjs` verifies; @see exportPeriod */
  exportPeriod(period: ExportPeriod): AsyncGenerator<string>
  /** The same without proofs, for people: why somebody got something of a subscriber. */
  why(name: EvidenceName): Promise<{ story: Story; partnerId: string | undefined } | undefined>
  /**
   * Appends evidence of one leaf, as late in the transaction as can be: it locks the log until the end. Other processes than
   * control use `recordEvidence`.
   * @returns its position in the log, or undefined when it was there already
   */
  appendEvidence<T>(trx: Transaction<T>, evidence: NewEvidence): Promise<number | undefined>
  /** One call about a person, with both paths to the log. */
  exchangeEvidence(exchangeId: string): Promise<ExchangeEvidence | undefined>
  /** Evidence of one leaf that is not an action, for example of a change of a consent. */
  evidenceOf(kind: string, id: string): Promise<SingleEvidence | undefined>
}

/** @public */
export function createAudit(
  platform: Pick<Platform, 'database' | 'sealing' | 'clock' | 'outbox'>,
  options: {
    sinks?: readonly CheckpointSink[]
    describe?: DescribeExchange
    /** what a subscriber is known by in an environment; without it there are no routes of the evidence */
    pseudonymOf?: (environment: Environment, phoneNumber: string) => string
  } = {},
): Audit {
  const sinks = (options.sinks ?? []).map((sink) => restingSink(sink, platform.clock))
  const db = platform.database.as<AuditTables>()
  const keys = createSubjectKeys(platform)
  const source = { db, keys, describe: options.describe }
  const appending = { keys, clock: platform.clock }
  const exportOne = async (
    name: EvidenceName,
    how?: { withPage?: boolean; opened?: OpenedSegments },
  ): Promise<ExportedBundle | undefined> => {
    const dossier = await readDossier({ ...source, opened: how?.opened }, name)
    if (dossier === undefined) return undefined
    const signed = await exportBundle(platform, dossier, how)
    if (signed !== undefined) return signed
    await makeCheckpoint(platform, sinks, { now: true }).catch((error: unknown) => {
      // It was signed, and that is what a bundle needs.
      if (!(error instanceof SinkError)) throw error
    })
    return await exportBundle(platform, dossier, how)
  }
  const audit: Omit<Audit, 'routes'> = {
    subscriber: {
      name: 'audit',
      types: [actionEvent, evidenceEvent],
      async prepare(events) {
        const told = events.filter(({ type }) => type === evidenceEvent)
        const whom = told.flatMap(
          ({ payload }) => (payload as EvidencePayload).about?.subject ?? [],
        )
        if (whom.length > 0) await keys.keysOf(await keys.epoch(), whom)
      },
      async handle(trx, event) {
        if (event.type === evidenceEvent) {
          const told = event.payload as EvidencePayload
          const evidence = { ...told, at: new Date(told.at) }
          await appendEvidence(appending, trx as unknown as Transaction<AuditTables>, evidence)
          return
        }
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
    verify: (known) => verifyChain(platform.database.as<AuditTables>(), known),
    verifyLog: () => verifyLog({ platform, keys }, sinks),
    checkpoint: (when) => makeCheckpoint(platform, sinks, when),
    state: () => readEvidenceState(platform.database.as<AuditTables>(), sinks),
    rotateKey: (actor) => rotateLogKey(platform, sinks, actor),
    exportBundle: (name) => exportOne(name),
    exportPeriod: (period) => {
      const how = { withPage: false, opened: openedSegments() }
      return exportPeriod(platform, period, (exchange) => exportOne({ exchange }, how))
    },
    why: (name) => readDossier(source, name),
    appendEvidence: (trx, evidence) =>
      appendEvidence(appending, trx as unknown as Transaction<AuditTables>, evidence),
    exchangeEvidence: (id) => readExchange(db, keys, id),
    evidenceOf: (kind, id) => readEvidence(db, keys, kind, id),
  }
  return {
    ...audit,
    async routes(server) {
      await createAuditRoutes(platform.database)(server)
      const { pseudonymOf } = options
      if (pseudonymOf !== undefined)
        await createEvidenceRoutes({ platform, audit, pseudonymOf })(server)
    },
  }
}
