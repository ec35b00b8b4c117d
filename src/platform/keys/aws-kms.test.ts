import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../clock.ts'
import { ConfigError, loadConfig } from '../config.ts'
import { testPlatform } from '../testing.ts'
import { awsKms } from './aws-kms.ts'
import { KeyEncryptionError } from './key-encryption.ts'
import { masterKeyFile } from './master-key-file.ts'
import { openKeys } from './open-keys.ts'
import { rewrapKeys } from './rewrap-keys.ts'
import { TestKms } from './testing-kms.ts'

const context = { installation: 'abc', key: 'k1', purpose: 'seal' } as const

async function service(t: TestContext) {
  const kms = new TestKms()
  const url = await kms.listen()
  t.after(() => kms.close())
  const key = kms.makeKey('alias/wayleave')
  const env = {
    WAYLEAVE_KEY_ENCRYPTION: `aws-kms:${key}`,
    WAYLEAVE_KMS_URL: url,
    AWS_ACCESS_KEY_ID: kms.accessKeyId,
    AWS_SECRET_ACCESS_KEY: kms.secretAccessKey,
  }
  const encryption = (more: Record<string, string> = {}, name = key) =>
    awsKms(name, loadConfig('/srv', '0', { ...env, ...more }))
  return { kms, key, env, encryption }
}

test('a key is wrapped and opened over signed requests that bind it to its installation and place', async (t) => {
  const { kms, key, encryption } = await service(t)
  const plain = randomBytes(32)
  const kek = encryption()
  const wrapped = await kek.wrap(plain, context)
  assert.equal(kek.id(), `aws-kms:${key}`)
  assert.deepEqual(await kek.unwrap(wrapped, context), plain)
  assert.ok(!wrapped.includes(plain.toString('base64url')))
  const bound = {
    'wayleave:installation': 'abc',
    'wayleave:key': 'k1',
    'wayleave:purpose': 'seal',
  }
  assert.deepEqual(
    kms.calls.map(({ action, fields }) => [action, fields.KeyId, fields.EncryptionContext]),
    [
      ['Encrypt', key, bound],
      ['Decrypt', key, bound],
    ],
  )
  for (const other of [{ installation: 'x' }, { key: 'k2' }, { purpose: 'root' }] as const)
    await assert.rejects(kek.unwrap(wrapped, { ...context, ...other }), /InvalidCiphertext/)
})

test('a key may be named by its alias, with the region of the setting', async (t) => {
  const { encryption } = await service(t)
  const kek = encryption({ AWS_REGION: 'eu-central-1' }, 'alias/wayleave')
  const plain = randomBytes(32)
  assert.deepEqual(await kek.unwrap(await kek.wrap(plain, context), context), plain)
})

test('a key of another account in a row is refused by the service, because the key is named', async (t) => {
  const { kms, encryption } = await service(t)
  const foreign = await encryption({}, kms.makeKey('alias/other')).wrap(randomBytes(32), context)
  await assert.rejects(encryption().unwrap(foreign, context), /IncorrectKeyException/)
})

for (const [what, spoil, message] of [
  ['access denied', (kms: TestKms) => kms.deny(), /allow kms:Encrypt and kms:Decrypt/],
  ['a disabled key', (kms: TestKms) => setState(kms, 'Disabled'), /it is disabled: enable it/],
  [
    'a key pending deletion',
    (kms: TestKms) => setState(kms, 'PendingDeletion'),
    /cancel its deletion/,
  ],
  ['a key that is gone', (kms: TestKms) => kms.keys.clear(), /NotFoundException.*does not exist/],
] as const) {
  test(`${what} is refused at once, with what to do`, async (t) => {
    const { kms, encryption } = await service(t)
    spoil(kms)
    await assert.rejects(encryption().wrap(randomBytes(32), context), (error: unknown) => {
      assert.ok(error instanceof KeyEncryptionError)
      assert.match(error.message, message)
      return !error.again
    })
  })
}

function setState(kms: TestKms, state: 'Disabled' | 'PendingDeletion'): void {
  for (const key of kms.keys.values()) key.state = state
}

