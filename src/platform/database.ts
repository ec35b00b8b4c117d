import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import { Pool, types } from 'pg'

// int8 counts and numeric amounts: counts fit a JS number (checked), amounts stay decimal strings.
types.setTypeParser(types.builtins.INT8, (text) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} is beyond a safe integer`)
  return value
})

/** @public */
export type Database<Tables> = Kysely<Tables>
/** @public */
export type Trx<Tables> = Transaction<Tables>

/**
 * The connections of one process to one PostgreSQL database. Each module sees them through its own table types.
 * @public
 */
export interface DatabasePool {
  readonly url: string
  readonly pool: Pool
  as<Tables>(): Database<Tables>
  close(): Promise<void>
}

/** @public */
export function createDatabasePool(
  url: string,
  options: { applicationName: string; max?: number; onError?: (error: Error) => void },
): DatabasePool {
  const pool = new Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
  })
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => options.onError?.(error))
  // One that breaks while it works rejects its query; the event that tells of it too would end the process.
  pool.on('connect', (client) => {
    client.on('error', (error) => options.onError?.(error))
  })
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  return {
    url,
    pool,
    as: <Tables>() => kysely as unknown as Kysely<Tables>,
    close: () => kysely.destroy(),
  }
}

const uniqueViolation = '23505'

/**
 * Whether an error is PostgreSQL's unique violation, optionally of one constraint.
 * @public
 */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (!(error instanceof Error) || !('code' in error) || error.code !== uniqueViolation)
    return false
  return constraint === undefined || ('constraint' in error && error.constraint === constraint)
}

/** Ended for the sake of another transaction (deadlock, serialisation), or tired of waiting for its lock. */
const conflicts = ['40P01', '40001', '55P03']

/**
 * Whether a transaction only met another one: tried anew, it may well go through.
 * @public
 */
export const isConflict = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && conflicts.includes(String(error.code))

/**
 * Serialises transactions that take the same name, until they end.
 * @public
 */
export async function lockFor<T>(trx: Transaction<T>, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx)
}

const stalledAfterMs = 3_000

/**
 * Whoever waits for what this transaction holds does not wait for a process that hangs in it: when nothing more comes
 * for three seconds, PostgreSQL undoes it.
 * @public
 */
export async function endIfStalled<T>(trx: Transaction<T>): Promise<void> {
  await sql`
    select set_config('idle_in_transaction_session_timeout', ${String(stalledAfterMs)}, true)`.execute(
    trx,
  )
}
