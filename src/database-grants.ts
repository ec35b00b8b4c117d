import type { DatabaseGrants } from '#platform/declared-grants'
import { databaseGrants as audit } from './audit/database-grants.ts'
import { databaseGrants as authorization } from './authorization/database-grants.ts'
import { databaseGrants as catalog } from './catalog/database-grants.ts'
import { databaseGrants as consent } from './consent/database-grants.ts'
import { databaseGrants as contracts } from './contracts/database-grants.ts'
import { databaseGrants as gateway } from './gateway/database-grants.ts'
import { databaseGrants as identity } from './identity/database-grants.ts'
import { databaseGrants as metering } from './metering/database-grants.ts'
import { databaseGrants as partners } from './partners/database-grants.ts'
import { databaseGrants as platform } from './platform/database-grants.ts'
import { databaseGrants as sandbox } from './sandbox/database-grants.ts'
import { databaseGrants as snapshot } from './snapshot/database-grants.ts'

/**
 * What each process may do in the database, by module. A table or function that is not named is out of reach for all of
 * them: whoever adds one says here who needs it (docs/decisions/0029-database-roles.md).
 * @public
 */
export const databaseGrants: DatabaseGrants = {
  platform,
  audit,
  authorization,
  catalog,
  consent,
  contracts,
  gateway,
  identity,
  metering,
  partners,
  sandbox,
  snapshot,
}
