import { type Kysely, sql } from 'kysely'
import type { JournalRecord } from '#journal'
import { arrayLiteral } from '#platform/array-literal'
import type { MeteringTables } from './tables.ts'

/** Numbers of the combinations that exchanges are counted under. */
export interface Meters {
  /** The meter of each record, made when it is new. Meters are never changed, so they need no transaction. */
  of(records: readonly JournalRecord[]): Promise<number[]>
}

const remembered = 200_000

// No field holds a NUL (checked before), so two different keys never read the same.
const nameOf = (r: JournalRecord): string =>
  `${r.environment}\0${r.partnerId ?? ''}\0${r.applicationId ?? ''}\0${r.credentialId ?? ''}\0${r.contractId ?? ''}\0${r.apiId ?? ''}\0${r.operationId ?? ''}\0${r.method}\0${r.priceId ?? ''}`

/** @param most how many are remembered */
export function createMeters(db: Kysely<MeteringTables>, most = remembered): Meters {
  const known = new Map<string, number>()

  const learn = async (names: readonly string[]): Promise<Map<string, number>> => {
    const keys = names.map((name) => name.split('\0'))
    const column = (index: number) => arrayLiteral(keys.map((key) => key[index] ?? ''))
    const columns = sql.raw(
      'environment, partner_id, application_id, credential_id, contract_id, api_id, operation_id, method, price_id',
    )
    const input = sql`unnest(${column(0)}::metering.environment[], ${column(1)}::text[], ${column(2)}::text[],
      ${column(3)}::text[], ${column(4)}::text[], ${column(5)}::text[], ${column(6)}::text[], ${column(7)}::text[],
      ${column(8)}::text[]) with ordinality as k (${columns}, ordinal)`
    await sql`
      insert into metering.meter (${columns}) select ${columns} from ${input} order by ${columns}
      on conflict do nothing`.execute(db)
    const { rows } = await sql<{ ordinal: number; id: number }>`
      select ordinal, m.id from ${input} join metering.meter m using (${columns})`.execute(db)
    if (known.size + rows.length > most) known.clear()
    const learnt = new Map(rows.map(({ ordinal, id }) => [names[ordinal - 1] ?? '', id]))
    for (const [name, id] of learnt) known.set(name, id)
    return learnt
  }

  return {
    async of(records) {
      const names = records.map(nameOf)
      // Taken before anything is waited for: what is remembered may be forgotten meanwhile.
      const ids = names.map((name) => known.get(name))
      const missing = new Set(names.filter((_, i) => ids[i] === undefined))
      const learnt = missing.size === 0 ? undefined : await learn([...missing])
      return names.map((name, i) => {
        const id = ids[i] ?? learnt?.get(name)
        if (id === undefined) throw new Error('a meter that was just made is not there')
        return id
      })
    },
  }
}
