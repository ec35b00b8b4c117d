import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHttpServer } from './http-server.ts'
import { testPlatform } from './testing.ts'

test('a client is the address of the connection, or what proxies that are trusted say of it', async (t) => {
  const { log } = await testPlatform(t)
  const cases: [trusted: string[], peer: string, field: string | undefined, expected: string][] = [
    [[], '192.0.2.1', '203.0.113.9', '192.0.2.1'],
    [['10.0.0.0/8'], '192.0.2.1', '203.0.113.9', '192.0.2.1'],
    [['10.0.0.0/8'], '10.1.2.3', '203.0.113.9', '203.0.113.9'],
    [['10.0.0.0/8'], '10.1.2.3', '198.51.100.7, 203.0.113.9', '203.0.113.9'],
    [['10.0.0.0/8'], '10.1.2.3', '198.51.100.7, 203.0.113.9, 10.9.9.9', '203.0.113.9'],
    [['10.0.0.0/8'], '10.1.2.3', undefined, '10.1.2.3'],
    [['::1/128'], '::1', '2001:db8::7', '2001:db8::7'],
  ]
  for (const [trustedProxies, remoteAddress, field, expected] of cases) {
    const server = createHttpServer({ log, trustedProxies })
    server.get('/', ({ ip }) => ({ ip }))
    const headers = field === undefined ? {} : { 'x-forwarded-for': field }
    const answer = await server.inject({ url: '/', remoteAddress, headers })
    assert.equal(answer.json<{ ip: string }>().ip, expected, `${remoteAddress}: ${field}`)
    await server.close()
  }
})
