import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Identifying } from './needs.ts'
import type { IdentityTables } from './tables.ts'

type Db = Kysely<IdentityTables>

const count = 10
/** Digits and letters without those that are read as each other: 5 bits each. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** 80 bits in four groups, to be written down. */
function newCode(): string {
  const letters = [...randomBytes(16)].map((byte) => alphabet[byte % 32]).join('')
  return letters.replace(/(.{4})(?=.)/g, '$1-')
}

/** As typed by somebody who reads it from paper (Crockford's base32). */
const normal = (typed: string): string =>
  typed.toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1')

const hashOf = ({ sealing }: Identifying, personId: string, code: string): string =>
  sealing.keyedHash('recovery-code', `${personId} ${normal(code)}`)

/** Ten new codes in the place of those that were left. They are shown once. */
export async function issueRecoveryCodes(
  identifying: Identifying,
  db: Db,
  personId: string,
): Promise<string[]> {
  await deleteRecoveryCodes(db, personId)
  const codes = Array.from({ length: count }, newCode)
  await db
    .insertInto('identity.recovery_code')
    .values(
      codes.map((code) => ({
        code_hash: hashOf(identifying, personId, code),
        person_id: personId,
      })),
    )
    .execute()
  return codes
}

/** Uses a code up: of any number of simultaneous uses one succeeds. */
export async function takeRecoveryCode(
  identifying: Identifying,
  db: Db,
  personId: string,
  code: string,
): Promise<boolean> {
  const used = await db
    .deleteFrom('identity.recovery_code')
    .where('code_hash', '=', hashOf(identifying, personId, code))
    .where('person_id', '=', personId)
    .executeTakeFirst()
  return used.numDeletedRows > 0n
}

export const countRecoveryCodes = async (db: Db, personId: string): Promise<number> => {
  const { left } = await db
    .selectFrom('identity.recovery_code')
    .where('person_id', '=', personId)
    .select((eb) => eb.fn.countAll<number>().as('left'))
    .executeTakeFirstOrThrow()
  return left
}

export const deleteRecoveryCodes = (db: Db, personId: string) =>
  db.deleteFrom('identity.recovery_code').where('person_id', '=', personId).execute()
