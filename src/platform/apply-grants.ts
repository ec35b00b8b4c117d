import { type Client, escapeIdentifier } from 'pg'
import type { DatabaseGrants, DatabaseRole, TablePrivilege } from './declared-grants.ts'

/** Who may do what, each as it stands between `grant` and `to`. */
type Held = Map<string, Set<string>>

/**
 * Gives these roles exactly what is declared, and everybody else nothing. Takes what is declared no more: what the version
 * before needs while both serve stays declared for one release.
 * @param names the role of the product by the name of its database role
 */
export async function applyGrants(
  owner: Client,
  grants: DatabaseGrants,
  names: ReadonlyMap<string, DatabaseRole>,
): Promise<void> {
  const schemas = Object.keys(grants)
  const wanted = wantedGrants(grants, names, await readFunctions(owner, schemas))
  const present = await readGrants(owner, schemas, [...names.keys()])
  for (const [name, grantee] of [['', 'public'], ...[...names.keys()].map(quoted)] as const) {
    const should = wanted.get(name) ?? new Set()
    const has = present.get(name) ?? new Set()
    for (const grant of should.difference(has)) await owner.query(`grant ${grant} to ${grantee}`)
    for (const grant of has.difference(should)) await owner.query(`revoke ${grant} from ${grantee}`)
  }
}

const quoted = (name: string): [string, string] => [name, escapeIdentifier(name)]

function wantedGrants(
  grants: DatabaseGrants,
  names: ReadonlyMap<string, DatabaseRole>,
  functions: ReadonlyMap<string, readonly string[]>,
): Held {
  const wanted: Held = new Map([...names.keys()].map((name) => [name, new Set()]))
  const give = (role: DatabaseRole, schema: string, grant: string): void => {
    for (const [name, its] of names) {
      if (its !== role) continue
      wanted
        .get(name)
        ?.add(grant)
        .add(`usage on schema ${escapeIdentifier(schema)}`)
    }
  }
  for (const [schema, declared] of Object.entries(grants)) {
    const place = (name: string): string => `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`
    for (const [table, roles] of Object.entries(declared.tables)) {
      for (const [role, privileges = []] of Object.entries(roles))
        for (const privilege of privileges)
          give(role as DatabaseRole, schema, `${spelled(privilege)} on table ${place(table)}`)
    }
    for (const [sequence, roles] of Object.entries(declared.sequences ?? {}))
      for (const role of roles) give(role, schema, `usage on sequence ${place(sequence)}`)
    for (const [name, roles] of Object.entries(declared.functions ?? {})) {
      const found = functions.get(`${schema}.${name}`)
      if (found === undefined) throw new Error(`there is no function ${schema}.${name} to grant`)
      for (const role of roles)
        for (const one of found) give(role, schema, `execute on routine ${one}`)
    }
  }
  return wanted
}

/** `update(column)` as PostgreSQL wants it. */
function spelled(privilege: TablePrivilege): string {
  const column = /^update\((\w+)\)$/.exec(privilege)?.[1]
  return column === undefined ? privilege : `update (${escapeIdentifier(column)})`
}

const signature = `format('"%s"."%s"(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))`

async function readFunctions(
  owner: Client,
  schemas: readonly string[],
): Promise<Map<string, string[]>> {
  const { rows } = await owner.query<{ name: string; found: string[] }>(
    `select n.nspname || '.' || p.proname as name, array_agg(${signature}) as found
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = any ($1) group by 1`,
    [schemas],
  )
  return new Map(rows.map(({ name, found }) => [name, found]))
}

/** What these roles, and everybody (`''`), may do in these schemas by a grant. */
async function readGrants(
  owner: Client,
  schemas: readonly string[],
  names: readonly string[],
): Promise<Held> {
  const { rows } = await owner.query<{ name: string; grants: string[] }>(
    `with n as (select * from pg_namespace where nspname = any ($1)),
    c as (
      select c.*, n.nspname, case relkind when 'S' then 'sequence' else 'table' end as kind
      from pg_class c join n on n.oid = c.relnamespace where relkind in ('r', 'p', 'v', 'm', 'S', 'f')),
    held as (
      select a.grantee, a.privilege_type, '' as of, format('schema "%s"', n.nspname) as place
      from n, aclexplode(n.nspacl) a
      union all
      select a.grantee, a.privilege_type, '', format('%s "%s"."%s"', c.kind, c.nspname, c.relname)
      from c, aclexplode(c.relacl) a
      union all
      select a.grantee, a.privilege_type, format(' ("%s")', t.attname), format('%s "%s"."%s"', c.kind, c.nspname, c.relname)
      from c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
      union all
      select a.grantee, a.privilege_type, '', 'routine ' || ${signature}
      from pg_proc p join n on n.oid = p.pronamespace,
        aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a)
    select coalesce(r.rolname, '') as name,
      array_agg(lower(held.privilege_type) || held.of || ' on ' || held.place) as grants
    from held left join pg_roles r on r.oid = held.grantee
    where held.grantee = 0 or r.rolname = any ($2) group by 1`,
    [schemas, names],
  )
  return new Map(rows.map(({ name, grants }) => [name, new Set(grants)]))
}
