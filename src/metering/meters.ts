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

export function createMeters(db: Kysely<MeteringTables>): Meters {
  const known = new Map<string, number>()

  const learn = async (names: readonly string[]): Promise<void> => {
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
    if (known.size + rows.length > remembered) known.clear()
    for (const { ordinal, id } of rows) {
      const name = names[ordinal - 1]
      if (name !== undefined) known.set(name, id)
    }
  }

  return {
    async of(records) {
      const names = records.map(nameOf)
      const missing = new Set(names.filter((name) => !known.has(name)))
      if (missing.size > 0) await learn([...missing])
      return names.map((name) => {
        const id = known.get(name)
        if (id === undefined) throw new Error('a meter that was just made is not there')
        return id
      })
    },
  }
}
