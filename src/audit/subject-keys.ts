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
 * What is kept in memory of a subject: what commitments are made with, the key as it is stored, and the numbers of the
 * personal values that were sealed with it. An open key is made of buffers, and ten thousands of those are too many.
 */
type KnownSubject = {
  id: number
  wrapped: string
  keyedHash: DataKey['keyedHash']
  personal: Map<string, number>
}

/** A key that was just opened or made is there, too. */
type UsedSubject = KnownSubject & { key?: DataKey | undefined }

type ReadSubject = { id: number; pseudonym: string; wrapped: string; key: DataKey }

/** Keys that were read while no key was destroyed: what an erasure made stale is never mixed with what was read after. */
export type KeyEpoch = { value: number; subjects: RecentMap<string, KnownSubject> }

/** Personal values of many records, and the number under which they are kept. */
export type SealedValues = { id: number; commitmentOf(name: string): string }

/** Opens what is personal for the record of this name, which committed to it. */
export type Opener = (name: string, commitment: unknown) => Opened

export type Values = { subject: Subject; values: string }

type Missing = Values & { name: string; owner: UsedSubject; digest: string }

/** How many subjects have their keys in memory, at most twice as many: half a kilobyte each. */
const mostKnown = 20_000
const mostPersonal = 64

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

const sealedWith = (owner: KnownSubject, id: number, values: string): SealedValues => ({
  id,
  commitmentOf: (name) => commitmentOf(owner, name, values),
})

const nameOf = ({ environment, pseudonym }: Subject): string => `${environment}/${pseudonym}`

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
        const one = { id, wrapped, keyedHash, personal: new Map<string, number>() }
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

  /** Seals personal values that many records share, each once. */
  async function sealValues(
    current: KeyEpoch,
    values: ReadonlyMap<string, Values>,
  ): Promise<Map<string, SealedValues>> {
    // Used within one month only: when the exchanges of a month have gone by their age, its values may go too.
    const month = clock.now().toISOString().slice(0, 7)
    const keys = await keysOf(
      current,
      Array.from(values.values(), ({ subject }) => subject),
    )
    const sealed = new Map<string, SealedValues>()
    const missing: Missing[] = []
    for (const [name, one] of values) {
      const owner = keys.get(nameOf(one.subject))
      if (owner === undefined) throw destroyed(current)
      const id = owner.personal.get(`${month} ${one.values}`)
      if (id !== undefined) sealed.set(name, sealedWith(owner, id, one.values))
      else {
        const digest = owner.keyedHash(`values:${month}:${hash('sha256', one.values, 'base64url')}`)
        missing.push({ name, ...one, owner, digest })
      }
    }
    if (missing.length === 0) return sealed
    const ids = await personalIds(missing).catch((error: unknown) => {
      if (isForeignKeyViolation(error)) throw destroyed(current)
      throw error
    })
    for (const { name, owner, digest, values: text } of missing) {
      const id = ids.get(`${owner.id}/${digest}`)
      if (id === undefined) throw destroyed(current)
      if (owner.personal.size >= mostPersonal) owner.personal.clear()
      owner.personal.set(`${month} ${text}`, id)
      sealed.set(name, sealedWith(owner, id, text))
    }
    return sealed
  }

  async function personalIds(missing: readonly Missing[]): Promise<Map<string, number>> {
    const find = async (): Promise<Map<string, number>> => {
      const { rows } = await sql<{ id: number; subject_id: number; digest: string }>`
        select p.id, p.subject_id, p.digest from audit.personal p
        join unnest(${arrayLiteral(missing.map(({ owner }) => owner.id))}::bigint[],
          ${arrayLiteral(missing.map(({ digest }) => digest))}::text[]) as one (subject_id, digest)
          on one.subject_id = p.subject_id and one.digest = p.digest`.execute(db)
      return new Map(rows.map((row) => [`${row.subject_id}/${row.digest}`, row.id]))
    }
    const there = await find()
    const made = missing.filter(({ owner, digest }) => !there.has(`${owner.id}/${digest}`))
    if (made.length === 0) return there
    // Selected from the subjects that are there: one that was erased a moment ago gets nothing; one that is being erased
    // gets an error.
    await sql`
      insert into audit.personal (subject_id, digest, sealed, made_at)
      select s.id, one.digest, one.sealed, ${clock.now()}
      from unnest(${arrayLiteral(made.map(({ owner }) => owner.id))}::bigint[],
        ${arrayLiteral(made.map(({ digest }) => digest))}::text[],
        ${arrayLiteral(made.map((one) => keyOf(one.subject, one.owner).seal(one.values, sealedContext(one.digest))))}::text[])
        as one (subject_id, digest, sealed)
      join audit.subject s on s.id = one.subject_id
      order by 1, 2 on conflict do nothing`.execute(db)
    return await find()
  }

  return {
    epoch,
    keysOf,
    keyOf,
    sealValues,
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

const isForeignKeyViolation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '23503'

async function readEpoch(db: Db): Promise<number> {
  const { rows } = await sql<{ value: number }>`select value from audit.key_epoch`.execute(db)
  return rows[0]?.value ?? 0
}
