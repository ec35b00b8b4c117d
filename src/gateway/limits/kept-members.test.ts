import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { createDatabasePool } from '#platform/database'
import { testPlatform, testRoles } from '#platform/testing'
import { testRedis } from '#platform/testing-redis'
import { silent } from '../testing.ts'
import { countMembers } from './count-members.ts'
import { KeptMembers } from './kept-members.ts'
import { LimitNode } from './limit-node.ts'
import { redisLimitStore } from './redis-limit-store.ts'

type Context = Parameters<typeof testRedis>[0]

function fileOf(t: Context): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-members-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return path.join(folder, 'members')
}

const kept = (file: string, workers = 1): KeptMembers =>
  new KeptMembers({ file, workers, log: silent })

test('the number of members is kept when it grows, and a smaller one after a minute', async (t) => {
  const file = fileOf(t)
  const members = kept(file)
  assert.equal(members.least, 1)
  for (const [count, nowMs, least] of [
    [8, 0, 8],
    [3, 1_000, 8],
    [3, 59_999, 8],
    [8, 60_000, 8],
    [3, 119_999, 8],
    [3, 120_000, 3],
  ] as const) {
    members.tell(count, nowMs)
    await members.settled()
    assert.equal(kept(file).least, least)
  }
  assert.deepEqual(readdirSync(path.dirname(file)), ['members'])
})

test('a gateway counts its own workers at least, whatever the file says', (t) => {
  const file = fileOf(t)
  assert.equal(kept(file, 4).least, 4)
  for (const text of ['', '0', '-3', '7.5', '1e9', '999999999', 'many']) {
    writeFileSync(file, text)
    assert.equal(kept(file, 2).least, 2, text)
  }
  writeFileSync(file, '6\n')
  assert.equal(kept(file, 2).least, 6)
})

test('gateways that are all restarted while the limit store is away give no more than the limit together', async (t) => {
  const redis = await testRedis(t)
  const files = [fileOf(t), fileOf(t)]
  const start = async (): Promise<LimitNode[]> => {
    // Two gateways of two workers each.
    const nodes = [...files, ...files].map((file, n) => {
      const node = new LimitNode({
        store: redisLimitStore(redis.url, 'sandbox', silent),
        kept: kept(file, 2),
        member: `${n} ${performance.now()}`,
        log: silent,
        monotonicMs: () => performance.now(),
      })
      t.after(() => node.stop())
      return node
    })
    await Promise.all(nodes.map((node) => node.start()))
    return nodes
  }
  const before = await start()
  await eventually(() => before.every(({ members }) => members === 4))
  await eventually(() => files.every((file) => readFileSync(file, 'utf8') === '4\n'))
  await redis.kill()
  await Promise.all(before.map((node) => node.stop()))
  const after = await start()
  for (const node of after) assert.equal(node.mode, 'local')
  const given = after.reduce((sum, node) => sum + node.part(100, 1_000, performance.now()), 0)
  assert.equal(given, 100)
  await redis.start()
  await eventually(() => after.every(({ mode, members }) => mode === 'shared' && members === 4))
})

test('a gateway that starts anew while Redis is away counts those that PostgreSQL knows, and the ones that come later', async (t) => {
  const platform = await testPlatform(t)
  const urls = await testRoles(platform.database)
  const database = createDatabasePool(urls.gateway_sandbox, { applicationName: 'test', max: 4 })
  t.after(() => database.close())
  const announce = (gatewayId: string, environment: 'sandbox' | 'production'): Promise<unknown> =>
    platform.database.pool.query(
      `select gateway.announce_${environment}($1, 'http://127.0.0.1:1', 1, 0, false)`,
      [gatewayId],
    )
  for (const gatewayId of ['one', 'two', 'three']) await announce(gatewayId, 'sandbox')
  await announce('elsewhere', 'production')
  const redis = await testRedis(t)
  await redis.kill()
  const node = new LimitNode({
    store: redisLimitStore(redis.url, 'sandbox', silent),
    kept: new KeptMembers({
      file: fileOf(t),
      workers: 1,
      count: () => countMembers(database, 'sandbox'),
      log: silent,
    }),
    member: 'new',
    log: silent,
    monotonicMs: () => performance.now(),
  })
  t.after(() => node.stop())
  await node.start()
  assert.equal(node.members, 3)
  await announce('four', 'sandbox')
  await eventually(() => node.members === 4)
})
