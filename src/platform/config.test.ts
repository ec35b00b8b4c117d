import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, loadConfig } from './config.ts'

const load = (env: Record<string, string>) => loadConfig('/srv/wayleave', '1.2.3', env)

const faultsOf = (env: Record<string, string>): readonly string[] => {
  try {
    load(env)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.faults
  }
  assert.fail('the configuration was accepted')
}

test('an empty environment gives the addresses of the documentation', () => {
  const config = load({})
  assert.equal(config.portal.url, 'http://localhost:8080')
  assert.equal(config.gateways.production.url, 'http://localhost:8081')
  assert.equal(config.gateways.sandbox.url, 'http://localhost:8082')
  assert.equal(config.gateways.production.tlsUrl, 'https://localhost:8083')
  assert.equal(config.gateways.sandbox.tlsUrl, 'https://localhost:8084')
  assert.equal(config.authorization.url, 'http://localhost:8085')
  assert.deepEqual(config.authorization.tls, { port: 8093, url: 'https://localhost:8093' })
  assert.equal(config.dataDir, '/srv/wayleave/data')
})

test('PORT_BASE moves the whole block, and each address can still be set alone', () => {
  const config = load({
    PORT_BASE: '28080',
    WAYLEAVE_PORTAL_PORT: '80',
    WAYLEAVE_AUTHORIZATION_URL: 'https://auth.example.com/',
  })
  assert.equal(config.portal.port, 80)
  assert.equal(config.gateways.sandbox.port, 28_082)
  assert.equal(config.authorization.port, 28_085)
  assert.equal(config.authorization.url, 'https://auth.example.com')
})

test('where the issuers have a public address, certificates are taken only where one is named for them', () => {
  const WAYLEAVE_AUTHORIZATION_URL = 'https://auth.example.com'
  assert.equal(load({ WAYLEAVE_AUTHORIZATION_URL }).authorization.tls, undefined)
  const named = {
    WAYLEAVE_AUTHORIZATION_URL,
    WAYLEAVE_AUTHORIZATION_TLS_URL: 'https://mtls.example',
  }
  assert.deepEqual(load(named).authorization.tls, { port: 8093, url: 'https://mtls.example' })
  const [fault] = faultsOf({ WAYLEAVE_AUTHORIZATION_URL, WAYLEAVE_AUTHORIZATION_TLS_PORT: '443' })
  assert.match(fault ?? '', /^WAYLEAVE_AUTHORIZATION_TLS_URL/)
  assert.match(
    faultsOf({ WAYLEAVE_AUTHORIZATION_TLS_URL: 'http://mtls.example' })[0] ?? '',
    /must be an https URL/,
  )
})

test('every fault is told at once, with the name of the variable, and no secret is shown', () => {
  const faults = faultsOf({
    PORT_BASE: 'eighty',
    DATABASE_URL: 'mysql://root:hunter2@db/x',
    WAYLEAVE_CURRENCY: 'euro',
    WAYLEAVE_SECRET_KEY: 'hunter2',
    WAYLEAVE_PORTAL_PROT: '80',
  })
  assert.equal(faults.length, 5)
  for (const name of [
    'PORT_BASE',
    'DATABASE_URL',
    'WAYLEAVE_CURRENCY',
    'WAYLEAVE_SECRET_KEY',
    'WAYLEAVE_PORTAL_PROT',
  ]) {
    assert.ok(
      faults.some((fault) => fault.startsWith(name)),
      name,
    )
  }
  assert.ok(!faults.join().includes('hunter2'))
})

test('one port for two listeners is refused', () => {
  assert.match(faultsOf({ WAYLEAVE_PORTAL_PORT: '8082' }).join(), /8082 is used twice/)
})

test('an address is given for a process, and not for a module or a mistyped name', () => {
  const url = 'postgresql://wayleave_control:secret@db/wayleave'
  assert.equal(loadConfig('/srv', '0', { DATABASE_URL_CONTROL: url }).databaseUrls.control, url)
  for (const name of ['DATABASE_URL_CONSENT', 'DATABASE_URL_CONTROLL'])
    assert.throws(
      () => loadConfig('/srv', '0', { [name]: url }),
      (error: Error) =>
        error.message.includes(`${name} is not a setting`) && !error.message.includes('secret'),
    )
  assert.throws(
    () => loadConfig('/srv', '0', { DATABASE_URL_SANDBOX: 'mysql://u:secret@db' }),
    (error: Error) =>
      error.message.includes('DATABASE_URL_SANDBOX') && !error.message.includes('secret'),
  )
})

test('a block of ports that does not fit below 65536 is refused', () => {
  assert.match(faultsOf({ PORT_BASE: '65530' }).join(), /room for the 20 ports/)
})

test('every address is no network that partners may be called in', () => {
  for (const networks of ['0.0.0.0/0', '10.0.0.0/8, ::/0', 'partner.example'])
    assert.throws(
      () => loadConfig('/srv', '1', { WAYLEAVE_EGRESS_NETWORKS: networks }),
      /WAYLEAVE_EGRESS_NETWORKS/,
    )
  const { egressNetworks } = loadConfig('/srv', '1', { WAYLEAVE_EGRESS_NETWORKS: '10.0.0.0/8' })
  assert.deepEqual(egressNetworks, ['10.0.0.0/8'])
})

test('half of a TLS certificate is refused', () => {
  assert.match(faultsOf({ WAYLEAVE_TLS_KEY_FILE: '/tmp/key.pem' }).join(), /set both, or neither/)
})
