import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../clock.ts'
import { loadConfig } from '../config.ts'
import { testPlatform } from '../testing.ts'
import { makeCertificate } from '../testing-certificates.ts'
import { KeyEncryptionError } from './key-encryption.ts'
import { openKeys } from './open-keys.ts'
import { rewrapKeys } from './rewrap-keys.ts'
import { TestVault } from './testing-vault.ts'
import { vaultTransit } from './vault-transit.ts'

const context = { installation: 'abc', key: 'k1', purpose: 'seal' } as const
const place = { mount: 'transit', key: 'wayleave' }

async function service(t: TestContext, tls?: { key: string; cert: string }) {
  const vault = new TestVault(tls)
  const address = await vault.listen()
  t.after(() => vault.close())
  vault.rotate('transit/wayleave')
  const env: Record<string, string> = {
    WAYLEAVE_KEY_ENCRYPTION: 'vault:transit/wayleave',
    WAYLEAVE_VAULT_URL: `${tls === undefined ? 'http' : 'https'}://${address}`,
    WAYLEAVE_VAULT_TOKEN: vault.token,
  }
  const encryption = (more: Record<string, string> = {}) =>
    vaultTransit(place, loadConfig('/srv', '0', { ...env, ...more }).keys.vault)
  return { vault, env, encryption }
}

function temporary(t: TestContext, name: string, content: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-vault-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, name)
  writeFileSync(file, content)
  return file
}

test('a key is wrapped and opened, and only as what it was wrapped for', async (t) => {
  const { vault, encryption } = await service(t)
  const kek = encryption()
  const plain = randomBytes(32)
  const wrapped = await kek.wrap(plain, context)
  assert.match(wrapped, /^vault:v1:/)
  assert.equal(kek.id(), 'vault:transit/wayleave')
  assert.deepEqual(await kek.unwrap(wrapped, context), plain)
  assert.deepEqual(vault.calls, ['/v1/transit/encrypt/wayleave', '/v1/transit/decrypt/wayleave'])
  for (const other of [{ installation: 'x' }, { key: 'k2' }, { purpose: 'root' }] as const)
    await assert.rejects(kek.unwrap(wrapped, { ...context, ...other }), /opened another key/)
})

test('the namespace is sent and stands in the name of the key', async (t) => {
  const { vault, encryption } = await service(t)
  vault.namespace = 'operator/network'
  const kek = encryption({ WAYLEAVE_VAULT_NAMESPACE: 'operator/network' })
  assert.equal(kek.id(), 'vault:operator/network/transit/wayleave')
  assert.match(await kek.wrap(randomBytes(32), context), /^vault:v1:/)
  await assert.rejects(encryption().wrap(randomBytes(32), context), /403: permission denied/)
})

test('a token of a file is read for each request, so that an agent may renew it', async (t) => {
  const { vault, env } = await service(t)
  const file = temporary(t, 'token', 'hvs.OLD\n')
  const { WAYLEAVE_VAULT_TOKEN: _, ...rest } = env
  const { keys } = loadConfig('/srv', '0', { ...rest, WAYLEAVE_VAULT_TOKEN_FILE: file })
  const kek = vaultTransit(place, keys.vault)
  await assert.rejects(
    kek.wrap(randomBytes(32), context),
    /give a token that is valid and whose policy allows/,
  )
  writeFileSync(file, `${vault.token}\n`)
  assert.match(await kek.wrap(randomBytes(32), context), /^vault:v1:/)
  rmSync(file)
  await assert.rejects(
    kek.wrap(randomBytes(32), context),
    /WAYLEAVE_VAULT_TOKEN_FILE cannot be read/,
  )
})

