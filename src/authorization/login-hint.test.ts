import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { numberOfHint, readLoginHint } from './login-hint.ts'
import { sandboxLookup } from './sandbox-lookup.ts'

test('each form of the security profile is read', () => {
  const read: [string, object][] = [
    ['tel:+34666666666', { kind: 'tel', phoneNumber: '+34666666666' }],
    ['ipport:80.90.34.2:16790', { kind: 'ipport', address: '80.90.34.2', port: 16_790 }],
    ['ipport:80.90.34.2', { kind: 'ipport', address: '80.90.34.2', port: undefined }],
    ['ipport:[2001:db8::1]:8080', { kind: 'ipport', address: '2001:db8::1', port: 8_080 }],
    ['ipport:[2001:DB8:0::1]', { kind: 'ipport', address: '2001:db8::1', port: undefined }],
    ['operatortoken:abc.def:1', { kind: 'operatortoken', token: 'abc.def:1' }],
  ]
  for (const [text, hint] of read) assert.deepEqual(readLoginHint(text), hint)
})

for (const text of [
  '',
  '+34666666666',
  'tel:',
  'tel:34911222333',
  'tel:+34 666 666 666',
  'tel:+34-666-666-666',
  'tel:+34666666666;ext=1',
  'tel:+034666666666',
  'tel:+346666666666666666',
  'TEL:+34666666666',
  'tel:+34666666666\n',
  'ipport:',
  'ipport:80.90.34',
  'ipport:80.90.35.2:',
  'ipport:80.90.34.2:0',
  'ipport:80.90.34.2:65536',
  'ipport:080.90.34.2:1',
  'ipport:0x50.90.34.2:1',
  'ipport:2001:db8::1:8080',
  'ipport:[fe80::1%eth0]:1',
  'ipport:[80.90.34.2]:1',
  'ipport:name.example:1',
  'operatortoken:',
  'operatortoken:a b',
  'mailto:someone@example.com',
])
  test(`the login hint ${JSON.stringify(text)} is refused without being repeated`, () => {
    const read = readLoginHint(text)
    assert.ok('fault' in read)
    const value = text.slice(text.indexOf(':') + 1)
    if (value.length > 8) assert.equal(read.fault.includes(value), false)
  })

test('a hint of any text is read or refused, and a number that is read is E.164', () => {
  fc.assert(
    fc.property(fc.constantFrom('tel:', 'ipport:', 'operatortoken:', ''), fc.string(), (a, b) => {
      const read = readLoginHint(a + b)
      if ('kind' in read && read.kind === 'tel') assert.match(read.phoneNumber, /^\+[1-9]\d{4,14}$/)
    }),
  )
})

test('in the sandbox an address and a token are those of documented numbers, all others nobody’s', async () => {
  const number = async (text: string) => {
    const hint = readLoginHint(text)
    return 'fault' in hint ? hint : await numberOfHint(hint, sandboxLookup)
  }
  assert.equal(await number('tel:+99010000001'), '+99010000001')
  assert.equal(await number('ipport:203.0.113.7:40000'), '+99010000007')
  assert.equal(await number('ipport:[2001:db8::7]'), '+99010000007')
  assert.equal(await number('operatortoken:+99010000007'), '+99010000007')
  assert.equal(await number('tel:+351912345678'), undefined)
  assert.equal(await number('ipport:198.51.100.7'), undefined)
  assert.equal(await number('ipport:[2001:db9::7]:1'), undefined)
  assert.equal(await number('operatortoken:+351912345678'), undefined)
})
