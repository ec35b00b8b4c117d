import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#platform/clock'
import { magicNumbers } from './magic-numbers.ts'
import { latestSimChange, simChangedWithin } from './sim-history.ts'
import { codeIn, startTestSandbox } from './testing.ts'

const checkPath = '/sim-swap/v2/check'
const datePath = '/sim-swap/v2/retrieve-date'

test('a SIM swapped 3 hours ago is swapped within 4 hours and not within 3, at any moment', async (t) => {
  const clock = manualClock('2026-05-01T10:00:00.000Z')
  const { call } = await startTestSandbox(t, { clock })
  for (let minute = 0; minute < 90; minute += 7) {
    const number = { phoneNumber: '+99010000002' }
    assert.deepEqual((await call(checkPath, { ...number, maxAge: 4 })).body, { swapped: true })
    assert.deepEqual((await call(checkPath, { ...number, maxAge: 3 })).body, { swapped: false })
    assert.deepEqual((await call(checkPath, number)).body, { swapped: true })
    clock.advance(7 * 60_000)
  }
})

test('check agrees with the date that retrieve-date gave, for every documented person', () => {
  const start = Date.parse('2026-05-01T00:00:00.000Z')
  for (const { sim } of magicNumbers) {
    for (let minute = 0; minute < 60; minute += 1) {
      const now = new Date(start + minute * 60_000)
      const { latestSimChange: date } = latestSimChange(sim, now)
      for (const maxAge of [1, 2, 3, 4, 143, 144, 145, 720, 960, 961, 2_400]) {
        const answered = simChangedWithin(sim, maxAge, now)
        if (typeof answered !== 'boolean') continue
        const expected = date !== null && now.getTime() - Date.parse(date) <= maxAge * 3_600_000
        assert.equal(answered, expected, `${maxAge} h at minute ${minute}`)
      }
    }
  }
})

test('the date may be absent, with or without a monitored period, and old history is out of range', async (t) => {
  const { call } = await startTestSandbox(t)
  const dateOf = async (phoneNumber: string) => (await call(datePath, { phoneNumber })).body
  assert.deepEqual(await dateOf('+99010000001'), { latestSimChange: '2019-03-14T09:26:53.000Z' })
  assert.deepEqual(await dateOf('+99010000004'), { latestSimChange: null })
  assert.deepEqual(await dateOf('+99010000005'), { latestSimChange: null, monitoredPeriod: 30 })
  const kept = { phoneNumber: '+99010000005' }
  assert.deepEqual((await call(checkPath, { ...kept, maxAge: 720 })).body, { swapped: false })
  const tooOld = await call(checkPath, { ...kept, maxAge: 721 })
  assert.equal(tooOld.status, 400)
  assert.equal(codeIn(tooOld), 'OUT_OF_RANGE')
})

test('a number outside +990 is unknown and the message says what the sandbox knows', async (t) => {
  const { call } = await startTestSandbox(t)
  const reply = await call(checkPath, { phoneNumber: '+34666111333' })
  assert.equal(reply.status, 404)
  assert.equal(codeIn(reply), 'IDENTIFIER_NOT_FOUND')
  assert.match(JSON.stringify(reply.body), /begin with \+990/)
  assert.doesNotMatch(JSON.stringify(reply.body), /34666111333/)
})

test('any other +990 number gives the same sensible answer again and again', async (t) => {
  const { call } = await startTestSandbox(t)
  for (let line = 0; line < 40; line += 1) {
    const phoneNumber = `+9905550${String(line).padStart(4, '0')}`
    const [first, second] = [
      await call(datePath, { phoneNumber }),
      await call(datePath, { phoneNumber }),
    ]
    assert.equal(first.status, 200)
    assert.deepEqual(first.body, second.body)
  }
})

test('a bad body is refused with the field that is wrong', async (t) => {
  const { call } = await startTestSandbox(t)
  const cases: [unknown, number, string][] = [
    [{}, 422, 'MISSING_IDENTIFIER'],
    [{ phoneNumber: '99010000001' }, 400, 'INVALID_ARGUMENT'],
    [{ phoneNumber: 99010000001 }, 400, 'INVALID_ARGUMENT'],
    [{ phoneNumber: null }, 400, 'INVALID_ARGUMENT'],
    [{ phoneNumber: '+99010000001', maxAge: 0 }, 400, 'INVALID_ARGUMENT'],
    [{ phoneNumber: '+99010000001', maxAge: 2_401 }, 400, 'INVALID_ARGUMENT'],
    [{ phoneNumber: '+99010000001', maxAge: 1.5 }, 400, 'INVALID_ARGUMENT'],
    [{ phoneNumber: '+99010000001', maxAge: '240' }, 400, 'INVALID_ARGUMENT'],
    [[], 400, 'INVALID_ARGUMENT'],
    ['text', 400, 'INVALID_ARGUMENT'],
    [null, 400, 'INVALID_ARGUMENT'],
  ]
  for (const [body, status, code] of cases) {
    const reply = await call(checkPath, body)
    assert.deepEqual([reply.status, codeIn(reply)], [status, code], JSON.stringify(body))
  }
})