test('a sealed or busy Vault is asked again, and what it refuses is told at once with what to do', async (t) => {
  const { vault, encryption } = await service(t)
  const kek = encryption()
  vault.faults.push({ status: 429, body: { errors: ['request quota exceeded'] } })
  vault.faults.push({ status: 503, body: { errors: ['Vault is sealed'] } })
  assert.match(await kek.wrap(randomBytes(32), context), /^vault:v1:/)
  const refused = (again: boolean, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof KeyEncryptionError)
    assert.match(error.message, message)
    assert.ok(!error.message.includes(vault.token))
    return error.again === again
  }
  vault.sealed = true
  await assert.rejects(kek.wrap(randomBytes(32), context), refused(true, /503.*unseal it/))
  vault.sealed = false
  vault.keys.clear()
  const calls = vault.calls.length
  await assert.rejects(
    kek.wrap(randomBytes(32), context),
    refused(false, /encryption key not found/),
  )
  assert.equal(vault.calls.length, calls + 1)
  await vault.close()
  await assert.rejects(kek.wrap(randomBytes(32), context), refused(true, /ECONNREFUSED/))
})

test('its certificate must come from the authorities of the setting', async (t) => {
  const authority = await makeCertificate({ name: 'CN=ca', authority: {} })
  const server = await makeCertificate({ name: 'CN=vault', issuer: authority, ips: ['127.0.0.1'] })
  const { encryption } = await service(t, { key: server.key, cert: server.pem })
  const file = temporary(t, 'ca.pem', authority.pem)
  assert.match(
    await encryption({ WAYLEAVE_VAULT_CA_FILE: file }).wrap(randomBytes(32), context),
    /^vault:v1:/,
  )
  await assert.rejects(
    encryption().wrap(randomBytes(32), context),
    /Vault does not answer .*UNABLE_TO_VERIFY_LEAF_SIGNATURE.*WAYLEAVE_VAULT_CA_FILE/,
  )
})

test('after a rotation in Vault the keys are rewrapped, and the former version may be switched off', async (t) => {
  const { vault, env } = await service(t)
  const { config, database } = await testPlatform(t, { env })
  const open = () => openKeys({ config, database, clock: systemClock, create: true, patienceMs: 0 })
  const keys = await open()
  const sealed = keys.sealing.seal('text', 'place')
  vault.rotate('transit/wayleave')
  const record = () => Promise.resolve()
  assert.equal(await rewrapKeys({ database, keys, clock: systemClock, record }), 3)
  const { rows } = await database.pool.query<{ wrapped: string }>(
    'select wrapped from platform.data_key',
  )
  for (const { wrapped } of rows) assert.match(wrapped, /^vault:v2:/)
  vault.minimum = 2
  assert.equal((await open()).sealing.open(sealed, 'place'), 'text')
  vault.minimum = 3
  await assert.rejects(open(), /disallowed by policy/)
})

test('a slow Vault is asked for all keys together', async (t) => {
  const { vault, env } = await service(t)
  const { config, database } = await testPlatform(t, { env })
  const open = () => openKeys({ config, database, clock: systemClock, create: true, patienceMs: 0 })
  await open()
  Object.assign(vault, { delayMs: 200, mostAtOnce: 0 })
  await open()
  assert.equal(vault.mostAtOnce, 3)
})

test('the time in which Vault hangs is waited for once, not once for each key and pause', async (t) => {
  const { vault, env } = await service(t)
  const { config, database } = await testPlatform(t, { env })
  const open = (patienceMs: number) =>
    openKeys({ config, database, clock: systemClock, create: true, patienceMs })
  await open(0)
  Object.assign(vault, { delayMs: 200, sealed: true, asked: 0 })
  await assert.rejects(open(500), /unseal it/)
  assert.ok(vault.asked <= 9, `${vault.asked} requests: three keys, three attempts, no second turn`)
})

test('whatever else answers at its address is told from a Vault that is sealed', async (t) => {
  const { vault, encryption } = await service(t)
  for (const status of [200, 307]) {
    for (let i = 0; i < 3; i += 1) vault.faults.push({ status, body: {} })
    await assert.rejects(
      encryption().wrap(randomBytes(32), context),
      /not the API of an active Vault/,
    )
  }
})
