import assert from 'node:assert/strict'
import { chmodSync, renameSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { loadConfig, settings } from '#platform/config'
import type { RoleUrls } from '#platform/database-roles'
import { databaseRoles } from '#platform/declared-grants'
import { createSealing } from '#platform/sealing'
import { freePort, ownInstallation, testDatabase, testPlatform } from '#platform/testing'
import { createPlatform } from './create-platform.ts'
import { heldKeys, heldUpstreamToken } from './held-keys.ts'
import { createKeyUpkeep } from './key-upkeep.ts'
import { prepareDatabase } from './prepare-database.ts'
import { environmentOf, localRoles } from './role-environment.ts'
import { runDoctor } from './run-doctor.ts'
import { runKeysList, runKeysRewrap, runKeysRotate, runKeysStatus } from './run-keys.ts'
import { runRotateSigning } from './run-rotate-signing.ts'
import { passingColumns, sealedColumns } from './sealed-columns.ts'
import { watchKeys } from './watch-keys.ts'

test('every sealed column of the database is sealed anew after a rotation, or goes by itself', async (t) => {
  const { pool } = await testDatabase(t)
  const { rows } = await pool.query<{ name: string }>(
    `select table_schema || '.' || table_name || '.' || column_name as name
     from information_schema.columns
     where column_name ~ 'sealed|wrapped' and data_type in ('text', 'jsonb', 'bytea')
       and table_schema not in ('platform', 'pg_catalog', 'information_schema') order by 1`,
  )
  const known = [
    ...sealedColumns.map(({ table, column }) => `${table}.${column}`),
    ...Object.keys(passingColumns),
  ]
  assert.deepEqual(
    rows.map(({ name }) => name).filter((name) => !known.includes(name)),
    [],
    'tell of them in `sealedColumns` of the module, or in `passingColumns` of compose/sealed-columns.ts',
  )
  for (const { table, column, key, context } of sealedColumns) {
    const { rows: found } = await pool.query(
      `select ${key.join(', ')}, ${column} from "${table.replace('.', '"."')}" where false`,
    )
    assert.deepEqual(found, [])
    assert.notEqual(context(Object.fromEntries(key.map((name) => [name, 'a']))), '')
  }
})

test('the commands rotate and rewrap, and tell how things are, without a secret', async (t) => {
  const { config, database } = await testPlatform(t)
  await ownInstallation(database)
  const given = { ...config, secretKey: Buffer.alloc(32, 1) }
  await prepareDatabase(given, database.url)
  const made = await createPlatform(given, 'test', 'silent')
  const wrapped = made.sealing.seal('x', 'place')
  await made.database.close()
  await database.pool.query(`update platform.data_key set made_at = made_at - interval '1 minute'`)
  const before = (await runKeysList(given)).data as { keys: { id: string; state: string }[] }
  const next = before.keys.find(({ state }) => state === 'next')?.id
  const rotated = (await runKeysRotate(given)).data as { current: string; previous: string }
  assert.equal(rotated.current, next)
  const status = await runKeysStatus(given)
  const { current, keyEncryption, wrappedByOthers } = status.data as Record<string, unknown>
  assert.equal(current, next)
  assert.deepEqual(wrappedByOthers, [])
  assert.match(JSON.stringify(keyEncryption), /"file:[0-9a-f]{12}"/)
  await assert.rejects(runKeysRewrap(given, true), /WAYLEAVE_SECRET_KEY_PREVIOUS/)

  const secretKey = Buffer.alloc(32, 2)
  const moved = {
    ...config,
    secretKey,
    keys: { ...config.keys, previousSecretKey: Buffer.alloc(32, 1) },
  }
  assert.match(String((await runKeysStatus(moved)).text), /still wrapped by .*keys rewrap/)
  assert.equal(((await runKeysRewrap(moved, false)).data as { keys: number }).keys, 4)
  const after = await createPlatform({ ...config, secretKey }, 'test', 'silent')
  assert.equal(after.sealing.open(wrapped, 'place'), 'x')
  await createKeyUpkeep(after).turn(new AbortController().signal)
  await after.database.close()
  const { rows } = await database.pool.query<{ action: string; detail: string }>(
    `select payload->>'action' as action, payload->>'detail' as detail from platform.outbox
     where type = 'audit.action' order by position`,
  )
  assert.deepEqual(
    rows.map(({ action }) => action),
    ['data-key.rotated', 'data-key.rewrapped'],
  )
})

test('the command that rotates a signing key promotes the next key of one environment only', async (t) => {
  const { config, database } = await testPlatform(t)
  await ownInstallation(database)
  const given = { ...config, secretKey: Buffer.alloc(32, 1) }
  await prepareDatabase(given, database.url)
  const kids = async () => {
    const { rows } = await database.pool.query<{ kid: string; place: string }>(
      `select kid, environment || ' ' || state as place from "authorization".signing_key`,
    )
    return Object.fromEntries(rows.map(({ kid, place }) => [place, kid]))
  }
  await runRotateSigning(given, 'production')
  const before = await kids()
  const { data } = await runRotateSigning(given, 'sandbox')
  const first = await kids()
  await runRotateSigning(given, 'sandbox')
  const after = await kids()
  assert.equal((data as { kid: string }).kid, first['sandbox current'])
  assert.equal(after['sandbox current'], first['sandbox next'])
  assert.equal(after['production current'], before['production current'])
})

test('doctor tells what wraps the keys and whether it opens them', async (t) => {
  const { config, database } = await testPlatform(t)
  const without = config.databaseUrl ?? ''
  await ownInstallation(database)
  const load = (env: object = {}) => ({ ...config, databaseUrl: without, ...env })
  const file = path.join(config.dataDir, 'secrets', 'master.key')
  const said = async (env: object = {}) => String((await runDoctor(() => load(env))).text)
  assert.match(await said(), /no master key in .* yet/)
  await prepareDatabase(config, without)
  assert.match(await said(), /✔ the key-encryption key file:[0-9a-f]{12} in .*master\.key opens/)
  chmodSync(file, 0o644)
  assert.match(await said(), /✖ the keys cannot be opened: .*mode 0644\): chmod 600/)
  chmodSync(file, 0o600)
  const another = { secretKey: Buffer.alloc(32, 5) }
  assert.match(await said(another), /✖ the keys cannot be opened: .*another master key/)
  await database.close()
})

