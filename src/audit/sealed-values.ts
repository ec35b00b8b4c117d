import { hash } from 'node:crypto'
import { sql } from 'kysely'
import { arrayLiteral } from '#platform/array-literal'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import type { DataKey } from '#platform/sealing'
import { RecentMap } from './recent-map.ts'
import {
  type KeyEpoch,
  nameOf,
  type SubjectKeys,
  sealedContext,
  type UsedSubject,
} from './subject-keys.ts'
import type { AuditTables } from './tables.ts'

/** The number under which personal values are kept, and what commits to them. */
export type SealedValues = Pick<DataKey, 'keyedHash'> & { id: number }

/** What of one record is personal: canonical JSON, and the pseudonym of whom it is about. */
export type PersonalValues = { pseudonym: string; text: string }

type Missing = PersonalValues & { owner: UsedSubject; digest: string }

type Known = { epoch: KeyEpoch; month: string; sealed: RecentMap<string, SealedValues> }

/** How many values are remembered, at most twice as many: half a kilobyte each. */
const mostKnown = 20_000

/** Seals personal values that many records share, such as all calls with one token, each once. */
export function createValueSealer(
  { database, clock }: Pick<Platform, 'database' | 'clock'>,
  keys: SubjectKeys,
) {
  const db = database.as<AuditTables>()
  const remembered = new Map<Environment, Known>()

  /** Used within one month only: when the exchanges of a month have gone by their age, its values may go too. */
  function knownIn(epoch: KeyEpoch, environment: Environment): Known {
    const month = clock.now().toISOString().slice(0, 7)
    const known = remembered.get(environment)
    if (known?.epoch === epoch && known.month === month) return known
    const fresh = { epoch, month, sealed: new RecentMap<string, SealedValues>(mostKnown) }
    remembered.set(environment, fresh)
    return fresh
  }

  async function sealMissing(
    { epoch, month }: Known,
    environment: Environment,
    values: readonly PersonalValues[],
  ): Promise<[text: string, sealed: SealedValues][]> {
    const subjects = values.map(({ pseudonym }) => ({ environment, pseudonym }))
    const owners = await keys.keysOf(epoch, subjects)
    const missing = values.map(({ pseudonym, text }) => {
      const owner = owners.get(nameOf({ environment, pseudonym }))
      if (owner === undefined) throw keys.destroyed(epoch)
      const digest = owner.keyedHash(`values:${month}:${hash('sha256', text, 'base64url')}`)
      return { pseudonym, text, owner, digest }
    })
    const ids = await idsOf(environment, missing).catch((error: unknown) => {
      if (isForeignKeyViolation(error)) throw keys.destroyed(epoch)
      throw error
    })
    return missing.map(({ owner, digest, text }) => {
      const id = ids.get(`${owner.id}/${digest}`)
      if (id === undefined) throw keys.destroyed(epoch)
      return [text, { id, keyedHash: owner.keyedHash }]
    })
  }

  async function idsOf(
    environment: Environment,
    missing: readonly Missing[],
  ): Promise<Map<string, number>> {
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
    const sealed = made.map(({ pseudonym, owner, text, digest }) =>
      keys.keyOf({ environment, pseudonym }, owner).seal(text, sealedContext(digest)),
    )
    // Selected from the subjects that are there: one that was erased a moment ago gets nothing; one that is being erased
    // gets an error.
    await sql`
      insert into audit.personal (subject_id, digest, sealed, made_at)
      select s.id, one.digest, one.sealed, ${clock.now()}
      from unnest(${arrayLiteral(made.map(({ owner }) => owner.id))}::bigint[],
        ${arrayLiteral(made.map(({ digest }) => digest))}::text[], ${arrayLiteral(sealed)}::text[])
        as one (subject_id, digest, sealed)
      join audit.subject s on s.id = one.subject_id
      order by 1, 2 on conflict do nothing`.execute(db)
    return await find()
  }

  return {
    /** @returns what became of each, in their order; undefined for what is undefined */
    async seal(
      epoch: KeyEpoch,
      environment: Environment,
      values: readonly (PersonalValues | undefined)[],
    ): Promise<(SealedValues | undefined)[]> {
      const known = knownIn(epoch, environment)
      const missing = new Map<string, PersonalValues>()
      const found = values.map((one) => {
        const sealed = one && known.sealed.get(one.text)
        if (one !== undefined && sealed === undefined) missing.set(one.text, one)
        return sealed
      })
      if (missing.size === 0) return found
      const made = new Map(await sealMissing(known, environment, [...missing.values()]))
      for (const [text, sealed] of made) known.sealed.set(text, sealed)
      return values.map((one, i) => found[i] ?? (one && made.get(one.text)))
    },
  }
}

const isForeignKeyViolation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '23503'
