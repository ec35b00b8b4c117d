import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { readClientCert, readClientCertChain } from './client-certificates/client-cert-field.ts'
import { readForwarded } from './forwarded-field.ts'
import { type Received, TrustedProxies } from './trusted-proxies.ts'

const proxies = new TrustedProxies(['10.0.0.0/8', '2001:db8:1::/48', '::ffff:172.16.0.0/108'])
const from = (remoteAddress: string, headers: IncomingHttpHeaders = {}): Received => ({
  headers,
  socket: { remoteAddress } as Socket,
})

for (const [what, address, trusted] of [
  ['an address of the network', '10.1.2.3', true],
  ['the same in IPv6', '::ffff:10.1.2.3', true],
  ['an IPv6 address of the network', '2001:db8:1::7', true],
  ['a network that was written as IPv6', '172.16.3.4', true],
  ['an address beside it', '172.32.0.1', false],
  ['one with a zone', '2001:db8:1::7%eth0', true],
  ['an address beside the first network', '11.0.0.1', false],
  ['an IPv6 address beside it', '2001:db8:2::7', false],
  ['no address', '', false],
] as const)
  test(`a connection from ${what} is ${trusted ? '' : 'not '}a proxy's`, () =>
    assert.equal(proxies.trusts(from(address)), trusted))

test('without networks nobody is trusted', () => {
  assert.equal(new TrustedProxies([]).trusts(from('127.0.0.1')), false)
})

const x = 'x-forwarded-for'
for (const [what, address, headers, client] of [
  ['nobody in between', '192.0.2.1', {}, '192.0.2.1'],
  ['a stranger who claims to be a proxy', '192.0.2.1', { [x]: '198.51.100.9' }, '192.0.2.1'],
  ['one proxy', '10.0.0.1', { [x]: '198.51.100.9' }, '198.51.100.9'],
  [
    'a client that forged the left part',
    '10.0.0.1',
    { [x]: '1.2.3.4, 198.51.100.9' },
    '198.51.100.9',
  ],
  ['two proxies', '10.0.0.1', { [x]: '198.51.100.9, 10.9.9.9' }, '198.51.100.9'],
  ['ports', '10.0.0.1', { [x]: '198.51.100.9:4711' }, '198.51.100.9'],
  ['IPv6 with a port', '10.0.0.1', { [x]: '[2001:db8::1]:99' }, '2001:db8::1'],
  ['a name instead of an address', '10.0.0.1', { [x]: 'unknown' }, '10.0.0.1'],
  ['a hidden hop', '10.0.0.1', { [x]: '198.51.100.9, unknown, 10.2.2.2' }, '10.2.2.2'],
  ['proxies only', '10.0.0.1', { [x]: '10.0.0.3, 10.0.0.2' }, '10.0.0.3'],
  ['Forwarded', '10.0.0.1', { forwarded: 'for="[2001:db8::1]:4711";proto=https' }, '2001:db8::1'],
  [
    'Forwarded of two hops',
    '10.0.0.1',
    { forwarded: 'for=198.51.100.9, for=10.3.3.3' },
    '198.51.100.9',
  ],
  ['a malformed Forwarded', '10.0.0.1', { forwarded: 'for=1.2.3.4; ,' }, '10.0.0.1'],
  [
    'both, that agree',
    '10.0.0.1',
    { forwarded: 'for=198.51.100.9', [x]: '198.51.100.9' },
    '198.51.100.9',
  ],
  ['both, that differ', '10.0.0.1', { forwarded: 'for=1.2.3.4', [x]: '198.51.100.9' }, '10.0.0.1'],
] as const)
  test(`the client's address with ${what} is ${client}`, () =>
    assert.equal(proxies.clientAddress(from(address, headers)), client))

test('how a proxy was reached is believed of trusted ones only, and not when its fields differ', () => {
  const fields = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'API.example:443' }
  assert.deepEqual(proxies.reachedAs(from('10.0.0.1', fields)), {
    scheme: 'https',
    host: 'api.example:443',
  })
  assert.equal(proxies.reachedAs(from('192.0.2.1', fields)), undefined)
  const forwarded = 'for=1.2.3.4;host=evil.example;proto=https'
  assert.equal(proxies.reachedAs(from('10.0.0.1', { ...fields, forwarded })), undefined)
  assert.deepEqual(proxies.reachedAs(from('10.0.0.1', { forwarded })), {
    scheme: 'https',
    host: 'evil.example',
  })
})

test('what one proxy wrote in Forwarded is read as it was, quoted or not', () => {
  const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
  const quoted = fc.stringMatching(/^[\t \x21-\x7e]{0,12}$/)
  const pair = (name: string) =>
    fc.oneof(
      token.map((value) => ({ name, value, text: `${name}=${value}` })),
      quoted.map((value) => ({
        name,
        value,
        text: `${name}="${value.replace(/["\\]/g, (c) => `\\${c}`)}"`,
      })),
    )
  const element = fc.tuple(pair('for'), pair('Host'), pair('proto'))
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 4 }), (elements) => {
      const field = elements.map((pairs) => pairs.map((p) => p.text).join(';')).join(', ')
      const expected = elements.map((pairs) =>
        Object.fromEntries(pairs.map((p) => [p.name.toLowerCase(), p.value])),
      )
      assert.deepEqual(readForwarded(field), expected)
    }),
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      readForwarded(text)
      return true
    }),
  )
  for (const malformed of [
    '',
    'for',
    'for=',
    'for=a;for=b',
    'for=a,',
    'for=a;',
    'for="a',
    'for=a b',
  ])
    assert.equal(readForwarded(malformed), undefined, malformed)
})

test('a byte sequence is read in its only spelling', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      assert.deepEqual(readClientCert(`:${text}:`), Buffer.from(bytes))
      const unpadded = text.replace(/=+$/, '')
      if (unpadded !== text) assert.equal(readClientCert(`:${unpadded}:`), undefined)
      assert.deepEqual(readClientCertChain(`:${text}:, :${text}:`)?.length, 2)
      assert.equal(readClientCert(`:${text}:, :${text}:`), undefined)
    }),
  )
  for (const malformed of [
    '',
    '::',
    'AAAA',
    ':AAAA',
    ':AA-_:',
    ':AAAA:;a=1',
    '"AAAA"',
    ':AAAB=:',
    ':AB==:',
  ])
    assert.equal(readClientCert(malformed), undefined, malformed)
  assert.equal(readClientCertChain(Array(5).fill(':AAAA:').join(', ')), undefined)
})
