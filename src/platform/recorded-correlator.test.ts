import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { loggable } from './loggable.ts'
import { mayTell, recordedAs, recordedCorrelator } from './recorded-correlator.ts'
import { createSealing } from './sealing.ts'

const sandbox = createSealing(Buffer.alloc(32, 1))
const production = createSealing(Buffer.alloc(32, 2))

for (const told of [
  '4917612345678',
  '0049-176-1234567',
  'check:34612345678',
  'msisdn_491761234567_1',
  '0176.12.34.567',
  '55/5;1{2}3<4>5',
  'tel4912345678x',
  '00000000-0000-4000-8000-491761234567',
  '00000000000000004917612345678',
  'order-99012345678-abcdef',
  'wl_live_key_abcdefgh',
  'eyJhbGciOiJFUzI1NiJ9.e30.c2ln',
])
  test(`a correlator that may tell of somebody is written down as a hash: ${told}`, () => {
    const recorded = recordedCorrelator(told, sandbox)
    assert.match(recorded, /^hashed:[\w-]{43}$/)
    assert.equal(recorded, recordedCorrelator(told, sandbox))
    assert.notEqual(recorded, recordedCorrelator(told, production))
    assert.notEqual(recorded, `hashed:${createHash('sha256').update(told).digest('base64url')}`)
    assert.deepEqual(loggable({ correlator: told }), { correlator: '[digits]' })
    assert.deepEqual(loggable({ correlator: recorded }), { correlator: recorded })
  })

for (const opaque of [
  'b4333c46-49c0-4f62-80d7-f0ef930f1c46',
  'B4333C46-49C0-4F62-80D7-F0EF930F1C46',
  '7a9b0c1d-2e3f-4a5b-8c6d-123456789012',
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'req-4bf92f3577b34da6',
  'abc-1',
  'V1StGXR8_Z5jdHi6B-myT',
  'order-12-34-ab',
  'step:100200/a',
])
  test(`an id that says nothing is written down as it is: ${opaque}`, () => {
    assert.equal(recordedCorrelator(opaque, sandbox), opaque)
    assert.deepEqual(loggable({ correlator: opaque }), { correlator: opaque })
  })

test('wherever a number is put in a correlator, and however it is grouped, it is not written down', () => {
  const characters = fc.string({ unit: fc.constantFrom(...'abgzXYZ-_:;./<>{}019'), maxLength: 40 })
  const grouped = fc
    .tuple(
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 7, maxLength: 15 }),
      fc.constantFrom('', '-', '.', '_', '/', ':'),
    )
    .map(([digits, between]) => digits.join(between))
  fc.assert(
    fc.property(characters, grouped, characters, (before, digits, after) => {
      assert.ok(mayTell(`${before}g${digits}g${after}`))
      assert.ok(mayTell(`${before}-${digits}`))
    }),
  )
})

test('ids that are made at random stay readable', () => {
  let hashes = 0
  for (let i = 0; i < 20_000; i += 1) if (mayTell(randomUUID())) hashes += 1
  assert.ok(hashes < 10, `${hashes} of 20 000 UUIDs`)
  hashes = 0
  for (let i = 0; i < 20_000; i += 1) if (mayTell(randomBytes(16).toString('hex'))) hashes += 1
  assert.ok(hashes < 2_000, `${hashes} of 20 000 hexadecimal ids`)
})

test('nobody writes a hash of their own, and what was written is found by what was sent or read', () => {
  const victim = recordedCorrelator('4917612345678', sandbox)
  assert.notEqual(recordedCorrelator(victim, sandbox), victim)
  const keys = [sandbox, production]
  assert.deepEqual(recordedAs('abc-1', keys), ['abc-1'])
  assert.ok(recordedAs('4917612345678', keys).includes(victim))
  assert.ok(
    recordedAs('4917612345678', keys).includes(recordedCorrelator('4917612345678', production)),
  )
  assert.ok(recordedAs(victim, keys).includes(victim))
})
