import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, type Pool } from 'pg'
import type { DatabasePool } from '#platform/database'
import { databaseRoleName, ensureDatabaseRoles } from '#platform/database-roles'
import { type DatabaseRole, databaseRoles, type ModuleGrants } from '#platform/declared-grants'
import { ownInstallation, testDatabase, testPlatform, testRoles } from '#platform/testing'
import { databaseGrants } from '../database-grants.ts'
import { createPlatform } from './create-platform.ts'
import { prepareDatabase } from './prepare-database.ts'

type Context = Parameters<typeof testDatabase>[0]

const schemas = Object.keys(databaseGrants)
const tablePrivileges = [
  'select',
  'insert',
  'update',
  'delete',
  'truncate',
  'references',
  'trigger',
]

const moduleOf = (schema: string): ModuleGrants => {
  const grants = databaseGrants[schema]
  assert.ok(grants !== undefined, schema)
  return grants
}

async function namesOf({ pool }: DatabasePool): Promise<Map<DatabaseRole, string>> {
  const { rows } = await pool.query<{ id: string }>('select id from platform.installation')
  const id = rows[0]?.id ?? ''
  return new Map(databaseRoles.map((role) => [role, databaseRoleName(id, role)]))
}

/** As this role. */
async function connected(t: Context, url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  await client.connect()
  t.after(() => client.end())
  return client
}

