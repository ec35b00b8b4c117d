import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#platform/clock'
import { compareAreas, distanceMetres } from './circle-overlap.ts'
import { codeIn, startTestSandbox } from './testing.ts'

const path = '/location-verification/v3/verify'
const lisbon = { latitude: 38.7075, longitude: -9.1364 }
const circle = (radius: number, center = lisbon) => ({ areaType: 'CIRCLE', center, radius })
const person = { device: { phoneNumber: '+99010000001' } }

test('the distance of Lisbon and Porto is 275 km within half a percent', () => {
  const porto = { latitude: 41.1496, longitude: -8.611 }
  assert.ok(Math.abs(distanceMetres(lisbon, porto) - 275_200) < 1_400)
  const antipode = { latitude: -lisbon.latitude, longitude: 180 + lisbon.longitude }
  assert.ok(Math.abs(distanceMetres(lisbon, antipode) - Math.PI * 6_371_008.8) < 1)
})

test('areas compare as containing, apart or partly over each other, with a rate from 1 to 99', () => {
  const network = { ...lisbon, radius: 1_000 }
  assert.deepEqual(compareAreas({ ...lisbon, radius: 1_000 }, network), { result: 'TRUE' })
  assert.deepEqual(compareAreas({ ...lisbon, radius: 500 }, network), {
    result: 'PARTIAL',
    matchRate: 25,
  })
  assert.deepEqual(compareAreas({ ...lisbon, radius: 1 }, network), {
    result: 'PARTIAL',
    matchRate: 1,
  })
  assert.deepEqual(compareAreas({ ...lisbon, radius: 999.9 }, network), {
    result: 'PARTIAL',
    matchRate: 99,
  })
  const beside = { latitude: lisbon.latitude, longitude: lisbon.longitude + 0.02 }
  assert.deepEqual(compareAreas({ ...beside, radius: 500 }, network), { result: 'FALSE' })
  // The edge of a very large circle through the centre is nearly straight: half of the network's area.
  const distance = distanceMetres(beside, network)
  assert.ok(distance > 1_700 && distance < 1_800)
  const half = compareAreas(
    { latitude: lisbon.latitude + 9, longitude: lisbon.longitude, radius: 9 * 111_195 },
    network,
  )
  assert.equal(half.result, 'PARTIAL')
  assert.ok('matchRate' in half && half.matchRate >= 48 && half.matchRate <= 51)
})

test('a device inside, outside and partly inside is told apart, and the identifier comes back', async (t) => {
  const { call } = await startTestSandbox(t)
  const inside = await call(path, { ...person, area: circle(2_000), maxAge: 3_600 })
  assert.equal(inside.status, 200)
  const { lastLocationTime, ...rest } = inside.body as { lastLocationTime: string }
  assert.deepEqual(rest, { verificationResult: 'TRUE', device: person.device })
  assert.ok(Math.abs(Date.parse(lastLocationTime) - Date.now()) < 60_000)
  const partly = (await call(path, { ...person, area: circle(75) })).body as Record<string, unknown>
  assert.deepEqual([partly.verificationResult, partly.matchRate], ['PARTIAL', 25])
  const far = await call(path, { ...person, area: circle(2_000, { latitude: 0, longitude: 0 }) })
  assert.equal((far.body as Record<string, unknown>).verificationResult, 'FALSE')
})

