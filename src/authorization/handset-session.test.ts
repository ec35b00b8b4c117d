import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSealing } from '#platform/sealing'
import { openHandsetSession, sealHandsetSession } from './handset-session.ts'

const sealing = createSealing(Buffer.alloc(32, 7))
const expiresAt = new Date('2026-03-02T10:00:00Z')
const before = new Date('2026-03-02T09:59:59Z')

test('a handset session says whose handset a browser is until it ends, and holds no readable number', () => {
  const value = sealHandsetSession(sealing, { phoneNumber: '+99010000001', expiresAt })
  assert.equal(value.includes('99010000001'), false)
  assert.deepEqual(openHandsetSession(sealing, value, before), {
    phoneNumber: '+99010000001',
    expiresAt,
  })
  assert.equal(openHandsetSession(sealing, value, expiresAt), undefined)
})

test('a handset session that we did not make is none', () => {
  const value = sealHandsetSession(sealing, { phoneNumber: '+99010000001', expiresAt })
  const other = sealHandsetSession(createSealing(Buffer.alloc(32, 8)), {
    phoneNumber: '+99010000001',
    expiresAt,
  })
  const at = Math.floor(value.length / 2)
  const altered = `${value.slice(0, at)}${value[at] === 'A' ? 'B' : 'A'}${value.slice(at + 1)}`
  const forOtherUse = sealing.seal(JSON.stringify(['+99010000001', 9e15]), 'something else')
  for (const wrong of [undefined, '', 'x', other, altered, forOtherUse, 'v2.0.'.padEnd(5_000, 'A')])
    assert.equal(openHandsetSession(sealing, wrong, before), undefined)
})

test('a virtual handset has no number outside the sandbox, whoever sealed it', () => {
  assert.throws(
    () => sealHandsetSession(sealing, { phoneNumber: '+351912345678', expiresAt }),
    TypeError,
  )
  const made = sealing.seal(
    JSON.stringify(['+351912345678', expiresAt.getTime()]),
    'virtual-handset',
  )
  assert.equal(openHandsetSession(sealing, made, before), undefined)
})