test('each role may do with each table what its module declares, and nothing else', async (t) => {
  const database = await testDatabase(t)
  const names = await namesOf(database)
  const { rows: tables } = await database.pool.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition order by 1, 2`,
    [schemas],
  )
  const declared = schemas.flatMap((schema) =>
    Object.keys(moduleOf(schema).tables).map((name) => `${schema}.${name}`),
  )
  assert.deepEqual(
    tables.map(({ schema, name }) => `${schema}.${name}`).sort(),
    declared.sort(),
    'say in database-grants.ts of the module who needs a new table; `{}` for nobody',
  )
  for (const { schema, name } of tables) {
    const wanted = moduleOf(schema).tables[name] ?? {}
    for (const [role, user] of names) {
      const { rows } = await database.pool.query<{ privilege: string }>(
        `select privilege from unnest($3::text[]) as privilege
           where has_table_privilege($1, format('%I.%I', $2::text, $4::text), privilege)
         union all
         select format('update(%s)', attname) from pg_attribute
           where attrelid = format('%I.%I', $2::text, $4::text)::regclass and attnum > 0 and not attisdropped
             and has_column_privilege($1, attrelid, attnum, 'update')
             and not has_table_privilege($1, attrelid, 'update')
         union all
         select format('%s(%s)', privilege, attname) from pg_attribute, unnest(array['select', 'insert', 'references']) as privilege
           where attrelid = format('%I.%I', $2::text, $4::text)::regclass and attnum > 0 and not attisdropped
             and has_column_privilege($1, attrelid, attnum, privilege)
             and not has_table_privilege($1, attrelid, privilege)`,
        [user, schema, tablePrivileges, name],
      )
      const may = rows.map(({ privilege }) => privilege).sort()
      assert.deepEqual(may, [...(wanted[role] ?? [])].sort(), `${role} on ${schema}.${name}`)
    }
  }
})

test('each role may execute the functions that are declared for it, and nobody else any', async (t) => {
  const database = await testDatabase(t)
  const names = await namesOf(database)
  const { rows: functions } = await database.pool.query<{
    schema: string
    name: string
    oid: number
    definer: boolean
    settings: string[] | null
  }>(
    `select n.nspname as schema, p.proname as name, p.oid::int, p.prosecdef as definer, p.proconfig as settings
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = any ($1)`,
    [schemas],
  )
  assert.ok(functions.length > 50)
  for (const { schema, name, oid, definer, settings } of functions) {
    const wanted: readonly DatabaseRole[] = moduleOf(schema).functions?.[name] ?? []
    if (definer)
      assert.ok(
        settings?.includes('search_path=pg_catalog, pg_temp'),
        `${schema}.${name} runs as its owner with names that the caller could lead elsewhere`,
      )
    for (const [role, user] of names) {
      const { rows } = await database.pool.query<{ may: boolean }>(
        `select has_function_privilege($1, $2::oid, 'execute') as may`,
        [user, oid],
      )
      assert.equal(rows[0]?.may, wanted.includes(role), `${role} and ${schema}.${name}`)
    }
  }
})

test('no role owns, makes or may become anything', async (t) => {
  const database = await testDatabase(t)
  const names = await namesOf(database)
  for (const [role, user] of names) {
    const { rows } = await database.pool.query<Record<string, unknown>>(
      `select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as powerful,
        (select count(*)::int from pg_auth_members where member = r.oid) as memberships,
        (select count(*)::int from pg_shdepend d where d.refobjid = r.oid and d.deptype = 'o') as owned,
        has_database_privilege(r.oid, current_database(), 'create') as makes_schemas,
        (select count(*)::int from pg_namespace n where has_schema_privilege(r.oid, n.oid, 'create')
          and n.nspname not like 'pg\\_temp%' and n.nspname not like 'pg\\_toast\\_temp%') as makes_tables,
        (select coalesce(array_agg(nspname::text order by nspname), '{}') from pg_namespace n
          where nspname = any ($2) and has_schema_privilege(r.oid, n.oid, 'usage')) as schemas
       from pg_roles r where rolname = $1`,
      [user, schemas],
    )
    assert.deepEqual(
      rows,
      [
        {
          ...{ powerful: false, memberships: 0, owned: 0 },
          ...{ makes_schemas: false, makes_tables: 0 },
          schemas: usedBy(role),
        },
      ],
      role,
    )
  }
})

/** The schemas in which a role has anything. */
const usedBy = (role: DatabaseRole): string[] =>
  schemas
    .filter((schema) => {
      const { tables, functions = {}, sequences = {} } = moduleOf(schema)
      const named = [...Object.values(functions), ...Object.values(sequences)]
      return (
        Object.values(tables).some((roles) => (roles[role] ?? []).length > 0) ||
        named.some((roles) => roles.includes(role))
      )
    })
    .sort()

test('control cannot change, empty, own or lead around the evidence', async (t) => {
  const database = await testDatabase(t)
  const owner = database.pool
  const entry = `insert into audit.entry (sequence, event_id, occurred_at, actor_kind, action, target, detail, previous_hash, hash)
    values (1, 'evt_1', now(), 'system', 'a', 'b', '{}', sha256(''), sha256('1'))`
  const urls = await testRoles(database)
  const control = await connected(t, urls.control)
  await control.query(entry)
  const { rows: tables } = await owner.query<{ name: string; owner: string }>(
    `select format('audit.%I', relname) as name, relowner::regrole::text as owner from pg_class
     where relnamespace = 'audit'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
  )
  const before = await fingerprint(owner)
  const attempts = tables.flatMap(({ name }) => [
    `truncate ${name}`,
    `truncate ${name} cascade`,
    `alter table ${name} disable trigger all`,
    `alter table ${name} disable trigger user`,
    `alter table ${name} add column more text`,
    `alter table ${name} owner to current_user`,
    `alter table ${name} rename to other`,
    `alter table ${name} enable row level security`,
    `alter table ${name} set unlogged`,
    `create rule away as on insert to ${name} do instead nothing`,
    `create trigger away before insert on ${name} execute function audit.refuse_change()`,
    `create policy away on ${name} using (false)`,
    `create index away on ${name} ((1))`,
    `grant truncate on ${name} to current_user; truncate ${name}`,
    `drop table ${name}`,
    `drop table ${name} cascade`,
  ])
  const kept = tables.filter(({ name }) => !/\.(erasure|signing_key|subject)$/.test(name))
  attempts.push(
    ...tables
      .filter(({ name }) => name !== 'audit.erasure')
      .map(({ name }) => `delete from ${name}`),
    ...kept.map(({ name }) => `update ${name} set ${firstColumns[name] ?? 'id'} = default`),
    ...kept.map(({ name }) => `select * from ${name} for update`),
    ...kept.map(({ name }) => `do $$ begin lock table ${name} in share mode; end $$`),
    `update audit.signing_key set public_key = ''`,
    `update audit.signing_key set origin = ''`,
    `update audit.subject set pseudonym = ''`,
    `merge into audit.entry e using (select 1) s on true when matched then delete`,
    `insert into audit.leaf values (9, 'action', 'x', sha256(''))`,
    `insert into audit.node values (1, 9, sha256(''))`,
    `${entry} on conflict (sequence) do update set action = 'c'`,
    'set session_replication_role = replica',
    `select set_config('session_replication_role', 'replica', false)`,
    `set role ${tables[0]?.owner}`,
    `set session authorization ${tables[0]?.owner}`,
    'reset session authorization; set role postgres',
    `alter role current_user superuser`,
    `alter role current_user createrole`,
    `grant ${tables[0]?.owner} to current_user`,
    'create role another',
    'create schema another',
    'create table audit.another ()',
    'create table public.another ()',
    `create function audit.append_leaf(text, text, bytea, int) returns bigint language sql as 'select 1'`,
    `create or replace function audit.append_entry_leaf() returns trigger language plpgsql as 'begin return null; end'`,
    'alter function audit.append_leaf(text, text, bytea) security invoker',
    'drop function audit.refuse_change() cascade',
    'drop trigger entry_is_append_only on audit.entry',
    'drop schema audit cascade',
    'alter schema audit owner to current_user',
    'create extension file_fdw',
    `create event trigger away on ddl_command_start execute function audit.refuse_change()`,
    `copy audit.entry to program 'true'`,
    `copy audit.entry from '/etc/passwd'`,
    `select pg_read_file('/etc/passwd')`,
    'alter system set fsync = off',
    `alter database ${new URL(database.url).pathname.slice(1)} owner to current_user`,
    'select * from platform.migration',
    `delete from platform.data_key`,
    `update platform.outbox set payload = '{}'`,
    'delete from platform.outbox',
    `do $$ begin execute 'delete from audit.entry'; end $$`,
    `with gone as (delete from audit.entry returning 1) select * from gone`,
  )
  for (const attempt of attempts) {
    await assert.rejects(
      control.query(attempt),
      /permission denied|must be owner|must have admin option|must be able to SET ROLE|Only roles with|does not exist|must be superuser/i,
      attempt,
    )
  }
  assert.equal(await fingerprint(owner), before)
})