test('of several identifiers one is used and returned; addresses stand for numbers', async (t) => {
  const { call } = await startTestSandbox(t)
  const deviceOf = async (device: object) => {
    const reply = await call(path, { device, area: circle(2_000) })
    return [reply.status, (reply.body as { device?: unknown }).device ?? codeIn(reply)]
  }
  const ipv4Address = { publicAddress: '203.0.113.1', publicPort: 59_765 }
  const number = { phoneNumber: '+99010000001' }
  assert.deepEqual(await deviceOf({ ...number, ipv4Address }), [200, number])
  assert.deepEqual(await deviceOf({ ipv4Address, ipv6Address: '2001:db8::2' }), [
    200,
    { ipv4Address },
  ])
  assert.deepEqual(await deviceOf({ ipv6Address: '2001:db8::1' }), [
    200,
    { ipv6Address: '2001:db8::1' },
  ])
  assert.deepEqual(await deviceOf({ ipv6Address: '2001:DB8:0:0::503' }), [503, 'UNAVAILABLE'])
  assert.deepEqual(await deviceOf({ ipv6Address: '2001:db8::beef' }), [
    200,
    { ipv6Address: '2001:db8::beef' },
  ])
  assert.deepEqual(await deviceOf({ ipv6Address: '2001:db9::1' }), [404, 'IDENTIFIER_NOT_FOUND'])
  assert.deepEqual(await deviceOf({ ipv4Address: { publicAddress: '8.8.8.8', publicPort: 1 } }), [
    404,
    'IDENTIFIER_NOT_FOUND',
  ])
  assert.deepEqual(await deviceOf({ networkAccessIdentifier: 'a@b.example' }), [
    422,
    'UNSUPPORTED_IDENTIFIER',
  ])
  assert.deepEqual(await deviceOf({ ...number, networkAccessIdentifier: 'a@b.example' }), [
    200,
    number,
  ])
  assert.deepEqual(await deviceOf({ ipv4Address: { publicAddress: '203.0.113.1' } }), [
    400,
    'INVALID_ARGUMENT',
  ])
  assert.deepEqual(await deviceOf({}), [400, 'INVALID_ARGUMENT'])
})

test('a position older than maxAge is refused, a fresh one is not, and the age is that of lastLocationTime', async (t) => {
  const clock = manualClock('2026-05-01T10:00:20.500Z')
  const { call } = await startTestSandbox(t, { clock })
  const faro = {
    device: { phoneNumber: '+99010000003' },
    area: circle(5_000, { latitude: 37.0194, longitude: -7.9304 }),
  }
  const any = await call(path, faro)
  assert.equal(
    (any.body as { lastLocationTime: string }).lastLocationTime,
    '2026-05-01T09:30:00.000Z',
  )
  assert.equal((await call(path, { ...faro, maxAge: 1_821 })).status, 200)
  assert.equal(
    codeIn(await call(path, { ...faro, maxAge: 1_820 })),
    'LOCATION_VERIFICATION.UNABLE_TO_FULFILL_MAX_AGE',
  )
  assert.equal((await call(path, { ...person, area: circle(2_000), maxAge: 0 })).status, 200)
  assert.equal(codeIn(await call(path, { ...faro, maxAge: -1 })), 'OUT_OF_RANGE')
})

test('a bad area or device is refused', async (t) => {
  const { call } = await startTestSandbox(t)
  const bad = [
    { ...person },
    { ...person, area: null },
    { ...person, area: { areaType: 'CIRCLE' } },
    { ...person, area: { areaType: 'POLYGON', boundary: [] } },
    { ...person, area: circle(0.5) },
    { ...person, area: circle(2_000, { latitude: 91, longitude: 0 }) },
    { ...person, area: circle(2_000, { latitude: 0, longitude: -180.1 }) },
    { ...person, area: { ...circle(1), radius: '2000' } },
    { device: 'x', area: circle(2_000) },
    { device: { phoneNumber: 'x' }, area: circle(2_000) },
    { device: { ipv6Address: 'x' }, area: circle(2_000) },
    { ...person, area: circle(2_000), maxAge: 1.5 },
  ]
  for (const body of bad) {
    const reply = await call(path, body)
    assert.deepEqual([reply.status, codeIn(reply)], [400, 'INVALID_ARGUMENT'], JSON.stringify(body))
  }
  assert.equal(codeIn(await call(path, { area: circle(2_000) })), 'MISSING_IDENTIFIER')
})
