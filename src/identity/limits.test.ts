import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { networkOf } from '#platform/network'
import { identityUnderTest } from './testing.ts'

test('an IPv6 address counts as its /64, an IPv4 address as itself, however it is written', () => {
  const cases: Record<string, string> = {
    '192.0.2.7': '192.0.2.7',
    '::ffff:192.0.2.7': '192.0.2.7',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1:2::/64',
    '2001:db8:1:2::9': '2001:db8:1:2::/64',
    '2001:0db8:0001:0002::': '2001:db8:1:2::/64',
    '2001:db8::1': '2001:db8:0:0::/64',
    '::1': '0:0:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
  }
  for (const [ip, network] of Object.entries(cases)) assert.equal(networkOf(ip), network, ip)
})

test('what attempts are counted by is not kept readable', async (t) => {
  const { call, platform } = await identityUnderTest(t)
  await call('POST', '/session', { body: { email: 'eve@example.com', password: 'wrong' } })
  await call('POST', '/recovery', { body: { email: 'eve@example.com' } })
  const { rows } = await sql<{ key: string }>`select key from platform.attempt_count`.execute(
    platform.database.as<unknown>(),
  )
  assert.ok(rows.length >= 4)
  for (const { key } of rows) assert.doesNotMatch(key, /eve|127\.0/)
})

test('one address may sign up 60 partners a minute and is stopped well before it can fill the place', async (t) => {
  const { identity } = await identityUnderTest(t)
  const request = { ip: '192.0.2.7' } as Parameters<typeof identity.limitSignUp>[0]
  for (let i = 0; i < 60; i += 1) await identity.limitSignUp(request)
  const more = Array.from({ length: 300 }, () => identity.limitSignUp(request))
  const results = await Promise.allSettled(more)
  assert.ok(results.some((result) => result.status === 'rejected'))
})
