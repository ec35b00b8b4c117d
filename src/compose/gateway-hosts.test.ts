import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { loadConfig } from '#platform/config'
import { gatewayHosts } from './gateway-hosts.ts'

const hostsOf = (env: Record<string, string>) => gatewayHosts(loadConfig('/', '1', env), 'sandbox')

test('without a public address a gateway is found by the machine’s name and addresses', () => {
  const { names, ownAddresses } = hostsOf({})
  assert.deepEqual(new Set(names), new Set(['localhost', hostname()]))
  assert.equal(ownAddresses, true)
})

test('with public addresses a gateway has their names only, and those that the operator adds', () => {
  const { names, ownAddresses } = hostsOf({
    WAYLEAVE_GATEWAY_SANDBOX_URL: 'https://sandbox.example/base',
    WAYLEAVE_GATEWAY_SANDBOX_TLS_URL: 'https://mtls.sandbox.example:8443',
    WAYLEAVE_GATEWAY_PRODUCTION_URL: 'https://live.example',
    WAYLEAVE_GATEWAY_HOSTS: 'gateway.internal, [2001:db8::7],192.0.2.7',
  })
  assert.deepEqual(names, [
    'sandbox.example',
    'mtls.sandbox.example',
    'gateway.internal',
    '[2001:db8::7]',
    '192.0.2.7',
  ])
  assert.equal(ownAddresses, false)
})

for (const wrong of ['gw:8082', 'https://gw', '*', 'gw/x', 'a@gw', '', ' , '])
  test(`a further host may not be ${JSON.stringify(wrong)}`, () => {
    const load = () => hostsOf({ WAYLEAVE_GATEWAY_HOSTS: wrong })
    if (wrong === '') assert.ok(load())
    else assert.throws(load, /WAYLEAVE_GATEWAY_HOSTS/)
  })
