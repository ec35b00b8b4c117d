import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { Pool } from 'undici'
import { type JournalRecord, listSegments, readSegment } from '#journal'
import { eventually, openTestJournal } from '#journal/testing'
import { createDatabasePool } from '#platform/database'
import { testPlatform, testRoles } from '#platform/testing'
import { testFolder } from '#platform/testing-folder'
import { announceMember } from './limits/announce-member.ts'
import { silent, testUpstream } from './testing.ts'
import type { ProcessReady, ProcessSettings } from './testing-process.ts'

const entry = fileURLToPath(new URL('./testing-process.ts', import.meta.url))
type Context = Parameters<typeof testUpstream>[0]

async function start(
  t: Context,
  settings: Pick<ProcessSettings, 'upstreamUrl' | 'folder'> & Partial<ProcessSettings>,
): Promise<ProcessReady & { child: ChildProcess; pool: Pool }> {
  const whole: ProcessSettings = {
    gatewayId: 'gtw_1',
    applications: 1,
    tokens: 1,
    terms: {},
    sync: 'never',
    ...settings,
  }
  const child = fork(entry, [JSON.stringify(whole)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  t.after(() => void child.kill('SIGKILL'))
  const [ready] = (await once(child, 'message')) as [ProcessReady]
  const pool = new Pool(`http://127.0.0.1:${ready.port}`, { connections: 64 })
  t.after(() => pool.destroy())
  return { ...ready, child, pool }
}

async function call(gateway: {
  pool: Pool
  tokens: string[]
}): Promise<{ status: number; id: string; closes: boolean }> {
  const { statusCode, headers, body } = await gateway.pool.request({
    method: 'POST',
    path: '/sim-swap/v2/check',
    headers: { authorization: `Bearer ${gateway.tokens[0]}`, 'content-type': 'application/json' },
    body: '{"phoneNumber":"+99012345678"}',
  })
  await body.dump()
  const closes = headers.connection === 'close'
  return { status: statusCode, id: String(headers['x-exchange-id']), closes }
}

/** Everything in a journal folder, as the intake would read it; every segment must be sound. */
async function journalled(folder: string, gatewayId = 'gtw_1'): Promise<JournalRecord[]> {
  await openTestJournal(folder, { gatewayId }).then((journal) => journal.stop())
  return listSegments(folder).flatMap((file) => {
    const read = readSegment(readFileSync(file.path))
    assert.ok(read.ok, read.ok ? '' : read.fault)
    return read.records
  })
}

test('kill -9 under load: every 2xx that a client received is in the journal, billed once', async (t) => {
  const upstream = await testUpstream(t)
  const folder = testFolder(t)
  const received: string[] = []
  for (let round = 0; round < 3; round += 1) {
    const gateway = await start(t, { upstreamUrl: upstream.url, folder })
    const target = received.length + 1_500 * (round + 1)
    const client = async (): Promise<void> => {
      try {
        for (;;) {
          const { status, id } = await call(gateway)
          if (status === 200) received.push(id)
          if (received.length === target) gateway.child.kill('SIGKILL')
        }
      } catch {
        // The gateway is dead: what this client had received by then is what counts.
      }
    }
    await Promise.all(Array.from({ length: 48 }, client))
    assert.equal(gateway.child.signalCode ?? (await once(gateway.child, 'exit'))[1], 'SIGKILL')
  }
  const records = await journalled(folder)
  const billed = new Map<string, number>()
  for (const { id, units } of records) billed.set(id, (billed.get(id) ?? 0) + units)
  assert.equal(new Set(records.map((record) => record.id)).size, records.length)
  assert.ok(received.length >= 9_000)
  assert.deepEqual(
    received.filter((id) => billed.get(id) !== 1),
    [],
  )
})

test('a drain finishes what has begun, takes nothing new, seals the journal, and ends with 0', async (t) => {
  const upstream = await testUpstream(t)
  const held: (() => void)[] = []
  const fine = upstream.answer
  upstream.answer = (...args) => void held.push(() => fine(...args))
  const folder = testFolder(t)
  const gateway = await start(t, { upstreamUrl: upstream.url, folder })
  const calls = Array.from({ length: 20 }, () => call(gateway))
  await eventually(() => held.length === 20)
  const exit = once(gateway.child, 'exit')
  gateway.child.kill('SIGTERM')
  await eventually(() =>
    fetch(`http://127.0.0.1:${gateway.port}/`).then(
      () => false,
      () => true,
    ),
  )
  for (const release of held) release()
  const answers = await Promise.all(calls)
  assert.ok(answers.every(({ status, closes }) => status === 200 && closes))
  assert.deepEqual(await exit, [0, null])
  const sealed = listSegments(folder).flatMap((file) => readSegment(readFileSync(file.path)))
  assert.ok(sealed.every((segment) => segment.ok && !segment.footer.recovered))
  assert.equal(sealed.flatMap((segment) => segment.records).length, 20)
})

test('gateways that share PostgreSQL admit the quota together, never more, and lose none by a drain', async (t) => {
  const upstream = await testUpstream(t)
  const platform = await testPlatform(t)
  const { gateway_sandbox: databaseUrl } = await testRoles(platform.database)
  const limit = 700
  const terms = { tier: 'paid', quota: { limit, period: 'month' } } as const
  const settings = { upstreamUrl: upstream.url, databaseUrl, terms, storesWithinMs: 10_000 }
  const folders = [testFolder(t), testFolder(t)]
  const both = await Promise.all(
    folders.map((folder, i) => start(t, { ...settings, folder, gatewayId: `gtw_${i}` })),
  )
  const statuses = await Promise.all(
    both.flatMap((gateway) =>
      Array.from({ length: 16 }, async () => {
        const seen: number[] = []
        for (let i = 0; i < 30; i += 1) seen.push((await call(gateway)).status)
        return seen
      }),
    ),
  )
  const admitted = statuses.flat().filter((status) => status === 200).length
  assert.ok(statuses.flat().every((status) => status === 200 || status === 429))
  assert.ok(admitted <= limit)
  assert.ok(admitted >= limit - 2 * 2 * Math.ceil(limit / 50))
  // What they held back is there again once they have drained.
  for (const { child } of both) {
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    assert.deepEqual(await exit, [0, null])
  }
  const third = await start(t, { ...settings, folder: testFolder(t) })
  let rest = 0
  while ((await call(third)).status === 200) rest += 1
  assert.equal(admitted + rest, limit)
})

test('a killed gateway takes its unused block with it, within the documented bound, and nothing is admitted twice', async (t) => {
  const upstream = await testUpstream(t)
  const platform = await testPlatform(t)
  const limit = 500
  const terms = { tier: 'paid', quota: { limit, period: 'month' } } as const
  const databaseUrl = platform.database.url
  const own = { databaseUrl, terms, storesWithinMs: 10_000, folder: testFolder(t) }
  const settings = { upstreamUrl: upstream.url, ...own }
  const first = await start(t, settings)
  for (let i = 0; i < 100; i += 1) assert.equal((await call(first)).status, 200)
  const exit = once(first.child, 'exit')
  first.child.kill('SIGKILL')
  await exit
  const second = await start(t, settings)
  let rest = 0
  while ((await call(second)).status === 200) rest += 1
  assert.ok(100 + rest <= limit)
  assert.ok(100 + rest >= limit - 2 * Math.ceil(limit / 50))
})

test("the role of one environment's gateway can lease of its own quotas only", async (t) => {
  const platform = await testPlatform(t)
  const urls = await testRoles(platform.database)
  const client = new Client({ connectionString: urls.gateway_sandbox })
  await client.connect()
  t.after(() => client.end())
  const lease = (name: string) =>
    client.query(`select * from gateway.${name}('ctr_1', '2026-03', 10, 4, 1)`)
  assert.deepEqual((await lease('take_sandbox_quota')).rows, [{ granted: 4, used: 4 }])
  await assert.rejects(lease('take_production_quota'), /permission denied/)
  await assert.rejects(client.query('select * from gateway.quota_use'), /permission denied/)
  await assert.rejects(
    client.query(`select gateway.take_quota('production', 'c', 'p', 1, 1, 1)`),
    /permission denied/,
  )
})

test('a gateway announces where it is and what it serves, and takes that back at its end', async (t) => {
  const platform = await testPlatform(t)
  const urls = await testRoles(platform.database)
  const database = createDatabasePool(urls.gateway_sandbox, { applicationName: 'test' })
  t.after(() => database.close())
  let revision = 7
  const announced = announceMember({
    database,
    environment: 'sandbox',
    gatewayId: 'gtw_1',
    address: 'http://10.0.0.1:9',
    revision: () => revision,
    monotonicMs: () => performance.now(),
    log: silent,
  })
  const members = async (): Promise<
    { gateway_id: string; address: string; revision: number }[]
  > => {
    const text = `select gateway_id, address, revision from gateway.member where environment = 'sandbox'`
    return (await platform.database.pool.query(text)).rows
  }
  const member = { gateway_id: 'gtw_1', address: 'http://10.0.0.1:9' }
  await eventually(async () => (await members()).length === 1)
  assert.deepEqual(await members(), [{ ...member, revision: 7 }])
  revision = 8
  await eventually(async () => (await members())[0]?.revision === 8)
  await announced.stop()
  assert.deepEqual(await members(), [])
})