test('a gateway that is given its keys starts without a database, and one that is not says what to give it', async () => {
  const gone = `postgresql://nobody@127.0.0.1:${await freePort()}/none`
  const key = Buffer.alloc(32, 6)
  const given = {
    WAYLEAVE_GATEWAY_KEY: key.toString('base64url'),
    WAYLEAVE_INTAKE_TOKEN: 'intake',
    WAYLEAVE_UPSTREAM_TOKEN: 'upstream',
    DATABASE_URL: gone,
  }
  const config = loadConfig('/srv', '0', given)
  const held = await heldKeys(config, 'sandbox')
  assert.equal(held.intakeToken, 'intake')
  assert.equal(held.upstreamToken, 'upstream')
  assert.equal(held.sealing.keyedHash('a', 'x'), createSealing(key).keyedHash('a', 'x'))
  assert.equal(await heldUpstreamToken(config), 'upstream')
  const { WAYLEAVE_UPSTREAM_TOKEN: _, ...production } = given
  await heldKeys(loadConfig('/srv', '0', production), 'production')
  const bare = loadConfig('/srv', '0', { DATABASE_URL: gone })
  await assert.rejects(heldKeys(bare, 'production'), /wayleave migrate --roles/)
  await assert.rejects(heldUpstreamToken(bare), /wayleave migrate --roles/)
})

