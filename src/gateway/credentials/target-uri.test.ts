import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normalisedUri } from './target-uri.ts'

const plain = 'https://api.example/sim-swap/v2/check'

for (const same of [
  'HTTPS://API.Example/sim-swap/v2/check',
  'https://api.example:443/sim-swap/v2/check',
  'https://api.example:/sim-swap/v2/check',
  'https://api.example/sim-swap/v2/./check',
  'https://api.example/sim-swap/x/../v2/check',
  'https://api.example/sim%2Dswap/v2/check',
  'https://api.example/sim%2dswap/v2/check?a=1#b',
])
  test(`${same} is the same address`, () => assert.equal(normalisedUri(same), plain))

for (const different of [
  'http://api.example/sim-swap/v2/check',
  'https://api.example:8443/sim-swap/v2/check',
  'https://api.example/sim-swap/v2/check/',
  'https://api.example/sim-swap/v2/Check',
  'https://api.example/sim-swap%2Fv2/check',
  'https://api.example./sim-swap/v2/check',
  'https://api.example/sim-swap//v2/check',
])
  test(`${different} is another address`, () => {
    assert.ok(normalisedUri(different))
    assert.notEqual(normalisedUri(different), plain)
  })

for (const none of [
  '',
  'api.example/sim-swap',
  '/sim-swap/v2/check',
  'ftp://api.example/',
  'https://user@api.example/',
  'https://api.example\\@evil.example/',
  'https://api.example/a b',
  'https://api.example/%zz',
  'https://api.example/a\n',
  'https://api.exämple/',
  'https:///a',
  `https://api.example/${'a'.repeat(5_000)}`,
])
  test(`"${none.slice(0, 40)}" is refused`, () => assert.equal(normalisedUri(none), undefined))

test('a normalised address is its own normal form, and never names another host or scheme', () => {
  const segment = fc.stringMatching(/^(?:[a-zA-Z0-9.~_-]|%[0-9A-Fa-f]{2}|[!$&'()*+,;=:@]){0,8}$/)
  const path = fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`)
  fc.assert(
    fc.property(fc.constantFrom('http', 'https', 'HTTPS'), fc.domain(), path, (scheme, host, p) => {
      const once = normalisedUri(`${scheme}://${host}${p}`)
      assert.ok(once !== undefined)
      assert.equal(normalisedUri(once), once)
      assert.ok(once.startsWith(`${scheme.toLowerCase()}://${host.toLowerCase()}/`))
      assert.ok(!/\/\.{1,2}(?:\/|$)/.test(once))
    }),
    { numRuns: 2_000 },
  )
})
