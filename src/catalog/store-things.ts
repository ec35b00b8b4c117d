import { sql } from 'kysely'
import type { Db } from './store.ts'
import type { ThingsOfApi } from './things-of-apis.ts'

/**
 * What versions that are or were served say of things. One that has ended counts: what was made there is still somebody's.
 * @param names of APIs; every API when it is left out
 */
export async function listThings(db: Db, names?: readonly string[]): Promise<ThingsOfApi[]> {
  const ofThese = names === undefined ? sql`true` : sql`name = any (${[...names]})`
  const { rows } = await sql<ThingsOfApi>`
    select name, (
      select coalesce(json_agg(json_build_object('path', o -> 'path', 'resource', o #> '{terms,resource}')), '[]')
      from json_array_elements(compiled -> 'operations') o where o #> '{terms,resource}' is not null) as rules
    from catalog.api_version where lifecycle <> 'draft' and ${ofThese} order by id`.execute(db)
  return rows
}

/** The other versions of the same API, and the versions of others that may name what it makes. */
export async function listDependents(db: Db, apiId: string): Promise<string[]> {
  const name = apiId.split('/', 1)[0] ?? ''
  const its = `${name}/`
  const { rows } = await sql<{ id: string }>`
    select id from catalog.api_version
    where id <> ${apiId} and lifecycle <> 'draft'
      and (name = ${name} or starts_with(name, ${`${name}-`})
        or exists (select from json_array_elements(compiled -> 'operations') o
          where starts_with(o #>> '{terms,resource,name}', ${its})
            or starts_with(o #>> '{terms,resource,within,name}', ${its})))
    order by id`.execute(db)
  return rows.map(({ id }) => id)
}