test('wrong credentials are refused, and no message holds a secret', async (t) => {
  const { encryption } = await service(t)
  for (const [env, message] of [
    [{ AWS_ACCESS_KEY_ID: 'AKIDOTHER' }, /check AWS_ACCESS_KEY_ID/],
    [{ AWS_SECRET_ACCESS_KEY: 'hunter2' }, /check AWS_SECRET_ACCESS_KEY/],
  ] as const)
    await assert.rejects(encryption(env).wrap(randomBytes(32), context), (error: Error) => {
      assert.match(error.message, message)
      return !error.message.includes('hunter2')
    })
})

test('a service that throttles or fails for a moment is asked again', async (t) => {
  const { kms, encryption } = await service(t)
  kms.faults.push({ status: 400, type: 'ThrottlingException' })
  kms.faults.push({ status: 500, type: 'KMSInternalException' })
  assert.match(await encryption().wrap(randomBytes(32), context), /^[\w-]+$/)
  for (let i = 0; i < 3; i += 1) kms.faults.push({ status: 400, type: 'ThrottlingException' })
  await assert.rejects(
    encryption().wrap(randomBytes(32), context),
    (error: unknown) => error instanceof KeyEncryptionError && error.again,
  )
})

test('a start waits for a service that is not there yet, and is refused when it stays away', async (t) => {
  const { kms, env } = await service(t)
  const port = Number(new URL(env.WAYLEAVE_KMS_URL).port)
  const { config, database } = await testPlatform(t, { env })
  const open = (patienceMs: number, say: (line: string) => void = () => undefined) =>
    openKeys({ config, database, clock: systemClock, create: true, patienceMs, say })
  await open(0)
  await kms.close()
  await assert.rejects(open(0), /AWS KMS does not answer .*check the network to eu-central-1/)
  const again = new TestKms()
  for (const [arn, key] of kms.keys) again.keys.set(arn, key)
  t.after(() => again.close())
  const told: string[] = []
  const keys = await open(30_000, (line) => {
    told.push(line)
    void again.listen(port)
  })
  assert.match(told[0] ?? '', /^waiting for the key service: AWS KMS does not answer/)
  assert.equal(keys.sealing.open(keys.sealing.seal('x', 'y'), 'y'), 'x')
})

test('an installation lives on AWS KMS without a master key on the disk, and moves to another key', async (t) => {
  const { kms, key, env } = await service(t)
  const { config, database } = await testPlatform(t, { env })
  const options = { database, clock: systemClock, create: true, patienceMs: 0 }
  const first = await openKeys({ ...options, config })
  assert.equal(existsSync(masterKeyFile(config)), false)
  const sealed = first.sealing.seal('text', 'place')
  const next = kms.makeKey('alias/next')
  const moved = { ...env, WAYLEAVE_KEY_ENCRYPTION: `aws-kms:${next}` }
  const configOf = (more: Record<string, string>) => ({
    ...config,
    keys: loadConfig('/srv', '0', { ...moved, ...more }).keys,
  })
  await assert.rejects(
    openKeys({ ...options, config: configOf({}) }),
    /are wrapped by aws-kms:.*WAYLEAVE_KEY_ENCRYPTION_PREVIOUS=aws-kms:.*keys rewrap/,
  )
  const both = configOf({ WAYLEAVE_KEY_ENCRYPTION_PREVIOUS: `aws-kms:${key}` })
  const keys = await openKeys({ ...options, config: both })
  const record = () => Promise.resolve()
  assert.equal(await rewrapKeys({ database, keys, clock: systemClock, record }), 3)
  kms.keys.delete(key)
  const after = await openKeys({ ...options, config: configOf({}) })
  assert.equal(after.sealing.open(sealed, 'place'), 'text')
})

test('an address that is not encrypted and not of this machine, and a key without a region, are faults', () => {
  const faults = (env: Record<string, string>): string => {
    try {
      loadConfig('/srv', '0', env)
    } catch (error) {
      assert.ok(error instanceof ConfigError)
      return error.message
    }
    return ''
  }
  assert.match(faults({ WAYLEAVE_KMS_URL: 'http://kms.example' }), /must be an https URL/)
  assert.match(faults({ WAYLEAVE_KEY_ENCRYPTION: 'aws-kms:alias/wayleave' }), /AWS_REGION: set it/)
  assert.match(faults({ WAYLEAVE_KEY_ENCRYPTION: 'gcp:x' }), /must be file, aws-kms/)
  assert.match(faults({ WAYLEAVE_KEY_ENCRYPTION: 'vault:transit/k' }), /WAYLEAVE_VAULT_URL: set/)
})