test('only control and the authorization server are given what opens the keys of the database', () => {
  const secrets = {
    WAYLEAVE_VAULT_URL: 'https://vault.example:8200',
    WAYLEAVE_KEY_ENCRYPTION: 'vault:transit/wayleave',
    WAYLEAVE_KEY_ENCRYPTION_PREVIOUS: 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/k',
    WAYLEAVE_VAULT_TOKEN: 'hvs.EXAMPLE',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    WAYLEAVE_SECRET_KEY: Buffer.alloc(32, 1).toString('base64url'),
    WAYLEAVE_SECRET_KEY_PREVIOUS: Buffer.alloc(32, 2).toString('base64url'),
  }
  const config = loadConfig('/srv', '0', secrets)
  const urls = Object.fromEntries(databaseRoles.map((role) => [role, role])) as RoleUrls
  const sealing = createSealing(Buffer.alloc(32, 3))
  const roles = localRoles({ urls, sealing, config })
  const heldBy = (name: string): string[] => {
    const role = roles.find((one) => one.name === name)
    assert.ok(role !== undefined)
    const env = environmentOf(role, secrets)
    return Object.keys(secrets).filter((secret) => env[secret] !== undefined)
  }
  for (const name of ['control', 'authorization'])
    assert.deepEqual(heldBy(name), Object.keys(secrets), name)
  for (const name of ['gateway-sandbox', 'sandbox'])
    assert.deepEqual(heldBy(name), ['WAYLEAVE_VAULT_URL'], name)
  // The account that functions are invoked with.
  assert.deepEqual(heldBy('gateway-production'), [
    'WAYLEAVE_VAULT_URL',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
  ])
})

test('with single sign-on of the staff each process starts, and only control knows its secret', () => {
  const given = {
    WAYLEAVE_SSO_ISSUER: 'https://login.operator.example',
    WAYLEAVE_SSO_CLIENT_ID: 'wayleave',
    WAYLEAVE_SSO_CLIENT_SECRET: 'a secret of the identity provider',
    WAYLEAVE_SSO_DOMAINS: 'operator.example',
    WAYLEAVE_SSO_MODE: 'enforced',
  }
  const config = loadConfig('/srv', '0', given)
  const urls = Object.fromEntries(databaseRoles.map((role) => [role, role])) as RoleUrls
  const sealing = createSealing(Buffer.alloc(32, 3))
  for (const role of localRoles({ urls, sealing, config })) {
    const { DATABASE_URL: _, ...env } = environmentOf(role, given)
    assert.deepEqual(
      loadConfig('/srv', '0', env).sso,
      role.name === 'control' ? config.sso : undefined,
      role.name,
    )
  }
})

test('no secret of the operator reaches a process by inheritance', () => {
  const declared = Object.entries(settings).filter(([, { secret }]) => secret === true)
  assert.ok(declared.length > 10)
  const inherited = Object.fromEntries(declared.map(([name]) => [name, 'of the operator']))
  const role = { name: 'any', args: [], env: { DATABASE_URL: 'its own' } }
  assert.deepEqual(environmentOf(role, { ...inherited, HOME: '/home' }), {
    HOME: '/home',
    DATABASE_URL: 'its own',
  })
})

test('a key-encryption key that is taken away from a running process is told before the next start', async (t) => {
  const platform = await testPlatform(t)
  const { config } = platform
  await ownInstallation(platform.database)
  await prepareDatabase(config, config.databaseUrl ?? '')
  const running = await createPlatform(config, 'test', 'silent')
  t.after(() => running.database.close())
  const registry = new Registry()
  const watch = watchKeys(running, registry)
  const healthy = async (): Promise<string | undefined> =>
    /^wayleave_key_encryption_healthy (\d)$/m.exec(await registry.metrics())?.[1]
  await watch.look()
  assert.equal(await healthy(), '1')
  const file = path.join(config.dataDir, 'secrets', 'master.key')
  renameSync(file, `${file}.away`)
  await watch.look()
  assert.equal(await healthy(), '0')
  assert.equal(running.sealing.open(running.sealing.seal('x', 'y'), 'y'), 'x')
  renameSync(`${file}.away`, file)
  await watch.look()
  assert.equal(await healthy(), '1')
})
