/**
 * Token issue on one core: client credentials, ES256, real PostgreSQL, the real lookups of partners and contracts.
 * The server has the first core, PostgreSQL and the loader the others.
 *
 *   node_modules/.bin/node bench/token.ts [seconds] [connections] [applications]
 */
import { execFileSync, fork } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Pool } from 'undici'
import { createAuthorizationServer } from '#authorization'
import { createScopeSource } from '#contracts'
import { createPartnerDirectory } from '#partners'
import { createSealing } from '#platform/sealing'
import { dropTestDatabases, testPlatform } from '#platform/testing'

const cleanups: (() => unknown)[] = []
const scope = { after: (fn: () => unknown) => void cleanups.push(fn) }
const masterKey = createHash('sha256').update('test').digest()
const secretOf = (i: number): string => `wl_sbx_sk_${String(i).padStart(49, '0')}`
const clientOf = (i: number): string => `wl_sbx_${String(i).padStart(20, '0')}`

if (process.argv[2] === 'server') await serve(process.argv[3] ?? '')
else await load(...process.argv.slice(2).map(Number))

async function serve(url: string): Promise<void> {
  const platform = await testPlatform(scope as never, { url })
  const server = createAuthorizationServer({
    platform,
    partners: createPartnerDirectory(platform),
    contracts: createScopeSource(platform),
    port: 0,
  })
  await server.start()
  const issuer = `${platform.config.authorization.url}/sandbox`
  process.send?.({ port: server.port(), issuer, idleMb: process.memoryUsage.rss() / 1e6 })
  process.on('message', () => {
    process.send?.({ cpu: process.cpuUsage(), rssMb: process.memoryUsage.rss() / 1e6 })
  })
  process.on('disconnect', () => process.exit(0))
}

