import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import { lockFor } from '#platform/database'
import { randomText } from '#platform/ids'
import type { SealedColumn } from '#platform/keys/reseal'
import type { Platform } from '#platform/module'
import { wrappedKeyContext } from './subject-keys.ts'
import type { AuditTables, KeyRow } from './tables.ts'
import { keyId } from './verify.mjs'

/** The key that speaks for the log. */
export type LogKey = {
  id: string
  origin: string
  /** as C2SP signed-note writes a verifier's key */
  publicKey: string
  /** @returns the note: the text and a signature (C2SP signed-note) */
  sign(text: string): string
}

type KeyPlatform = Pick<Platform, 'sealing' | 'clock'>

export const logKeyContext = (id: string): string => `audit.signing_key.sealed_private_key.${id}`

/** What this module keeps sealed for long. @public */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'audit.signing_key',
    column: 'sealed_private_key',
    key: ['id'],
    context: ({ id = '' }) => logKeyContext(id),
  },
  {
    table: 'audit.subject',
    column: 'wrapped_key',
    key: ['environment', 'pseudonym'],
    context: ({ environment = '', pseudonym = '' }) =>
      wrappedKeyContext({ environment, pseudonym }),
    kind: 'data-key',
  },
]

/** The newest key, or a certain one; the first one is made when there is none. */
export async function logKey(
  trx: Transaction<AuditTables>,
  { sealing, clock }: KeyPlatform,
  publicKey?: string,
): Promise<LogKey> {
  await lockFor(trx, 'audit.signing_key')
  const row = (await newestKey(trx, publicKey)) ?? (await insertKey(trx, { sealing, clock }))
  const privateKey = createPrivateKey(sealing.open(row.sealed_private_key, logKeyContext(row.id)))
  return {
    id: row.id,
    origin: row.origin,
    publicKey: row.public_key,
    sign(text) {
      const signature = Buffer.concat([
        Buffer.from(row.id, 'hex'),
        sign(null, Buffer.from(text), privateKey),
      ])
      return `${text}\n\u2014 ${row.origin} ${signature.toString('base64')}\n`
    },
  }
}

export const newestKey = (db: Kysely<AuditTables>, publicKey?: string) =>
  db
    .selectFrom('audit.signing_key')
    .selectAll()
    .$if(publicKey !== undefined, (query) => query.where('public_key', '=', publicKey ?? ''))
    .orderBy('made_at', 'desc')
    .limit(1)
    .executeTakeFirst()

/** A key of this log, or the first one of a new log. */
export async function insertKey(
  trx: Kysely<AuditTables>,
  { sealing, clock }: KeyPlatform,
  before?: KeyRow,
): Promise<KeyRow> {
  // Two installations never have one name: a checkpoint of one is never taken for one of the other.
  const origin = before?.origin ?? `wayleave-evidence/${randomText(20)}`
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const id = keyId(origin, raw)
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' })
  // The newest one signs, also where the clock was set back.
  const madeAt = Math.max(clock.now().getTime(), (before?.made_at.getTime() ?? 0) + 1)
  return await trx
    .insertInto('audit.signing_key')
    .values({
      id,
      origin,
      public_key: `${origin}+${id}+${Buffer.concat([Buffer.of(1), raw]).toString('base64')}`,
      sealed_private_key: sealing.seal(pem.toString(), logKeyContext(id)),
      made_at: new Date(madeAt),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}