/** A column that may be given its default; for most tables it is `id`. */
const firstColumns: Readonly<Record<string, string>> = {
  'audit.checkpoint': 'size',
  'audit.checkpoint_export': 'sink',
  'audit.entry': 'action',
  'audit.evidence_day': 'day',
  'audit.key_epoch': 'value',
  'audit.leaf': 'position',
  'audit.node': 'position',
}

/** Everything that the log of evidence is made of. */
async function fingerprint(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ text: string }>(
    `select jsonb_build_object(
      'entries', (select jsonb_agg(e) from audit.entry e), 'leaves', (select jsonb_agg(l) from audit.leaf l),
      'nodes', (select jsonb_agg(n) from audit.node n),
      'triggers', (select jsonb_agg(t) from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'audit'::regnamespace),
      'rules', (select count(*) from pg_rules), 'functions', (select jsonb_agg(p.prosrc order by p.oid) from pg_proc p where p.pronamespace = 'audit'::regnamespace)
    )::text as text`,
  )
  return rows[0]?.text ?? ''
}

test('whoever may ask for retention cannot ask it for young evidence', async (t) => {
  const database = await testDatabase(t)
  const control = await connected(t, (await testRoles(database)).control)
  const insert = (sequence: number, at: string): string =>
    `insert into audit.entry (sequence, event_id, occurred_at, actor_kind, action, target, detail, previous_hash, hash)
     values (${sequence}, 'evt_${sequence}', ${at}, 'system', 'a', 'b', '{}', sha256(''), sha256('${sequence}'))`
  await control.query(insert(1, `now() - interval '31 days'`))
  for (const sequence of [2, 3]) await control.query(insert(sequence, 'now()'))
  await control.query(
    `select audit.append_evidence('consent', 'c', now(), now(), '{}', null, null, null, true, null, null),
       audit.make_evidence_day(current_date)`,
  )
  for (const ask of [
    `select audit.forget_actions('r', now() + interval '100 years', now())`,
    `select audit.forget_evidence('consent', 'r', now() + interval '100 years', now())`,
    `select audit.forget_exchange_day(current_date, 'r', now() + interval '100 years', now())`,
  ])
    await assert.rejects(control.query(ask), /evidence of the last 30 days stays/, ask)
  const { rows } = await control.query(
    `select audit.forget_actions('r', now() - interval '30 days', now()) as gone`,
  )
  assert.deepEqual(rows, [{ gone: 1 }])
  // Values that a kept day may use stay as long as the day.
  await control.query(
    `select audit.make_evidence_day(current_date - 40);
     insert into audit.subject (environment, pseudonym, wrapped_key, made_at)
       values ('production', 'used', '', now() - interval '90 days'), ('production', 'unused', '', now() - interval '130 days');
     insert into audit.personal (subject_id, digest, sealed, made_at) select id, '', '', made_at from audit.subject`,
  )
  await control.query(`select audit.forget_unused_keys(now() + interval '100 years')`)
  const left = await control.query(
    'select pseudonym from audit.subject join audit.personal on subject_id = subject.id',
  )
  assert.deepEqual(left.rows, [{ pseudonym: 'used' }])
})

