import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { loadConfig } from '#platform/config'
import { embeddedServerUrl } from '#platform/embedded-postgres'
import { createPlatform } from '../../src/compose/create-platform.ts'
import { createKeyUpkeep } from '../../src/compose/key-upkeep.ts'
import { runKeysStatus } from '../../src/compose/run-keys.ts'
import {
  accessToken,
  type Product,
  type Registration,
  signUp,
  startProduct,
  until,
  wayleave,
} from '../support/product.ts'

const root = path.join(import.meta.dirname, '..', '..')
const number = '+99010000002'

const databaseOf = ({ dataDir, portBase }: Product): string =>
  embeddedServerUrl(dataDir, portBase + 6)

async function databaseClient(t: TestContext, product: Product): Promise<Client> {
  const client = new Client({ connectionString: databaseOf(product) })
  client.on('error', () => undefined)
  await client.connect()
  t.after(() => client.end())
  return client
}

async function call({ firstCall, credentials }: Registration): Promise<number> {
  const { clientId, clientSecret } = credentials
  const token = await accessToken(firstCall.tokenUrl, clientId, clientSecret, 'sim-swap:check')
  const answer = await fetch(firstCall.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ phoneNumber: number }),
  })
  await answer.arrayBuffer()
  return answer.status
}

/** Calls, each with a token of its own, until it is told to end. */
function callAllTheTime(registration: Registration) {
  const wrong: string[] = []
  let calls = 0
  let ended = false
  const running = (async () => {
    while (!ended) {
      const status = await call(registration).catch((error: unknown) => String(error))
      calls += 1
      if (status !== 200) wrong.push(String(status))
      // Within what the free plan allows.
      await delay(250)
    }
  })()
  return {
    calls: () => calls,
    async end(): Promise<string[]> {
      ended = true
      await running
      return wrong
    },
  }
}

test('no call fails while data keys and the master key change, and a killed control opens with the new one', async (t) => {
  const product = await startProduct(t)
  const { body } = await signUp(product)
  const database = await databaseClient(t, product)
  // As after a day: the next key has been known for long.
  await database.query(`update platform.data_key set made_at = made_at - interval '1 day'`)
  const traffic = callAllTheTime(body)
  await until(() => traffic.calls() > 5, 20_000)
  const rotated = await wayleave(product, 'keys', 'rotate', '--json')
  assert.equal(rotated.code, 0, rotated.stderr)
  const { current } = JSON.parse(rotated.stdout) as { current: string }
  const rewrapped = await wayleave(product, 'keys', 'rewrap', '--new-key')
  assert.equal(rewrapped.code, 0, rewrapped.stderr)
  const seen = traffic.calls()
  await until(() => traffic.calls() > seen + 5, 20_000)
  assert.deepEqual(await traffic.end(), [])

  const [control = 0] = product.rolePids()
  process.kill(control, 'SIGKILL')
  await until(
    () => !product.rolePids().includes(control) && product.rolePids().length === 5,
    20_000,
  )
  await until(async () => {
    const wellKnown = `${product.wellKnown.portal}/.well-known/wayleave`
    const answer = await fetch(wellKnown).catch(() => undefined)
    return answer?.status === 200
  }, 20_000)
  assert.equal(await call(body), 200)

  const config = loadConfig(root, '0', { ...product.env, DATABASE_URL: databaseOf(product) })
  const platform = await createPlatform(config, 'test', 'silent')
  await createKeyUpkeep(platform).turn(new AbortController().signal)
  await platform.database.close()
  const { data } = await runKeysStatus(config)
  const status = data as { current: string; formerValues: { values: number }[] }
  assert.equal(status.current, current)
  assert.ok(status.formerValues.every(({ values }) => values === 0))
  const { rows } = await database.query<{ sealed: string }>(
    'select sealed_private_jwk as sealed from "authorization".signing_key where sealed_private_jwk is not null',
  )
  assert.ok(rows.length >= 4)
  for (const { sealed } of rows) assert.ok(sealed.startsWith(`v2.${current}.`))
})

test('no secret that was given out stands readable in the database, a log, a journal or a snapshot', async (t) => {
  const product = await startProduct(t)
  const { management } = product.wellKnown
  const { body, cookie, email } = await signUp(product)
  const send = async (route: string, content: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${management}${route}`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', origin: product.wellKnown.portal },
      body: JSON.stringify(content),
    })
    assert.ok(answer.ok, `${route}: ${answer.status} ${await answer.clone().text()}`)
    return (await answer.json()) as Record<string, unknown>
  }
  const { id } = body.application
  const key = await send(`/applications/${id}/credentials`, { type: 'api_key' })
  const token = await send('/tokens', { name: 'test' })
  const totp = await send('/factors/totp', {})
  await send('/recovery', { email })
  assert.equal(await call(body), 200)
  const operator = await wayleave(product, 'token', 'create', '--role', 'operator')
  const mails = (): string[] => globSync(path.join(product.dataDir, 'mail', '*.eml'))
  await until(() => mails().length >= 2, 20_000)
  const links = mails().flatMap((file) => {
    const text = readFileSync(file, 'utf8').replaceAll('=\r\n', '').replaceAll('=\n', '')
    return [...text.matchAll(/token=(?:3D)?([\w-]{40,})/g)].map(([, value]) => value)
  })
  const secrets = Object.entries({
    clientSecret: body.credentials.clientSecret,
    apiKey: key.apiKey,
    token: token.token,
    totp: totp.secret,
    operatorToken: operator.stdout.trim(),
    session: cookie.split('=')[1]?.split(';')[0],
    password: 'correct horse battery staple',
    masterKey: readFileSync(path.join(product.dataDir, 'secrets', 'master.key'), 'utf8').trim(),
    ...Object.fromEntries(links.map((link, i) => [`link${i}`, link])),
  })
  assert.ok(links.length >= 2)
  for (const [name, secret] of secrets)
    assert.ok(typeof secret === 'string' && secret.length >= 16, name)

  const found: string[] = []
  const look = (where: string, text: string): void => {
    for (const [name, secret] of secrets)
      if (text.includes(String(secret))) found.push(`${where}: ${name}`)
  }
  const database = await databaseClient(t, product)
  const { rows: tables } = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  assert.ok(tables.length > 30)
  for (const { name } of tables) {
    const { rows } = await database.query<{ row: string }>(
      `select to_jsonb(one)::text as row from ${name} as one`,
    )
    for (const { row } of rows) look(name, row)
  }
  // Mail that no server takes is in files for their owner; the database has its own folder, which the tables stand for.
  const apart = ['mail', 'secrets', 'postgres'].map(
    (name) => path.join(product.dataDir, name) + path.sep,
  )
  const files = globSync(`${product.dataDir}/**/*`).filter(
    (file) => statSync(file).isFile() && !apart.some((folder) => file.startsWith(folder)),
  )
  assert.ok(files.some((file) => file.endsWith('.log')))
  for (const file of files) look(path.relative(product.dataDir, file), readFileSync(file, 'latin1'))
  assert.deepEqual(found, [])
  for (const folder of ['mail', 'secrets', 'logs', 'journal', 'gateway-sandbox'])
    assert.equal(statSync(path.join(product.dataDir, folder)).mode & 0o077, 0, folder)
})
