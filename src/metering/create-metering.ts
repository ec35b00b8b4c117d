import { createExchangeLog } from '#audit'
import type { Contracts } from '#contracts'
import type { Environment } from '#platform/config'
import type { Routes } from '#platform/http-server'
import type { InternalHandler } from '#platform/internal-server'
import type { Platform } from '#platform/module'
import { oneAtATime } from '#platform/one-at-a-time'
import { applySegment, type Intake, type IntakeResult, type SegmentClaim } from './apply-segment.ts'
import { createExchangeDays } from './exchange-days.ts'
import { createExchangeRoutes } from './exchange-routes.ts'
import { createIntakeHandler } from './intake-handler.ts'
import { createMeters } from './meters.ts'
import type { DescribeApi } from './present-exchange.ts'
import { createPriceCopies } from './price-copies.ts'
import { readUsage } from './read-usage.ts'
import { reconcile } from './reconcile.ts'
import type { Reconciliation } from './reconciliation.ts'
import type { Usage } from './schema.ts'
import type { MeteringTables } from './tables.ts'
import { createUsageRoutes } from './usage-routes.ts'
import type { UsageFilter } from './usage-store.ts'
import { daysBefore } from './utc-day.ts'
import { createVersionUsageRoutes, partnersUsing } from './version-usage.ts'

/** @public */
export interface Metering {
  routes: Routes
  /** For the internal listener of control, by `METHOD path`. */
  internalHandlers: Readonly<Record<string, InternalHandler>>
  /** Counts one segment of an environment exactly once, whatever is sent again. */
  intake(environment: Environment, claim: SegmentClaim, bytes: Buffer): Promise<IntakeResult>
  usage(filter: UsageFilter): Promise<Usage>
  /** The partners whose applications called an API version since then, in either environment. */
  partnersUsing(apiId: string, since: Date): Promise<string[]>
  /** Proves that the journal, segments, raw records, sums and usage agree. */
  reconcile(options?: { journalFolder?: string | undefined }): Promise<Reconciliation>
  /**
   * At the start of control and each hour: makes room for today and tomorrow, asks again for price versions that were
   * not known, and drops raw records past retention.
   * @returns the days that were dropped
   */
  keepDays(): Promise<string[]>
}

/** Many times what the largest segment needs. */
const longestTurnMs = 10_000

/** @example const metering = createMetering(platform, { contracts }) @public */
export function createMetering(
  platform: Pick<Platform, 'database' | 'clock' | 'log' | 'sealing' | 'config' | 'outbox'>,
  {
    contracts,
    describeApi,
  }: { contracts: Pick<Contracts, 'price'>; describeApi?: DescribeApi | undefined },
): Metering {
  const { clock, config, log, outbox } = platform
  const db = platform.database.as<MeteringTables>()
  const days = createExchangeDays(db)
  const intake: Intake = {
    db,
    clock,
    log,
    outbox,
    days,
    meters: createMeters(db),
    prices: createPriceCopies(db, contracts),
    evidence: createExchangeLog(platform),
    inTurn: oneAtATime(longestTurnMs),
  }
  const apply: Metering['intake'] = (environment, claim, bytes) =>
    applySegment(intake, environment, claim, bytes)
  const usage = (filter: UsageFilter): Promise<Usage> => readUsage(db, config.currency, filter)
  const now = () => clock.now()
  return {
    async routes(server) {
      await createUsageRoutes({ now, read: usage })(server)
      await createVersionUsageRoutes(db, now)(server)
      await createExchangeRoutes({
        db,
        now,
        sealing: platform.sealing,
        describeApi: describeApi ?? (async () => undefined),
        traceUrl: config.traces.url,
      })(server)
    },
    internalHandlers: {
      'POST /internal/v1/journal/segments': createIntakeHandler(apply, platform),
    },
    intake: apply,
    usage,
    partnersUsing: (apiId, since) => partnersUsing(db, apiId, since),
    reconcile: (options) => reconcile({ db, clock, contracts, currency: config.currency }, options),
    async keepDays() {
      const present = clock.now()
      await days.ensure([daysBefore(present, 0), daysBefore(present, -1)])
      await intake.prices.complete()
      return await days.dropExpired(present)
    },
  }
}
