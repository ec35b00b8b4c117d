import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { startEmbeddedPostgres } from '#platform/embedded-postgres'
import { freePort } from '#platform/free-port'
import {
  accessToken,
  type Product,
  signUp,
  startProduct,
  temporaryFolder,
  until,
  wayleave,
} from '../support/product.ts'
import { childrenOf, pidOf } from '../support/roles.ts'
import { isReady, secondGateway } from '../support/second-gateway.ts'
import { steadyLoad } from '../support/steady-load.ts'

/** A drain as an operator's balancer needs it; other tests do without the wait. */
const tellsFirst = { WAYLEAVE_LAME_DUCK_SECONDS: '3' }
const body = '{"phoneNumber":"+99012345678"}'

async function newPartner(product: Product): Promise<string> {
  const { credentials, firstCall } = (await signUp(product)).body
  const { clientId, clientSecret } = credentials
  return await accessToken(firstCall.tokenUrl, clientId, clientSecret, 'sim-swap:check')
}

const call = (product: Product, token: string): Promise<number> =>
  fetch(`${product.wellKnown.environments.sandbox.gateway}/sim-swap/v2/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body,
  }).then(
    async (answer) => {
      await answer.body?.cancel()
      return answer.status
    },
    () => 0,
  )

function sandboxGateway(product: Product): number {
  const pid = pidOf(product.rolePids(), 'gateway', 'sandbox')
  assert.ok(pid !== undefined, 'the sandbox gateway does not run')
  return pid
}

/** Kills a gateway, and waits until the one that follows it serves. */
async function killAndServe(product: Product, token: string): Promise<void> {
  const before = sandboxGateway(product)
  process.kill(before, 'SIGKILL')
  await until(() => (pidOf(product.rolePids(), 'gateway', 'sandbox') ?? before) !== before, 10_000)
  await until(async () => (await call(product, token)) === 200, 20_000)
}

test('with PostgreSQL gone a gateway starts again and serves; what it served is billed once when the database is back', async (t) => {
  const dataDir = temporaryFolder(t)
  const server = { dataDir, port: await freePort(), settings: ['fsync=off'] }
  let postgres = await startEmbeddedPostgres(server)
  t.after(() => postgres.stop())
  const product = await startProduct(t, { env: { DATABASE_URL: postgres.url } })
  const token = await newPartner(product)
  assert.equal(await call(product, token), 200)

  await postgres.stop()
  await killAndServe(product, token)
  const snapshot = path.join(product.dataDir, 'gateway-sandbox', 'snapshot.jsonl')
  // One damaged byte: what is written beside it makes up for it.
  const bytes = readFileSync(snapshot)
  bytes[bytes.length >> 1] = 0x7f
  writeFileSync(snapshot, bytes)
  await killAndServe(product, token)

  postgres = await startEmbeddedPostgres(server)
  await until(
    async () => (await wayleave(product, 'metering', 'reconcile')).code === 0,
    30_000,
    500,
  )
})

test('two gateways are restarted one after the other under load, and not one call fails', async (t) => {
  const product = await startProduct(t, { env: tellsFirst })
  const token = await newPartner(product)
  const second = await secondGateway(t, product)
  const added = await second.start()
  const first = {
    url: product.wellKnown.environments.sandbox.gateway,
    health: `http://127.0.0.1:${product.portBase + 11}/health/ready`,
  }
  const load = steadyLoad({ nodes: [first, second], token, clients: 12 })
  t.after(() => load.stop())
  const served = (): number => load.seen.get('200') ?? 0
  await until(() => served() > 10, 10_000)

  // The first is started again by its supervisor.
  const before = sandboxGateway(product)
  process.kill(before, 'SIGTERM')
  await until(() => (pidOf(product.rolePids(), 'gateway', 'sandbox') ?? before) !== before, 30_000)
  await until(() => isReady(first.health), 20_000)
  // Its balancer knows it too.
  await load.knowsReady()
  const ended = once(added, 'exit')
  added.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  await second.start()
  const half = served()
  await until(() => served() > half + 10, 10_000)
  await load.stop()
  const failures = [...load.seen].filter(([what]) => what !== '200' && what !== '429')
  assert.deepEqual(failures, [])
})

test('workers share one address: killed ones are replaced, and all are replaced in turn without a failed call', async (t) => {
  const product = await startProduct(t, { env: { ...tellsFirst, GATEWAY_WORKERS: '2' } })
  const token = await newPartner(product)
  const primary = sandboxGateway(product)
  const workers = childrenOf(primary)
  assert.equal(workers.length, 2)
  const [killed] = workers
  assert.ok(killed !== undefined)
  process.kill(killed, 'SIGKILL')
  await until(() => childrenOf(primary).filter((pid) => pid !== killed).length === 2, 10_000)
  await until(async () => (await call(product, token)) === 200, 10_000)

  const health = `http://127.0.0.1:${product.portBase + 11}/health/ready`
  const node = { url: product.wellKnown.environments.sandbox.gateway, health }
  await until(() => isReady(health), 10_000)
  const load = steadyLoad({ nodes: [node], token, clients: 8 })
  t.after(() => load.stop())
  const old = childrenOf(primary)
  process.kill(primary, 'SIGUSR2')
  await until(() => childrenOf(primary).every((pid) => !old.includes(pid)), 60_000)
  await until(() => childrenOf(primary).length === 2, 10_000)
  await load.stop()
  const failures = [...load.seen].filter(([what]) => what !== '200' && what !== '429')
  assert.deepEqual(failures, [])
  const metrics = await (await fetch(`http://127.0.0.1:${product.portBase + 11}/metrics`)).text()
  assert.match(metrics, /wayleave_gateway_requests_total\{api="sim-swap\/v2"/)
})
