import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Clock, systemClock } from '#platform/clock'
import { createDatabasePool } from '#platform/database'
import { testPlatform, testRoles } from '#platform/testing'
import { type ApiEntry, followSnapshot, type SnapshotOperation } from '#snapshot'
import { checkApi } from '../catalog/check-api.ts'
import { putEntry } from '../snapshot/store.ts'
import type { SnapshotTables } from '../snapshot/tables.ts'
import { createSandbox } from './create-sandbox.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

const upstreamToken = 'token-of-the-sandbox-gateway'
export const anApplication = 'app_0mf3k2x9ab7c1d5e9f2g'
export const anotherApplication = 'app_0mf3k2x9ab7c1d5e9f2h'

const pack = path.join(import.meta.dirname, '..', '..', 'catalog')

/** The operator pack's API of this name, compiled as a publication does. */
export async function packEntry(name: string): Promise<ApiEntry> {
  const read = (file: string): string => readFileSync(path.join(pack, name, file), 'utf8')
  const files = { document: read('openapi.yaml'), product: read('product.yaml') }
  const checked = await checkApi(files)
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults))
  const { api } = checked
  return anEntry(api.name, api.version, api.operations, api.schemas)
}

export function anEntry(
  name: string,
  version: string,
  operations: readonly SnapshotOperation[],
  schemas: ApiEntry['schemas'] = {},
): ApiEntry {
  return {
    kind: 'api',
    id: `${name}/${version}`,
    name,
    version,
    title: name,
    domain: 'Identity',
    lifecycle: 'published',
    owner: { team: 'Tests', contact: 'tests@operator.example' },
    basePath: `/${name}/${version}`,
    profile: '0.6',
    upstream: { kind: 'simulated', timeoutMs: 5_000 },
    operations,
    schemas,
  } as ApiEntry
}

/** What was opened last is closed first: nothing may still ask a database that is gone. */
function lastFirst(test: TestContext): TestContext {
  const closing: (() => Promise<void> | void)[] = []
  test.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  return {
    after: (close) => {
      closing.push(close)
    },
  }
}

export const packNames = ['sim-swap', 'location-verification', 'one-time-password-sms']

type CallOptions = {
  method?: string
  application?: string
  headers?: Record<string, string>
  raw?: string
}
type Reply = { status: number; body: unknown; headers: Headers }

/** A started simulator on a database of its own that follows the real snapshot, and the gateway's way to call it. */
export async function startTestSandbox(
  test: TestContext,
  options: { clock?: Clock; apis?: readonly ApiEntry[]; restricted?: boolean } = {},
) {
  const t = lastFirst(test)
  const clock = options.clock ?? systemClock
  const platform = await testPlatform(t, { clock })
  const publish = async (id: string, entry: ApiEntry | undefined): Promise<void> => {
    await platform.database
      .as<SnapshotTables>()
      .transaction()
      .execute((trx) => putEntry(trx, 'sandbox', 'api', id, entry, new Date()))
  }
  const apis = options.apis ?? (await Promise.all(packNames.map(packEntry)))
  for (const api of apis) await publish(api.id, api)
  const url =
    options.restricted === true
      ? (await testRoles(platform.database)).simulator
      : platform.database.url
  const database = createDatabasePool(url, { applicationName: 'wayleave sandbox', max: 6 })
  t.after(() => database.close())
  const follower = followSnapshot({
    databaseUrl: url,
    environment: 'sandbox',
    log: platform.log,
  })
  const sandbox = createSandbox({
    listen: { host: '127.0.0.1', port: 0 },
    upstreamToken,
    follower,
    database,
    newId: platform.newId,
    clock,
    log: platform.log,
  })
  await sandbox.start()
  t.after(() => sandbox.stop())

  const call = async (target: string, body?: unknown, extra: CallOptions = {}): Promise<Reply> => {
    const payload = extra.raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(`http://127.0.0.1:${sandbox.port()}${target}`, {
      method: extra.method ?? 'POST',
      headers: {
        authorization: `Bearer ${upstreamToken}`,
        'x-wayleave-application': extra.application ?? anApplication,
        'x-wayleave-partner': 'prt_0mf3k2x9ab7c1d5e9f2g',
        'x-correlator': `test-${randomBytes(4).toString('hex')}`,
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...extra.headers,
      },
      ...(payload !== undefined && { body: payload }),
    })
    const text = await response.text()
    return {
      status: response.status,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
      headers: response.headers,
    }
  }
  return { platform, database, sandbox, follower, publish, call }
}

export const codeIn = (reply: Reply): unknown =>
  (reply.body as { code?: unknown } | undefined)?.code
