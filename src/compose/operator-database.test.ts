import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Client } from 'pg'
import type { Config } from '#platform/config'
import { databaseRoleName } from '#platform/database-roles'
import { type DatabaseRole, databaseRoles } from '#platform/declared-grants'
import { testConfig, testServerUrl } from '#platform/testing'
import { createPlatform } from './create-platform.ts'
import { prepareDatabase } from './prepare-database.ts'
import { runDoctor } from './run-doctor.ts'

type Context = Parameters<typeof testConfig>[0]

/** An empty database as a provider of PostgreSQL gives it: its owner is no superuser. */
async function emptyDatabase(t: Context, attributes: string) {
  const server = await testServerUrl()
  const admin = new Client({ connectionString: server })
  await admin.connect()
  const name = `managed_${randomBytes(6).toString('hex')}`
  await admin.query(`create role ${name} login password 'owner' ${attributes}`)
  await admin.query(`create database ${name} owner ${name}`)
  t.after(async () => {
    await admin.query(`drop database ${name} with (force)`)
    const { rows } = await admin.query<{ role: string }>(
      `select rolname as role from pg_roles where rolname like $1 or rolname = any ($2)`,
      [`${name}%`, made],
    )
    for (const { role } of rows) await admin.query(`drop role "${role}"`)
    await admin.end()
  })
  const made: string[] = []
  const urlOf = (user: string, password: string): string => {
    const url = new URL(server)
    url.username = user
    url.password = password
    url.pathname = `/${name}`
    return url.href
  }
  const url = urlOf(name, 'owner')
  const config: Config = { ...(await testConfig(t)), databaseUrl: url }
  return {
    ...{ admin, name, url, config, urlOf },
    /** A role as an administrator makes it by hand. */
    async roleOf(role: DatabaseRole, more = ''): Promise<string> {
      const user = `${name}_${role}`
      await admin.query(`create role ${user} login password 'own' ${more}`)
      return urlOf(user, 'own')
    },
    /** Roles that the product made go with the database. */
    async remember(): Promise<string> {
      const client = new Client({ connectionString: url })
      await client.connect()
      const { rows } = await client.query<{ id: string }>('select id from platform.installation')
      await client.end()
      const id = rows[0]?.id ?? ''
      made.push(...databaseRoles.map((role) => databaseRoleName(id, role)))
      return id
    },
  }
}

const settingsOf = async (
  roleOf: (role: DatabaseRole) => Promise<string>,
): Promise<Config['databaseUrls']> => {
  const urls: Partial<Record<DatabaseRole, string>> = {}
  for (const role of databaseRoles) urls[role] = await roleOf(role)
  return urls
}

test('an owner that is no superuser and may make roles is enough', async (t) => {
  const { config, url, remember, admin, name } = await emptyDatabase(t, 'createrole')
  const { applied } = await prepareDatabase(config, url)
  const id = await remember()
  assert.ok(applied.length > 20)
  const platform = await createPlatform(config, 'command', 'silent')
  const { rows } = await platform.database.pool.query<{ name: string }>(
    'select current_user as name',
  )
  assert.equal(rows[0]?.name, databaseRoleName(id, 'control'))
  await assert.rejects(platform.database.pool.query(`set role ${name}`), /permission denied/)
  // Roles that are there and whose passwords are right need nobody who may make them.
  await admin.query(`alter role ${name} nocreaterole`)
  assert.deepEqual((await prepareDatabase(config, url)).applied, [])
  await platform.database.close()
})

test('an owner that may not make roles is told the SQL, before anything is changed', async (t) => {
  const { config, url, name } = await emptyDatabase(t, '')
  await assert.rejects(prepareDatabase(config, url), (error: Error) => {
    assert.match(error.message, new RegExp(`alter role "${name}" createrole;`))
    assert.match(error.message, /create role wayleave_control with login password '…';/)
    assert.match(error.message, /DATABASE_URL_CONTROL, .*DATABASE_URL_SANDBOX/)
    return true
  })
  const doctor = String((await runDoctor(() => config)).text)
  assert.match(doctor, /may not make the database roles that are missing: control, authorization/)
  const client = new Client({ connectionString: url })
  await client.connect()
  assert.deepEqual(
    (await client.query(`select nspname from pg_namespace where nspname = 'platform'`)).rows,
    [],
  )
  await client.end()
})

test('roles that somebody else made are given what is declared, and used', async (t) => {
  const { config, url, roleOf, admin, name } = await emptyDatabase(t, '')
  await admin.query(`revoke connect on database ${name} from public`)
  const own = { ...config, databaseUrls: await settingsOf(roleOf) }
  const { urls } = await prepareDatabase(own, url)
  assert.deepEqual(urls, own.databaseUrls)
  const platform = await createPlatform(own, 'command', 'silent')
  assert.equal(platform.database.url, own.databaseUrls.control)
  await platform.database.pool.query('select * from audit.entry')
  await assert.rejects(platform.database.pool.query('delete from audit.entry'), /permission denied/)
  assert.match(String((await runDoctor(() => own)).text), /✔ PostgreSQL \d+ answers/)
  const many = { ...own, gatewayWorkers: 64 }
  assert.match(String((await runDoctor(() => many)).text), /up to 1068 connections, and the server/)
  // Without the owner's address a command works, too.
  const { databaseUrl: _, ...alone } = own
  const command = await createPlatform({ ...alone, databaseUrl: undefined }, 'command', 'silent')
  await command.database.close()
  await platform.database.close()
})

test('a role that could do more than it is given is refused', async (t) => {
  const { config, url, name, urlOf, roleOf, admin } = await emptyDatabase(t, '')
  const good = await settingsOf(roleOf)
  const refusal = async (databaseUrls: Config['databaseUrls']): Promise<string> => {
    const failed = await prepareDatabase({ ...config, databaseUrls }, url).then(
      () => 'was taken',
      (error: Error) => error.message,
    )
    return failed
  }
  assert.match(await refusal({ ...good, control: url }), /of control is a superuser, an owner/)
  assert.match(
    await refusal({ ...good, authorization: good.control ?? '' }),
    /is given for control and for authorization/,
  )
  assert.match(
    await refusal({ ...good, control: urlOf(`${name}_control`, 'wrong') }),
    /DATABASE_URL_CONTROL does not work: password authentication failed/,
  )
  const elsewhere = new URL(good.control ?? '')
  elsewhere.pathname = '/postgres'
  assert.match(
    await refusal({ ...good, control: elsewhere.href }),
    /DATABASE_URL_CONTROL does not work: it leads to another database/,
  )
  for (const more of [
    'alter role :role superuser',
    'alter role :role createrole',
    'alter role :role bypassrls',
    `grant ${name} to :role`,
    'grant pg_write_all_data to :role',
    'grant pg_execute_server_program to :role',
  ]) {
    const role = `${name}_${randomBytes(3).toString('hex')}`
    await admin.query(`create role ${role} login password 'own'`)
    await admin.query(more.replace(':role', role))
    assert.match(
      await refusal({ ...good, control: urlOf(role, 'own') }),
      /of control (is a superuser|is a member of)/,
      more,
    )
  }
})