test('the authorization servers see nobody’s sign-in and no evidence', async (t) => {
  const database = await testDatabase(t)
  const client = await connected(t, (await testRoles(database)).authorization)
  for (const table of ['identity.person', 'identity.session', 'audit.entry', 'metering.exchange'])
    await assert.rejects(client.query(`select * from ${table}`), /permission denied/, table)
})

test('what was granted beside the declaration is taken, and what is missing is given', async (t) => {
  const { database, sealing } = await testPlatform(t)
  const id = await ownInstallation(database)
  const options = { sealing, grants: databaseGrants }
  const { control: url } = await ensureDatabaseRoles(database.url, options)
  const control = databaseRoleName(id, 'control')
  const before = await grantsOf(database.pool, control)
  await database.pool.query(`
    grant delete, update (action), truncate on audit.entry to ${control};
    grant select on audit.leaf to public;
    grant create on schema audit to ${control};
    grant execute on function audit.refuse_change to public;
    revoke insert on audit.entry from ${control};
    revoke execute on function metering.make_exchange_day from ${control}`)
  assert.notEqual(await grantsOf(database.pool, control), before)
  await ensureDatabaseRoles(database.url, options)
  assert.equal(await grantsOf(database.pool, control), before)
  const client = await connected(t, url)
  await assert.rejects(client.query('delete from audit.entry'), /permission denied/)
})

const grantsOf = async (pool: Pool, role: string): Promise<string> => {
  const { rows } = await pool.query<{ text: string }>(
    `select string_agg(held, e'\\n' order by held) as text from (
       select c.relname || a::text as held from pg_class c, aclexplode(relacl) a
         where a.grantee in (0, $1::regrole) and relnamespace = any ($2::regnamespace[])
       union all select attrelid::regclass || attname || a::text from pg_attribute, aclexplode(attacl) a
         where a.grantee = $1::regrole
       union all select nspname || a::text from pg_namespace, aclexplode(nspacl) a where a.grantee = $1::regrole
       union all select proname || a::text from pg_proc, aclexplode(proacl) a
         where a.grantee in (0, $1::regrole) and pronamespace = any ($2::regnamespace[])) as h`,
    [role, schemas.map((schema) => `"${schema}"`)],
  )
  return rows[0]?.text ?? ''
}

test('a command or process that is given the owner connects as its role', async (t) => {
  const { config, database } = await testPlatform(t)
  await ownInstallation(database)
  const { urls } = await prepareDatabase(config, database.url)
  const asCommand = await createPlatform(config, 'command', 'silent')
  t.after(() => asCommand.database.close())
  assert.equal(asCommand.database.url, urls.control)
  const asServer = await createPlatform(config, 'authorization', 'silent')
  t.after(() => asServer.database.close())
  assert.equal(asServer.database.url, urls.authorization)
})

test('several processes may prepare one database at once', async (t) => {
  const { config, database } = await testPlatform(t)
  await ownInstallation(database)
  await prepareDatabase(config, database.url)
  const made = await Promise.all([1, 2, 3, 4].map(() => prepareDatabase(config, database.url)))
  for (const { urls, applied } of made) {
    assert.deepEqual(applied, [])
    assert.deepEqual(urls, made[0]?.urls)
  }
})
