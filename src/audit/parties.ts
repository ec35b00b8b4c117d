import { type Kysely, sql } from 'kysely'
import { arrayLiteral } from '#platform/array-literal'
import type { ExchangeFacts } from './evidence.ts'
import { RecentMap } from './recent-map.ts'
import type { AuditTables } from './tables.ts'

const remembered = 100_000

// No field holds a NUL (the intake checks), so two different keys never read the same.
const nameOf = ({ environment, partnerId, applicationId, apiId, legal }: ExchangeFacts): string =>
  `${environment}\0${partnerId ?? ''}\0${applicationId ?? ''}\0${apiId ?? ''}\0${legal?.basis ?? ''}\0${legal?.purpose ?? ''}`

/** Numbers of who called what, on which basis and for what. They are never changed, so they need no transaction. */
export function createParties(db: Kysely<AuditTables>) {
  const known = new RecentMap<string, number>(remembered)

  async function learn(names: readonly string[]): Promise<Map<string, number>> {
    const keys = names.map((name) => name.split('\0'))
    const column = (index: number) => arrayLiteral(keys.map((key) => key[index] ?? ''))
    const columns = sql.raw('environment, partner_id, application_id, api_id, basis, purpose')
    const input = sql`unnest(${column(0)}::text[], ${column(1)}::text[], ${column(2)}::text[],
      ${column(3)}::text[], ${column(4)}::text[], ${column(5)}::text[]) with ordinality as k (${columns}, ordinal)`
    await sql`
      insert into audit.party (${columns}) select ${columns} from ${input} order by ${columns}
      on conflict do nothing`.execute(db)
    const { rows } = await sql<{ ordinal: number; id: number }>`
      select ordinal, p.id from ${input} join audit.party p using (${columns})`.execute(db)
    return new Map(rows.map(({ ordinal, id }) => [names[ordinal - 1] ?? '', id]))
  }

  return {
    async of(facts: readonly ExchangeFacts[]): Promise<number[]> {
      const names = facts.map(nameOf)
      const missing = [...new Set(names.filter((name) => known.get(name) === undefined))]
      const learnt = missing.length === 0 ? undefined : await learn(missing)
      for (const [name, id] of learnt ?? []) known.set(name, id)
      return names.map((name) => {
        const id = learnt?.get(name) ?? known.get(name)
        if (id === undefined) throw new Error('a party that was just made is not there')
        return id
      })
    },
  }
}
