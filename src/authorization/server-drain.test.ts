import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool } from 'undici'
import { basic, sandboxId, sandboxSecret, testServers } from './testing.ts'

test('a server that is restarted under load fails not one token request, and says that it goes before it does', async (t) => {
  const { servers } = await testServers(t, { server: { lameDuckMs: 300 } })
  const pools = servers.map((s) => new Pool(`http://127.0.0.1:${s.port()}`, { connections: 6 }))
  t.after(() => Promise.all(pools.map((pool) => pool.close())).then(() => undefined))
  const answers = [0, 0]
  let current = 0
  let isOver = false
  const client = async (): Promise<void> => {
    while (!isOver) {
      const used = current
      const answer = await pools[used]?.request({
        method: 'POST',
        path: '/sandbox/token',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...basic(sandboxId, sandboxSecret),
        },
        body: 'grant_type=client_credentials&scope=sim-swap%3Acheck',
      })
      await answer?.body.dump()
      assert.equal(answer?.statusCode, 200)
      if (answer.headers.connection === 'close') current = 1
      answers[used] = (answers[used] ?? 0) + 1
    }
  }
  const clients = Promise.all(Array.from({ length: 6 }, client))
  const atLeast = async (server: number, count: number): Promise<void> => {
    while ((answers[server] ?? 0) < count)
      await Promise.race([
        clients,
        new Promise((resolve) => {
          setTimeout(resolve, 5)
        }),
      ])
  }
  await atLeast(0, 30)
  const stopped = servers[0]?.stop()
  assert.equal(servers[0]?.ready(), false)
  await stopped
  await atLeast(1, 30)
  isOver = true
  await clients
})
