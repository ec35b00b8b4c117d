import type { Environment } from '#platform/config'
import type { DatabasePool } from '#platform/database'
import type { Claim } from './idempotency-claim.ts'

/**
 * What became of a request that had the same key: @see the function `begin_request`
 * @public
 */
export type Begun =
  | { outcome: 'new' | 'running' | 'other' | 'unknown' }
  | { outcome: 'done'; answer: string | undefined }

export type Settlement =
  | { state: 'executing'; leaseMs: number }
  | { state: 'released' | 'unknown' }
  | { state: 'done'; answer: string | undefined }

/** @public */
export type Owner = { applicationId: string; subject: string | undefined }

/**
 * What all gateways of an environment know together of writes and of the things that they made.
 * @public
 */
export interface PayloadStore {
  /** Takes the place of a request, or tells what became of the one that has it. */
  begin(
    claim: Claim,
    request: { fingerprint: string; leaseMs: number; keepSeconds: number; repeatable: boolean },
  ): Promise<Begun>
  /** @returns false when another request has the place by now */
  settle(claim: Claim, settlement: Settlement): Promise<boolean>
  /** @returns false when the thing is somebody else's */
  own(resource: string, idHash: string, owner: Owner): Promise<boolean>
  /** The owners of those that are known, by the hash of their id. */
  ownersOf(resource: string, idHashes: readonly string[]): Promise<ReadonlyMap<string, Owner>>
  /** Notes that a thing of an application is gone. */
  endOwned(resource: string, idHash: string, owner: Owner): Promise<void>
  /** How many things of a kind an application made, for one subscriber where one is named. */
  countOwned(resource: string, owner: Owner): Promise<number>
  /** Whether something could be stored now. @throws when not */
  reachable(): Promise<void>
  stop(): void
}

const answerWithinMs = 1_000
const retryMs = 500
const recentMs = 1_000
const sweepEveryMs = 60_000
const sweptAtOnce = 500

/**
 * The store in PostgreSQL. An answer that does not come within a second counts as a failure; after one, a single call asks
 * on and the others fail at once, so that a database that hangs holds nobody.
 * @param database with the role of this environment's gateway
 * @public
 */
export function createPayloadStore(
  database: DatabasePool,
  environment: Environment,
  monotonicMs: () => number,
): PayloadStore {
  let failedMs: number | undefined
  let probing = false
  let answeredMs = Number.NEGATIVE_INFINITY

  const ask = async <Row extends object>(
    name: string,
    text: string,
    values: unknown[],
  ): Promise<Row[]> => {
    const probe = failedMs !== undefined
    if (failedMs !== undefined && (probing || monotonicMs() - failedMs < retryMs))
      throw new Error('the database does not answer')
    if (probe) probing = true
    try {
      const query = { name: `${environment}-${name}`, text, values }
      const { rows } = await inTime(database.pool.query<Row>(query))
      failedMs = undefined
      answeredMs = monotonicMs()
      return rows
    } catch (error) {
      // An error of a statement is an answer, too; only silence and broken connections mean that nobody is there.
      if (!isAnswer(error)) failedMs = monotonicMs()
      throw error
    } finally {
      if (probe) probing = false
    }
  }

  const sweep = async (): Promise<void> => {
    const statement = `select gateway.sweep_${environment}_requests($1) as swept`
    let swept = sweptAtOnce
    while (swept === sweptAtOnce) {
      const [row] = await ask<{ swept: number }>('sweep', statement, [sweptAtOnce])
      swept = row?.swept ?? 0
    }
  }
  // What is forgotten late does no harm: its place counts as free from its end on.
  const sweeper = setInterval(() => void sweep().catch(() => undefined), sweepEveryMs)
  sweeper.unref()

  const begin = `select outcome, answer from gateway.begin_${environment}_request($1, $2, $3, $4, $5, $6, $7, $8)`
  const settle = `select gateway.settle_${environment}_request($1, $2, $3, $4, $5, $6, $7) as settled`
  const own = `select gateway.own_${environment}_resource($1, $2, $3, $4) as owned`
  const find = `select id_hash, application_id, subject from gateway.find_${environment}_owners($1, $2)`
  const count = `select gateway.count_${environment}_resources($1, $2, $3) as owned`
  const end = `select gateway.end_${environment}_resource($1, $2, $3)`
  return {
    async begin(claim, { fingerprint, leaseMs, keepSeconds, repeatable }) {
      const { applicationId, operation, requestHash, holder } = claim
      const [row] = await ask<{ outcome: Begun['outcome']; answer: string | null }>(
        'begin',
        begin,
        [
          ...[applicationId, operation, requestHash, fingerprint, holder],
          ...[leaseMs, keepSeconds, repeatable],
        ],
      )
      if (row === undefined) throw new Error('the database gave no answer')
      return row.outcome === 'done'
        ? { outcome: 'done', answer: row.answer ?? undefined }
        : { outcome: row.outcome }
    },
    async settle({ applicationId, operation, requestHash, holder }, settlement) {
      const [row] = await ask<{ settled: boolean }>('settle', settle, [
        ...[applicationId, operation, requestHash, holder, settlement.state],
        settlement.state === 'done' ? (settlement.answer ?? null) : null,
        settlement.state === 'executing' ? settlement.leaseMs : 0,
      ])
      return row?.settled === true
    },
    async own(resource, idHash, { applicationId, subject }) {
      const values = [resource, idHash, applicationId, subject ?? null]
      const [row] = await ask<{ owned: boolean }>('own', own, values)
      return row?.owned === true
    },
    async ownersOf(resource, idHashes) {
      type Row = { id_hash: string; application_id: string; subject: string | null }
      const rows = await ask<Row>('find', find, [resource, idHashes])
      return new Map(
        rows.map((row) => [
          row.id_hash,
          { applicationId: row.application_id, subject: row.subject ?? undefined },
        ]),
      )
    },
    async countOwned(resource, { applicationId, subject }) {
      const values = [resource, applicationId, subject ?? null]
      const [row] = await ask<{ owned: number }>('count', count, values)
      return row?.owned ?? 0
    },
    async endOwned(resource, idHash, { applicationId }) {
      await ask('end', end, [resource, idHash, applicationId])
    },
    async reachable() {
      if (failedMs === undefined && monotonicMs() - answeredMs < recentMs) return
      await ask('reach', 'select 1', [])
    },
    stop: () => clearInterval(sweeper),
  }
}

const isAnswer = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  // Classes of SQLSTATE for a server that is away, full, or going down.
  /^(?!08|53|57)[0-9A-Z]{5}$/.test(error.code)

function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error('the database did not answer in time')),
    answerWithinMs,
  )
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}