async function load(seconds = 5, connections = 32, applications = 1_000): Promise<void> {
  const platform = await testPlatform(scope as never)
  const keys = await generateKeyPair('ES256')
  await seed(platform.database.pool, applications, await exportJWK(keys.publicKey))
  const child = fork(
    fileURLToPath(import.meta.url),
    ['server', platform.config.databaseUrl ?? ''],
    {
      execArgv: process.env.PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.PROFILE}`] : [],
    },
  )
  const next = () =>
    new Promise<Record<string, unknown>>((resolve) => {
      child.once('message', (message) => resolve(message as Record<string, unknown>))
    })
  const started = await next()
  const [port, issuer, idleMb] = [
    Number(started.port),
    String(started.issuer),
    Number(started.idleMb),
  ]
  const pinned = pin(child.pid ?? 0)
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 })
  console.log(
    `${connections} connections, ${applications} applications, server ${pinned ? 'on one core' : 'not pinned'}, idle ${Math.round(idleMb)} MB`,
  )
  const bySecret = (i: number) => ({
    authorization: `Basic ${Buffer.from(`${clientOf(i % applications)}:${secretOf(i % applications)}`).toString('base64')}`,
    body: 'grant_type=client_credentials&scope=sim-swap%3Acheck',
  })
  await run(pool, connections, 2, bySecret)
  const measure = async (name: string, form: (i: number) => Form): Promise<void> => {
    child.send('cpu')
    const before = await next()
    const result = await run(pool, connections, seconds, form)
    child.send('cpu')
    const after = await next()
    const cpu = ({ cpu: used }: Record<string, unknown>): number => {
      const { user, system } = used as NodeJS.CpuUsage
      return user + system
    }
    const cores = (cpu(after) - cpu(before)) / 1e6 / result.seconds
    console.log(
      `${name.padEnd(22)} ${String(Math.round(result.rate)).padStart(6)} tokens/s   p50 ${result.p50.toFixed(1)} ms   p99 ${result.p99.toFixed(1)} ms   ${cores.toFixed(2)} cores   ${Math.round(Number(after.rssMb))} MB   ${result.failed} failed`,
    )
  }
  await measure('client_secret_basic', bySecret)
  const prepared = await Promise.all(
    Array.from({ length: 6_000 * Math.max(1, seconds / 5) }, (_, i) =>
      assertionBody(clientOf(i % applications), issuer, keys.privateKey),
    ),
  )
  await measure('private_key_jwt', (i) => {
    const body = prepared[i]
    return body === undefined ? undefined : { body }
  })
  child.disconnect()
  await pool.close()
  for (const cleanup of cleanups) await cleanup()
  await dropTestDatabases()
  process.exit(0)
}

type Form = { authorization?: string; body: string } | undefined

async function run(pool: Pool, connections: number, seconds: number, form: (i: number) => Form) {
  const times: number[] = []
  let failed = 0
  let i = 0
  const start = performance.now()
  const until = start + seconds * 1_000
  const worker = async (): Promise<void> => {
    for (;;) {
      const given = performance.now() < until ? form(i++) : undefined
      if (given === undefined) return
      const { body, authorization } = given
      const sent = performance.now()
      const answer = await pool.request({
        path: '/sandbox/token',
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(authorization === undefined ? {} : { authorization }),
        },
        body,
      })
      await answer.body.dump()
      times.push(performance.now() - sent)
      if (answer.statusCode !== 200) failed += 1
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const took = (performance.now() - start) / 1_000
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0
  return { rate: times.length / took, p50: at(0.5), p99: at(0.99), failed, seconds: took }
}

function pin(pid: number): boolean {
  try {
    execFileSync('taskset', ['-a', '-p', '-c', '0', String(pid)], { stdio: 'ignore' })
    execFileSync(
      'taskset',
      ['-a', '-p', '-c', `1-${availableParallelism() - 1}`, String(process.pid)],
      { stdio: 'ignore' },
    )
    return true
  } catch {
    return false
  }
}

async function assertionBody(id: string, issuer: string, key: CryptoKey): Promise<string> {
  const now = Math.floor(Date.now() / 1_000)
  const jws = await new SignJWT({ iss: id, sub: id, aud: `${issuer}/token`, jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'bench' })
    .setIssuedAt(now)
    .setExpirationTime(now + 290)
    .sign(key)
  return new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'sim-swap:check',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: jws,
  }).toString()
}

async function seed(
  pool: { query(sql: string, values?: unknown[]): Promise<unknown> },
  count: number,
  jwk: object,
) {
  const hash = createSealing(masterKey)
  const rows = Array.from({ length: count }, (_, i) => i)
  await pool.query(
    `insert into partners.partner (id, name, state, created_at) values ('prt_b', 'Bench', 'active', now())`,
  )
  await pool.query(
    `insert into partners.application (id, partner_id, name, environment, client_id, state, created_at)
     select 'app_' || c, 'prt_b', c, 'sandbox', c, 'active', now() from unnest($1::text[]) c`,
    [rows.map(clientOf)],
  )
  await pool.query(
    `insert into partners.credential (id, application_id, type, hint, secret_hash, created_at)
     select 'crd_' || c, 'app_' || c, 'client_secret', 'x', h, now() from unnest($1::text[], $2::text[]) as t(c, h)`,
    [rows.map(clientOf), rows.map((i) => hash.keyedHash('client-secret', secretOf(i)))],
  )
  await pool.query(
    `insert into partners.credential (id, application_id, type, hint, jwk, created_at)
     select 'crd_key_' || c, 'app_' || c, 'public_key', 'bench', $2::jsonb, now() from unnest($1::text[]) c`,
    [rows.map(clientOf), JSON.stringify({ ...jwk, kid: 'bench', alg: 'ES256', use: 'sig' })],
  )
  await pool.query(
    `insert into contracts.published_api (api_id, scopes, plans) values ('sim-swap/v2', '{sim-swap,sim-swap:check,sim-swap:retrieve-date}', '{free}')`,
  )
  await pool.query(
    `insert into contracts.contract (id, partner_id, environment, plan_id, state, time_zone, starts_at)
     values ('ctr_b', 'prt_b', 'sandbox', 'pln_free', 'active', 'UTC', now())`,
  )
  await pool.query(
    `insert into contracts.subscription (id, application_id, contract_id, partner_id, environment, api_id, state, created_at)
     select 'sub_' || c, 'app_' || c, 'ctr_b', 'prt_b', 'sandbox', '*', 'active', now() from unnest($1::text[]) c`,
    [rows.map(clientOf)],
  )
  await pool.query('analyze')
}
