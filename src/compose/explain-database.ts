import type { Config } from '#platform/config'
import { connectionBudget } from './connection-budget.ts'

/** A fault of the database as a sentence with what to do; anything else as it is. */
export function explainDatabase(config: Config, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = 'code' in error ? error.code : undefined
  const because = (message: string): Error => new Error(message, { cause: error })
  const embedded = config.databaseUrl === undefined
  switch (code) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return because(unreachable(config, String(code)))
    case '28P01':
    case '28000':
      return because(
        embedded
          ? `another PostgreSQL answers on port ${config.postgresPort}: set PORT_BASE or WAYLEAVE_DATA_DIR as Wayleave was started with`
          : `the server refuses who connects (${error.message}): check user and password of DATABASE_URL, or run \`./wayleave migrate\`, which makes the role of each process`,
      )
    case '3D000':
      return because(`DATABASE_URL names a database that does not exist (${error.message})`)
    case '42501':
      return because(
        `the database refuses what this process needs (${error.message}): who migrates must be the owner, and each process is started with the role that is its own (\`./wayleave migrate --roles\`)`,
      )
    case '53300':
      return because(
        `the database has no connection left: raise max_connections (the product uses up to ${connectionBudget(config)})`,
      )
    case '42P01':
    case '3F000':
      return because('the database is not migrated: run `./wayleave migrate`')
    default:
      return /^(timeout expired|Connection terminated)/.test(error.message)
        ? because(unreachable(config, error.message))
        : error
  }
}

const unreachable = (config: Config, reason: string): string =>
  `the database cannot be reached (${reason}). ${
    config.databaseUrl === undefined
      ? `Wayleave does not run on ${config.dataDir} and port ${config.postgresPort}: start it with \`npm start\`, or set PORT_BASE, WAYLEAVE_DATA_DIR or DATABASE_URL as it was started`
      : 'Check host and port of DATABASE_URL, and that the server runs'
  }`
