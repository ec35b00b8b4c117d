import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startEmbeddedPostgres } from '#platform/embedded-postgres'
import { migrate } from '#platform/migrations'
import { freePort } from '#platform/testing'
import { testRedis } from '#platform/testing-redis'
import type { ContractEntry } from '#snapshot'
import { cluster, type Member, started } from '../src/gateway/limits/testing-cluster.ts'
import { testUpstream } from '../src/gateway/testing.ts'
import type { ProcessSettings } from '../src/gateway/testing-process.ts'
import { migrated } from '../src/modules.ts'

type Scope = { after: (fn: () => unknown) => void }
type Shared = Pick<ProcessSettings, 'limits' | 'databaseUrl'>
const limit = 500
const seconds = 4
const clients = 8

/**
 * How exact the limiter is, and what it costs, with 1, 2 and 4 gateways on one store: five applications of one contract
 * send all that the gateways take. Gateways, store, upstream and load share this machine.
 */
export async function benchLimits(): Promise<void> {
  const cleanups: (() => unknown)[] = []
  const scope: Scope = { after: (fn) => void cleanups.push(fn) }
  try {
    const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-bench-limits-'))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    const postgres = await startEmbeddedPostgres({ dataDir: folder, port: await freePort() })
    cleanups.push(() => postgres.stop())
    await migrate(postgres.url, path.join(import.meta.dirname, '../src'), migrated)
    const stores: [string, Shared][] = [
      ['PostgreSQL', { limits: 'postgres', databaseUrl: postgres.url }],
    ]
    if (existsSync('/usr/bin/redis-server')) {
      const { url } = await testRedis(scope as never)
      stores.push(['Redis', { limits: url as `redis://${string}` }])
    } else console.log('without Redis: apt-get install redis-server')
    const rows: Record<string, Record<string, string | number>> = {}
    for (const [store, shared] of stores)
      for (const gateways of [1, 2, 4])
        rows[`${store}, ${gateways} gateways`] = await measure(shared, gateways)
    console.log(`limit: ${limit} in any second, and one that is never reached; ${seconds} s each`)
    console.table(rows)
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup()
  }
}

async function measure(shared: Shared, gateways: number): Promise<Record<string, string | number>> {
  const free = await run(shared, gateways, 100_000_000)
  const held = await run(shared, gateways, limit)
  return {
    'served/s, no limit reached': Math.round(free.admitted / seconds),
    'answered/s, limit reached': Math.round(held.answered / seconds),
    'admitted/s': Math.round(held.admitted / seconds),
    'of the limit': `${((held.admitted / seconds / limit) * 100).toFixed(1)} %`,
  }
}

async function run(
  shared: Shared,
  gateways: number,
  most: number,
): Promise<{ admitted: number; answered: number }> {
  const cleanups: (() => unknown)[] = []
  const scope: Scope = { after: (fn) => void cleanups.push(fn) }
  const terms: Partial<ContractEntry> = { rate: [{ limit: most, windowSeconds: 1 }] }
  try {
    const upstream = await testUpstream(scope as never)
    const members = await started(cluster(scope as never, shared, terms, upstream), gateways)
    // Once to know each other, and to be warm.
    await hammer(members, 1_500)
    for (const member of members) {
      member.statuses.clear()
    }
    await hammer(members, seconds * 1_000)
    const answered = members.flatMap(({ statuses }) => [...statuses.values()])
    await Promise.all(members.map((member) => member.end('SIGTERM')))
    return {
      admitted: members.reduce((sum, { admitted }) => sum + admitted, 0),
      answered: answered.reduce((sum, count) => sum + count, 0),
    }
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup()
  }
}

const hammer = async (members: readonly Member[], ms: number): Promise<void> => {
  const endMs = performance.now() + ms
  await Promise.all(members.map((member) => member.hammer(clients, endMs)))
}
