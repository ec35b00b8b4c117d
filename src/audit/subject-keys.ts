import { hash } from 'node:crypto'
import { type Kysely, sql, type Transaction } from 'kysely'
import { arrayLiteral } from '#platform/array-literal'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import type { DataKey } from '#platform/sealing'
import type { Opened, Subject } from './evidence.ts'
import { RecentMap } from './recent-map.ts'
import type { AuditTables } from './tables.ts'

type Db = Kysely<AuditTables> | Transaction<AuditTables>

/**
 * What is kept in memory of a subject: what commitments are made with, and the key as it is stored. An open key is made of
 * buffers, and ten thousands of those are too many.
 */
type KnownSubject = { id: number; wrapped: string; keyedHash: DataKey['keyedHash'] }

/** A key that was just opened or made is there, too. */
export type UsedSubject = KnownSubject & { key?: DataKey | undefined }

type ReadSubject = { id: number; pseudonym: string; wrapped: string; key: DataKey }

/** Keys that were read while no key was destroyed: what an erasure made stale is never mixed with what was read after. */
export type KeyEpoch = { value: number; subjects: RecentMap<string, KnownSubject> }

/** Opens what is personal for the record of this name, which committed to it. */
export type Opener = (name: string, commitment: unknown) => Opened

/** How many subjects have their keys in memory, at most twice as many: half a kilobyte each. */
const mostKnown = 20_000

/** Keys were destroyed while they were in use: what was prepared with them is to be prepared anew. @public */
export class KeysDestroyed extends Error {
  constructor() {
    super('a subscriber was erased at the same moment')
    this.name = 'KeysDestroyed'
  }
}

export const wrappedKeyContext = ({
  environment,
  pseudonym,
}: Readonly<Record<keyof Subject, string>>): string =>
  `audit.subject.wrapped_key.${environment}.${pseudonym}`

export const sealedContext = (digest: string): string => `audit.personal.sealed.${digest}`

/** The salt is of one record; who has not the key can neither make it nor try values out. */
const saltOf = (key: Pick<DataKey, 'keyedHash'>, name: string): string =>
  key.keyedHash(`salt:${name}`)

/** SHA-256(salt "." values) in hex. */
export const commitmentOf = (
  key: Pick<DataKey, 'keyedHash'>,
  name: string,
  values: string,
): string => hash('sha256', `${saltOf(key, name)}.${values}`, 'hex')

export const nameOf = ({ environment, pseudonym }: Subject): string => `${environment}/${pseudonym}`

export type SubjectKeys = ReturnType<typeof createSubjectKeys>

