import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FieldMask } from '#snapshot'
import { contract, sealing } from '../testing.ts'
import { fieldRules, isRevealed, maskBody, repeats } from './field-masks.ts'
import { parseFieldPath, valuesAt } from './field-path.ts'
import { parseExactly } from './json-numbers.ts'
import { coarsenValue, maskText, maskValue } from './mask-value.ts'

const hashOf =
  (owner: string) =>
  (text: string): string =>
    sealing.keyedHash('mask', `${owner} ${text}`)

function masked(body: unknown, masks: readonly FieldMask[], owner = 'ctr_1'): unknown {
  const root = { body: structuredClone(body) }
  maskBody(root, fieldRules(masks, undefined, 'a/v1'), hashOf(owner))
  return root.body
}

test('a text keeps the least that a person recognises it by', () => {
  const expected = {
    '+99012345678': '+*********78',
    '12345678901': '*********01',
    Anna: 'A***',
    'anna.b@example.org': 'a***@***',
    '@x': '***',
    Jo: '***',
    '': '***',
    '\u{1F600}bcd': '\u{1F600}***',
    '2026-03-10': '2***',
  }
  for (const [text, shown] of Object.entries(expected)) assert.equal(maskText(text), shown, text)
})

test('masking twice masks once', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.emailAddress(), fc.stringMatching(/^\+[0-9]{5,15}$/)),
      (t) => assert.equal(maskText(maskText(t)), maskText(t)),
    ),
  )
})

test('numbers and truth values have no part that may stay, texts inside of them do', () => {
  assert.deepEqual(
    JSON.parse(
      JSON.stringify(
        maskValue({ name: 'Anna', age: 40, vip: true, all: ['Berta', 5], none: null }),
      ),
    ),
    { name: 'A***', all: ['B***'], none: null },
  )
})

