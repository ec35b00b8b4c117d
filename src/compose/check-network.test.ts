import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { loadConfig } from '#platform/config'
import { checkNetwork } from './check-network.ts'

const levels = async (env: Record<string, string>) =>
  (await checkNetwork(loadConfig('/nowhere', '0', env))).map(({ level }) => level)

test('the doctor says that production knows nobody, and what it reads where it does', async () => {
  assert.deepEqual(await levels({}), ['note'])
  const enriched = {
    WAYLEAVE_ENRICHED_HEADER: 'x-msisdn',
    WAYLEAVE_ENRICHED_NETWORKS: '10.20.0.0/16',
  }
  assert.deepEqual(await levels(enriched), ['ok'])
})

test('the doctor tries the number lookup, with an address of nobody', async (t) => {
  let status = 404
  const server = createServer((_, response) => response.writeHead(status).end())
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.close()
  })
  const env = {
    WAYLEAVE_NUMBER_LOOKUP_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    WAYLEAVE_NUMBER_LOOKUP_TOKEN: 'x',
  }
  assert.deepEqual(await levels(env), ['ok'])
  status = 403
  assert.deepEqual(await levels(env), ['mend'])
})

for (const [what, env] of [
  ['a header that anybody may write', { WAYLEAVE_ENRICHED_HEADER: 'x-msisdn' }],
  ['networks of everybody', { WAYLEAVE_ENRICHED_NETWORKS: '0.0.0.0/0' }],
  ['a field with another meaning', { WAYLEAVE_ENRICHED_HEADER: 'X-Forwarded-For' }],
  ['a lookup that anybody may ask', { WAYLEAVE_NUMBER_LOOKUP_URL: 'https://numbers.example/' }],
  ['a lookup without TLS', { WAYLEAVE_NUMBER_LOOKUP_URL: 'http://numbers.example/' }],
  ['numbers of the sandbox', { WAYLEAVE_SUBSCRIBER_NUMBERS: '+990' }],
] as const)
  test(`the configuration refuses ${what}`, () => {
    assert.throws(() => loadConfig('/nowhere', '0', env))
  })
