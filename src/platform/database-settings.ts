import type { DatabaseRole } from './declared-grants.ts'
import { postgresUrl, setting } from './setting-parsers.ts'

const addressOf = (process: string) =>
  setting(
    `what ${process} connects to PostgreSQL by, as a role of its own that somebody else made; without it Wayleave makes one (docs/guides/database.md)`,
    postgresUrl,
    true,
  )

/** Where the data is, and whom each process connects as. */
export const databaseSettings = {
  DATABASE_URL: setting(
    'another PostgreSQL >= 15 instead of the embedded one, as the owner of its database; for one process, what `./wayleave migrate --roles` prints',
    postgresUrl,
    true,
  ),
  DATABASE_URL_CONTROL: addressOf('control'),
  DATABASE_URL_AUTHORIZATION: addressOf('the authorization servers'),
  DATABASE_URL_GATEWAY_PRODUCTION: addressOf('gateways of production'),
  DATABASE_URL_GATEWAY_SANDBOX: addressOf('gateways of the sandbox'),
  DATABASE_URL_SANDBOX: addressOf('the simulated operator'),
} as const

/**
 * The setting that gives the address of each role.
 * @public
 */
export const roleSettings = {
  control: 'DATABASE_URL_CONTROL',
  authorization: 'DATABASE_URL_AUTHORIZATION',
  gateway_production: 'DATABASE_URL_GATEWAY_PRODUCTION',
  gateway_sandbox: 'DATABASE_URL_GATEWAY_SANDBOX',
  simulator: 'DATABASE_URL_SANDBOX',
} as const satisfies Record<DatabaseRole, keyof typeof databaseSettings>

export type DatabaseUrls = Partial<Record<DatabaseRole, string>>

export function databaseUrlsOf(
  values: Partial<Record<(typeof roleSettings)[DatabaseRole], string>>,
): DatabaseUrls {
  const given = Object.entries(roleSettings).flatMap(([role, name]) => {
    const url = values[name]
    return url === undefined ? [] : [[role, url]]
  })
  return Object.fromEntries(given)
}