const name = fc.constantFrom('a', 'b', 'c.d', '*', '__proto__', 'constructor', 'é', '0')
const tree = fc.letrec<{ node: unknown; object: unknown; list: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.string({ minLength: 6, maxLength: 9 }),
    fc.integer(),
    fc.constant(null),
    tie('object'),
    tie('list'),
  ),
  object: fc
    .uniqueArray(fc.tuple(name, tie('node')), { selector: ([key]) => key, maxLength: 4 })
    // JSON.parse, so that `__proto__` is a member as it is in a body.
    .map((members) =>
      JSON.parse(
        `{${members.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`,
      ),
    ),
  list: fc.array(tie('node'), { maxLength: 3 }),
})).node
const path = fc
  .array(
    fc.oneof(
      name.map((n) => n.replaceAll(/[\\.[\]*]/g, '\\$&')),
      fc.constantFrom('*', '[]'),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((parts) => parts.join('.').replaceAll('.[]', '[]'))

test('after removing, nothing is left at the path, and everything else is as it was', () => {
  fc.assert(
    fc.property(tree, path, (value, field) => {
      const before = JSON.stringify(value)
      const parsed = parseFieldPath(field)
      const root = { body: JSON.parse(before) as unknown }
      const places = valuesAt(root.body, parsed)
      maskBody(root, fieldRules([{ field, action: 'remove' }], undefined, 'a/v1'), hashOf('c'))
      const after = JSON.stringify(root.body) ?? ''
      // A list that lost its items is a list still, which a path that ends in a name finds.
      assert.deepEqual(
        valuesAt(root.body, parsed).filter((v) => v !== undefined && !Array.isArray(v)),
        [],
      )
      if (places.length === 0) assert.equal(after, before)
    }),
    { numRuns: 500 },
  )
})

test('after masking or hashing, no text of a masked field is anywhere in it, and other fields are untouched', () => {
  fc.assert(
    fc.property(
      tree,
      path,
      fc.constantFrom('mask' as const, 'hash' as const),
      (value, field, action) => {
        const secret = '+99012345678'
        const filled = JSON.parse(
          JSON.stringify(value, (_k, v: unknown) => (typeof v === 'string' ? secret : v)),
        ) as unknown
        const root = { body: filled }
        const parsed = parseFieldPath(field)
        const count = (v: unknown): number => (JSON.stringify(v) ?? '').split(secret).length - 1
        const inside = valuesAt(filled, parsed)
        const all = count(filled)
        const distinct = new Set(inside.filter((v) => typeof v === 'object'))
        const nested = [...distinct].some((v) => inside.some((w) => w !== v && contains(v, w)))
        const hidden = inside.reduce<number>((sum, v) => sum + count(v), 0)
        maskBody(root, fieldRules([{ field, action }], undefined, 'a/v1'), hashOf('c'))
        assert.equal(
          valuesAt(root.body, parsed).some((v) => count(v) > 0),
          false,
        )
        // The same place may be reached twice only when one found value contains another.
        if (!nested) assert.equal(count(root.body), all - hidden)
      },
    ),
    { numRuns: 500 },
  )
})

const contains = (owner: unknown, value: unknown): boolean =>
  typeof owner === 'object' &&
  owner !== null &&
  Object.values(owner).some((member) => member === value || contains(member, value))

test('a hash is the same for one contract and another for the next: two partners cannot join what they got', () => {
  const masks: FieldMask[] = [{ field: 'a[]', action: 'hash' }]
  const one = masked({ a: ['+99012345678', '+99012345678', 5, '5'] }, masks) as { a: string[] }
  const two = masked({ a: ['+99012345678'] }, masks, 'ctr_2') as { a: string[] }
  assert.equal(one.a[0], one.a[1])
  assert.notEqual(one.a[0], two.a[0])
  assert.notEqual(one.a[2], one.a[3])
  assert.match(one.a[0] ?? '', /^[A-Za-z0-9_-]{43}$/)
})

const radians = (degrees: number): number => (degrees * Math.PI) / 180
function metres(a: { latitude: number; longitude: number }, b: typeof a): number {
  const h =
    Math.sin(radians(b.latitude - a.latitude) / 2) ** 2 +
    Math.cos(radians(a.latitude)) *
      Math.cos(radians(b.latitude)) *
      Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  return 2 * 6_371_008.8 * Math.asin(Math.min(1, Math.sqrt(h)))
}

const point = fc.record({
  latitude: fc.double({ min: -89, max: 89, noNaN: true }),
  longitude: fc.double({ min: -179.9, max: 179.9, noNaN: true }),
})
const grid = fc.integer({ min: 100, max: 200_000 })

test('a coarse circle holds the whole true one, and a cell has one middle', () => {
  fc.assert(
    fc.property(point, fc.integer({ min: 1, max: 50_000 }), grid, (center, radius, gridMetres) => {
      const coarse = coarsenValue({ areaType: 'CIRCLE', center, radius }, gridMetres) as {
        center: typeof center
        radius: number
      }
      const moved = metres(center, coarse.center)
      assert.ok(moved <= gridMetres, `moved ${moved}`)
      assert.ok(coarse.radius >= radius + moved)
      assert.equal(coarse.radius % gridMetres, 0)
      assert.deepEqual(coarsenValue(coarse.center, gridMetres), coarse.center)
    }),
    { numRuns: 1_000 },
  )
})

test('a coarse polygon is a frame on the grid that holds every corner', () => {
  fc.assert(
    fc.property(fc.array(point, { minLength: 3, maxLength: 15 }), grid, (boundary, gridMetres) => {
      const coarse = coarsenValue({ areaType: 'POLYGON', boundary }, gridMetres) as {
        boundary: typeof boundary
      }
      assert.equal(coarse.boundary.length, 4)
      const south = Math.min(...coarse.boundary.map((p) => p.latitude))
      const north = Math.max(...coarse.boundary.map((p) => p.latitude))
      const west = Math.min(...coarse.boundary.map((p) => p.longitude))
      const east = Math.max(...coarse.boundary.map((p) => p.longitude))
      for (const corner of boundary) {
        assert.ok(corner.latitude >= south - 1e-6 && corner.latitude <= north + 1e-6)
        assert.ok(corner.longitude >= west - 1e-6 && corner.longitude <= east + 1e-6)
      }
    }),
  )
})

test('a place is coarsened however its path names it: the area, the centre, or one coordinate', () => {
  const body = {
    area: { areaType: 'CIRCLE', center: { latitude: 38.7223, longitude: -9.1393 }, radius: 437 },
  }
  const whole = masked(body, [{ field: 'area', action: 'coarsen', gridMetres: 1_000 }])
  const center = masked(body, [{ field: 'area.center', action: 'coarsen', gridMetres: 1_000 }])
  const halves = masked(body, [
    { field: 'area.center.latitude', action: 'coarsen', gridMetres: 1_000 },
    { field: 'area.center.longitude', action: 'coarsen', gridMetres: 1_000 },
  ]) as typeof body
  assert.deepEqual(whole, center)
  assert.deepEqual(halves.area.center, (whole as typeof body).area.center)
  assert.equal((whole as typeof body).area.radius, 2_000)
  assert.notEqual((whole as typeof body).area.center.latitude, 38.7223)
})

test('moments become hours, dates years, numbers one digit, and other texts are masked', () => {
  assert.deepEqual(
    masked(
      {
        at: '2026-03-10T12:34:56.789+01:00',
        born: '1980-05-17',
        age: 37,
        city: 'Lisboa',
        vip: true,
      },
      [{ field: '*', action: 'coarsen' }],
    ),
    { at: '2026-03-10T12:00:00+01:00', born: '1980-01-01', age: 40, city: 'L***' },
  )
})

test('what the contract says goes before what the product says, and this API before every one', () => {
  const product: FieldMask[] = [
    { field: 'a', action: 'remove', revealedBy: ['s'] },
    { field: 'b', action: 'mask' },
    { field: 'c', action: 'mask' },
  ]
  const terms = contract(1, {
    masks: [
      { apiId: 'a/v1', field: 'b', action: 'pass' },
      { apiId: '*', field: 'b', action: 'remove' },
      { apiId: 'a/v1', field: 'd', action: 'hash' },
      { apiId: 'other/v1', field: 'c', action: 'pass' },
    ],
  })
  const rules = fieldRules(product, terms, 'a/v1')
  assert.deepEqual(
    rules.map(({ path: { text }, action }) => [text, action]),
    [
      ['a', 'remove'],
      ['c', 'mask'],
      ['d', 'hash'],
    ],
  )
  const [first] = rules
  assert.ok(first !== undefined && isRevealed(first, new Set(['x', 's'])))
  assert.ok(!isRevealed(first, new Set(['x'])))
  assert.ok(!isRevealed(first, undefined))
})

test('numbers that JavaScript would write otherwise are written as they came', () => {
  const text = '{"amount":10.00,"id":12345678901234567890,"small":1e-7,"zero":-0,"name":"Anna"}'
  const root = { body: parseExactly(text) }
  maskBody(root, fieldRules([{ field: 'name', action: 'mask' }], undefined, 'a/v1'), hashOf('c'))
  assert.equal(JSON.stringify(root.body), text.replace('Anna', 'A***'))
})

test('a header field that repeats a masked value is found, also inside of an address', () => {
  const texts = new Set(['+99012345678'])
  assert.ok(repeats('/things/+99012345678', texts))
  assert.ok(repeats('/things/%2B99012345678?x=1', texts))
  assert.ok(!repeats('/things/1', texts))
  assert.ok(!repeats('100%', texts))
})

test('no spelling of a masked value hides it in a header field', () => {
  const texts = new Set(['+99010000001', 'bob@x.org', 'Anna Berta', '12:30'])
  for (const field of [
    '/masked/%2B99010000001?bad=%',
    '/masked/%252B99010000001',
    '/masked/%2599%39010000001/%E4%2B99010000001',
    '99010000001',
    '(+990) 10 000-001',
    '00 990.1000.0001',
    'BOB@x.org',
    '/x?who=bob%40X.org',
    'q=ANNA+berta',
  ])
    assert.ok(repeats(field, texts), field)
  for (const field of ['/x/99010000002', '/x?from=990&to=1000', '%', '%zz', '123-0'])
    assert.ok(!repeats(field, texts), field)
})

test('a pair that is no point goes whole, however its path names it, and the kind of an area stays', () => {
  for (const [latitude, longitude] of [
    [91, 13.404954],
    [52.520008, 190.5],
  ]) {
    const body = { area: { areaType: 'CIRCLE', center: { latitude, longitude }, radius: 437 } }
    for (const field of ['area', 'area.center', 'area.center.latitude', 'area.center.longitude']) {
      const shown = masked(body, [{ field, action: 'coarsen', gridMetres: 1_000 }]) as typeof body
      assert.deepEqual({ ...shown.area.center }, {}, field)
      assert.equal(shown.area.areaType, 'CIRCLE', field)
    }
  }
})

test('names of a masked map that are numbers or addresses go with their values, also from header fields', () => {
  const contacts = {
    '+99010000001': 'Anna',
    'bob@x.org': 'Bob',
    '990 10-000-002': 'Eve',
    kin: 'Ida',
  }
  for (const action of ['mask', 'hash', 'coarsen'] as const) {
    const shown = masked({ contacts }, [{ field: 'contacts', action }]) as { contacts: object }
    assert.deepEqual(Object.keys(shown.contacts), ['kin'], action)
  }
  const root = { body: { contacts } }
  const rules = fieldRules([{ field: 'contacts', action: 'remove' }], undefined, 'a/v1')
  assert.ok(repeats('/x/99010000001', maskBody(root, rules, hashOf('ctr_1')).texts))
})

const contacts = (): Record<string, unknown> => ({
  '+99012345678': 'Anna',
  '+99012345978': 'Berta',
  'carla@example.org': 'Carla',
  '10.1.2.3': 'D',
  '2001:db8::1': 'E',
  '550e8400-e29b-41d4-a716-abcdefabcdef': 'F',
  '\u0669\u0669\u0660\u0661\u0662': 'G',
  '2026-11-21': 'H',
  work: 'Igor',
})
const secrets = /9901|carla@|10\.1\.2|2001:db8|550e8400|\u0669\u0669/

test('under a star, a name that is an identifier of somebody is hidden as its value is, and any other stays', () => {
  for (const action of ['mask', 'hash', 'coarsen'] as const) {
    const shown = masked({ contacts: contacts() }, [{ field: 'contacts.*', action }]) as {
      contacts: Record<string, unknown>
    }
    const names = Object.keys(shown.contacts)
    assert.equal(names.length, Object.keys(contacts()).length, 'none is lost')
    assert.doesNotMatch(names.join(' '), secrets)
    assert.ok(names.includes('work') && names.includes('2026-11-21'))
    assert.equal(names.at(-1), 'work', 'they stay in their order')
    const hash = hashOf('ctr_1')('s+99012345678')
    assert.equal(names[0], action === 'hash' ? hash : '+*********78')
    if (action !== 'hash') assert.equal(names[1], '+*********78 (2)')
  }
})

test('a star that leads further hides such names only where something below them was masked', () => {
  const body = {
    '+99012345678': { email: 'anna@example.org', tier: 'gold' },
    '+99012345670': { tier: 'gold' },
  }
  for (const action of ['mask', 'remove'] as const)
    assert.deepEqual(Object.keys(masked(body, [{ field: '*.email', action }]) as object), [
      '+*********78',
      '+99012345670',
    ])
})

test('a header may not repeat a name that was hidden, and a rule about the whole has the last word', () => {
  const root = { body: { contacts: contacts() } as unknown }
  const rules: FieldMask[] = [
    { field: 'contacts.*', action: 'hash' },
    { field: 'contacts', action: 'remove' },
  ]
  const { texts } = maskBody(root, fieldRules(rules, undefined, 'a/v1'), hashOf('c'))
  assert.ok(repeats('/people/%2B99012345678', texts))
  assert.deepEqual(root.body, {})
})
