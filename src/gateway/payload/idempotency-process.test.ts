import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '#journal/testing'
import { testPlatform, testRoles } from '#platform/testing'
import { testFolder } from '#platform/testing-folder'
import { testUpstream } from '../testing.ts'
import type { ProcessReady, ProcessSettings } from '../testing-process.ts'

const entry = fileURLToPath(new URL('../testing-process.ts', import.meta.url))
type Context = Parameters<typeof testUpstream>[0]
type Running = ProcessReady & { child: ChildProcess }

/** A database, and its address for the role that a sandbox gateway has: it may call its own functions only. */
async function testRole(t: Context) {
  const { database } = await testPlatform(t)
  const urls = await testRoles(database)
  return { database, databaseUrl: urls.gateway_sandbox }
}

async function start(
  t: Context,
  more: Partial<ProcessSettings>,
  gatewayId: string,
): Promise<Running> {
  const settings: Partial<ProcessSettings> = {
    folder: testFolder(t),
    gatewayId,
    applications: 1,
    tokens: 1,
    terms: {},
    sync: 'never',
    ...more,
  }
  const child = fork(entry, [JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  t.after(() => void child.kill('SIGKILL'))
  const [ready] = (await once(child, 'message')) as [ProcessReady]
  return { ...ready, child }
}

async function send(
  { port, tokens }: Running,
  key: string,
): Promise<{ status: number; text: string; replayed: boolean }> {
  const response = await fetch(`http://127.0.0.1:${port}/sim-swap/v2/check`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokens[0]}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: '{"phoneNumber":"+99012345678"}',
  })
  const replayed = response.headers.get('idempotency-replayed') === 'true'
  return { status: response.status, text: await response.text(), replayed }
}

test('of fifty equal requests at once to two gateway processes one reaches the upstream, and all others are equal or 409', async (t) => {
  const upstream = await testUpstream(t)
  const { databaseUrl } = await testRole(t)
  const more = { upstreamUrl: upstream.url, databaseUrl }
  const gateways = await Promise.all([start(t, more, 'gtw_1'), start(t, more, 'gtw_2')])
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => send(gateways[i % 2] as Running, `k${round}`)),
    )
    assert.equal(upstream.requests.length, round + 1)
    const fine = answers.filter(({ status }) => status === 200)
    assert.ok(fine.length > 0)
    assert.deepEqual(new Set(fine.map(({ text }) => text)), new Set(['{"swapped":false}']))
    assert.equal(fine.filter(({ replayed }) => !replayed).length, 1)
    assert.ok(answers.every(({ status }) => status === 200 || status === 409))
  }
})

test('kill -9 between the upstream and the answer: nobody does it again, and the next try says that it is unknown', async (t) => {
  const upstream = await testUpstream(t)
  const fine = upstream.answer
  upstream.answer = () => undefined
  const { database, databaseUrl } = await testRole(t)
  const more = { upstreamUrl: upstream.url, databaseUrl }
  const first = await start(t, more, 'gtw_1')
  const lost = send(first, 'k').then(
    () => 'answered',
    () => 'lost',
  )
  await eventually(() => upstream.requests.length === 1)
  first.child.kill('SIGKILL')
  assert.equal(await lost, 'lost')
  upstream.answer = fine
  const second = await start(t, more, 'gtw_1')
  const running = await send(second, 'k')
  assert.equal(running.status, 409)
  assert.match(running.text, /"ABORTED"/)
  // The minute that a call may take has passed.
  await database.pool.query(
    `update gateway.idempotent_request set lease_until = now() - interval '1 second'`,
  )
  const unknown = await send(second, 'k')
  assert.equal(unknown.status, 409)
  assert.match(unknown.text, /"CONFLICT"/)
  assert.match(unknown.text, /new key/)
  assert.equal(upstream.requests.length, 1)
  assert.equal((await send(second, 'another')).status, 200)
})