/** The keys of subscribers, as this process uses them. They are made outside of the transactions that use them. */
export function createSubjectKeys({
  database,
  sealing,
  clock,
}: Pick<Platform, 'database' | 'sealing' | 'clock'>) {
  const db = database.as<AuditTables>()
  let present: KeyEpoch | undefined

  const epoch = async (): Promise<KeyEpoch> => {
    if (present !== undefined) return present
    const value = await readEpoch(db)
    present ??= { value, subjects: new RecentMap(mostKnown) }
    return present
  }

  /** What is in memory is not what is in the database any more. */
  const destroyed = (used: KeyEpoch): KeysDestroyed => {
    if (present === used) present = undefined
    return new KeysDestroyed()
  }

  /** Keys of all these subjects; those that have none get one. */
  async function keysOf(
    { subjects: known }: KeyEpoch,
    subjects: readonly Subject[],
  ): Promise<Map<string, UsedSubject>> {
    const found = new Map<string, UsedSubject>()
    const missing = new Map<Environment, Set<string>>()
    for (const subject of subjects) {
      const name = nameOf(subject)
      const one = known.get(name)
      if (one !== undefined) found.set(name, one)
      else {
        const others = missing.get(subject.environment) ?? new Set()
        missing.set(subject.environment, others.add(subject.pseudonym))
      }
    }
    for (const [environment, pseudonyms] of missing)
      for (const { id, pseudonym, wrapped, key } of await readOrMake(environment, [
        ...pseudonyms,
      ])) {
        const name = nameOf({ environment, pseudonym })
        const { keyedHash } = key
        const one = { id, wrapped, keyedHash }
        known.set(name, one)
        found.set(name, { ...one, key })
      }
    return found
  }

  const keyOf = (subject: Subject, { key, wrapped }: UsedSubject): DataKey =>
    key ?? sealing.openDataKey(wrapped, wrappedKeyContext(subject))

  async function readOrMake(
    environment: Environment,
    pseudonyms: readonly string[],
  ): Promise<ReadSubject[]> {
    const found: ReadSubject[] = []
    let wanted = pseudonyms
    // Again when somebody else made one at the same moment.
    for (let turn = 0; wanted.length > 0; turn += 1) {
      if (turn === 10) throw new KeysDestroyed()
      const { rows } = await sql<{ id: number; pseudonym: string; wrapped_key: string }>`
        select id, pseudonym, wrapped_key from audit.subject
        where environment = ${environment} and pseudonym = any(${arrayLiteral(wanted)}::text[])`.execute(
        db,
      )
      for (const { id, pseudonym, wrapped_key: wrapped } of rows) {
        const context = wrappedKeyContext({ environment, pseudonym })
        found.push({ id, pseudonym, wrapped, key: sealing.openDataKey(wrapped, context) })
      }
      const there = new Set(rows.map(({ pseudonym }) => pseudonym))
      const absent = wanted.filter((pseudonym) => !there.has(pseudonym))
      const made = await makeKeys(environment, absent)
      for (const pseudonym of absent) {
        const own = made.get(pseudonym)
        if (own !== undefined) found.push({ pseudonym, ...own })
      }
      wanted = absent.filter((pseudonym) => !made.has(pseudonym))
    }
    return found
  }

  /** @returns those that nobody else made meanwhile */
  async function makeKeys(
    environment: Environment,
    pseudonyms: readonly string[],
  ): Promise<Map<string, Omit<ReadSubject, 'pseudonym'>>> {
    if (pseudonyms.length === 0) return new Map()
    const made = new Map(
      pseudonyms.map((pseudonym) => [
        pseudonym,
        sealing.newDataKey(wrappedKeyContext({ environment, pseudonym })),
      ]),
    )
    const { rows } = await sql<{ id: number; pseudonym: string }>`
      insert into audit.subject (environment, pseudonym, wrapped_key, made_at)
      select ${environment}, pseudonym, wrapped_key, ${clock.now()}
      from unnest(${arrayLiteral(pseudonyms)}::text[],
        ${arrayLiteral(Array.from(made.values(), ({ wrapped }) => wrapped))}::text[]) as one (pseudonym, wrapped_key)
      order by pseudonym on conflict do nothing returning id, pseudonym`.execute(db)
    return new Map(
      rows.flatMap(({ id, pseudonym }) => {
        const own = made.get(pseudonym)
        return own === undefined ? [] : [[pseudonym, { id, ...own }] as const]
      }),
    )
  }

  return {
    epoch,
    keysOf,
    keyOf,
    destroyed,
    /**
     * In the transaction that writes with the keys, and until it ends: no key is destroyed.
     * @throws KeysDestroyed when one was, since the epoch began
     */
    async hold(trx: Transaction<AuditTables>, used: KeyEpoch): Promise<void> {
      await lockKeys(trx)
      if ((await readEpoch(trx)) === used.value) return
      throw destroyed(used)
    },
    /**
     * Personal values that many records may share, opened once; then of each record, as it committed to them.
     * @param owner.wrapped the key of the subject
     * @throws when they are not what was sealed, or what the commitment says
     */
    opener(
      owner: { subject: Subject; wrapped: string },
      sealed: { text: string; context: string },
    ): Opener {
      const key = sealing.openDataKey(owner.wrapped, wrappedKeyContext(owner.subject))
      const values = key.open(sealed.text, sealed.context)
      return (name, commitment) => {
        if (commitmentOf(key, name, values) !== commitment)
          throw new Error(`the personal values of ${name} are not what its record was made of`)
        return { salt: saltOf(key, name), values }
      }
    },
  }
}

/**
 * No key is destroyed until the transaction ends. Taken before the end of the log is, by whoever appends anything: an
 * erasure that waits between the two would hold up both sides.
 */
export async function lockKeys(trx: Transaction<AuditTables>): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(hashtextextended('audit.key_epoch', 0))`.execute(
    trx,
  )
}

async function readEpoch(db: Db): Promise<number> {
  const { rows } = await sql<{ value: number }>`select value from audit.key_epoch`.execute(db)
  return rows[0]?.value ?? 0
}
