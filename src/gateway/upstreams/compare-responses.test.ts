import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ComparisonTerms, compareResponses } from './compare-responses.ts'

const names = ['id', 'items', 'owner', 'name', 'state', 'at', 'total', 'device', 'phoneNumber']
const known = new Set(names)
const answer = (value: unknown, more: { status?: number; type?: string } = {}) => ({
  status: more.status ?? 200,
  headers: { 'content-type': more.type ?? 'application/json' },
  body: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
})
const compare = (one: unknown, other: unknown, terms: Partial<ComparisonTerms> = {}) =>
  compareResponses(answer(one), answer(other), { ignore: [], tolerances: {}, ...terms }, known).map(
    ({ path, kind }) => `${kind} ${path}`,
  )

test('status, media type and body are compared, in this order', () => {
  const terms = { ignore: [], tolerances: {} }
  const kinds = (a: ReturnType<typeof answer>, b: ReturnType<typeof answer>) =>
    compareResponses(a, b, terms, known).map(({ kind }) => kind)
  assert.deepEqual(kinds(answer({}), answer({ id: 1 }, { status: 404 })), ['status'])
  assert.deepEqual(kinds(answer({}), answer('x', { type: 'text/plain' })), ['media type'])
  assert.deepEqual(
    kinds(answer('x', { type: 'text/plain' }), answer('y', { type: 'text/plain' })),
    ['body'],
  )
  assert.deepEqual(kinds(answer({}), answer('{')), ['body'])
  assert.deepEqual(kinds(answer('{'), answer('[')), ['body'])
  assert.deepEqual(kinds(answer({}), answer({}, { type: 'Application/JSON; charset=utf-8' })), [])
})

const cases: readonly [string, unknown, unknown, Partial<ComparisonTerms>, string[]][] = [
  ['members in another order are the same', { id: 1, name: 'a' }, { name: 'a', id: 1 }, {}, []],
  ['a value', { owner: { name: 'a' } }, { owner: { name: 'b' } }, {}, ['value owner.name']],
  ['a type', { id: 1 }, { id: '1' }, {}, ['type id']],
  ['null is a type', { id: 1 }, { id: null }, {}, ['type id']],
  ['a field that is missing', { id: 1, name: 'a' }, { id: 1 }, {}, ['missing name']],
  ['a field that was added', { id: 1 }, { id: 1, name: 'a' }, {}, ['added name']],
  [
    'an element',
    { items: [{ id: 1 }, { id: 2 }] },
    { items: [{ id: 1 }, { id: 3 }] },
    {},
    ['value items[].id'],
  ],
  ['a list that is the body', [{ id: 1 }], [{ id: 2 }], {}, ['value [].id']],
  ['a length', { items: [1] }, { items: [1, 2] }, {}, ['length items[]']],
  ['an order', { items: [1, 2, 3] }, { items: [3, 1, 2] }, {}, ['order items[]']],
  ['an ignored field', { id: 1, at: 'x' }, { id: 1, at: 'y' }, { ignore: ['at'] }, []],
  [
    'what is below an ignored field',
    { owner: { name: 'a', id: 1 } },
    { owner: { id: 2 } },
    { ignore: ['owner'] },
    [],
  ],
  [
    'an ignored field of elements',
    { items: [{ id: 1 }] },
    { items: [{ id: 2 }] },
    { ignore: ['items[].id'] },
    [],
  ],
  ['any member', { owner: { name: 'a' } }, { owner: { name: 'b' } }, { ignore: ['owner.*'] }, []],
  [
    'any member is no element',
    { items: [1] },
    { items: [2] },
    { ignore: ['items.*'] },
    ['value items[]'],
  ],
  ['a field that is ignored may be missing', { id: 1, at: 'x' }, { id: 1 }, { ignore: ['at'] }, []],
  ['a tolerance', { total: 0.3 }, { total: 0.2 }, { tolerances: { total: 0.1 } }, []],
  [
    'more than a tolerance',
    { total: 1 },
    { total: 1.2 },
    { tolerances: { total: 0.1 } },
    ['value total'],
  ],
  [
    'a tolerance of elements',
    { items: [{ total: 1 }] },
    { items: [{ total: 2 }] },
    { tolerances: { 'items[].total': 1 } },
    [],
  ],
  [
    'a tolerance is not for what is below',
    { owner: { total: 1 } },
    { owner: { total: 2 } },
    { tolerances: { owner: 5 } },
    ['value owner.total'],
  ],
  [
    'times by seconds, in any zone',
    { at: '2026-01-01T00:00:00Z' },
    { at: '2026-01-01T01:00:02+01:00' },
    { tolerances: { at: 2 } },
    [],
  ],
  [
    'times that are too far apart',
    { at: '2026-01-01T00:00:00Z' },
    { at: '2026-01-01T00:00:03Z' },
    { tolerances: { at: 2 } },
    ['value at'],
  ],
  ['text has no tolerance', { at: '5' }, { at: '6' }, { tolerances: { at: 2 } }, ['value at']],
  [
    'a name that the document does not declare is not shown',
    { device: { '+99012345678': 1 } },
    { device: { '+99012345678': 2 } },
    {},
    ['value device.*'],
  ],
  ['nor one that is missing', { '+99012345678': 1 }, {}, {}, ['missing *']],
]
for (const [what, one, other, terms, expected] of cases)
  test(`comparison: ${what}`, () => assert.deepEqual(compare(one, other, terms), expected))

test('of an answer that differs everywhere a bounded part is told', () => {
  const many = (value: number) => Array.from({ length: 500 }, () => ({ id: value, at: value }))
  assert.equal(compare({ items: many(1) }, { items: many(2) }).length, 50)
})

const json = fc.jsonValue({ maxDepth: 4 })

test('what is the same has no difference, and what differs has one, both ways round', () => {
  fc.assert(
    fc.property(json, json, (one, other) => {
      assert.deepEqual(compare({ id: one }, { id: one }), [])
      const same = JSON.stringify(one) === JSON.stringify(other)
      const there = compare({ id: one }, { id: other })
      const back = compare({ id: other }, { id: one })
      assert.equal(there.length, back.length)
      if (same) assert.deepEqual(there, [])
      assert.deepEqual(compare({ id: one }, { id: other }, { ignore: ['id'] }), [])
    }),
  )
})

test('no difference ever shows a value of an answer', () => {
  const secret = fc.constantFrom('+99012345678', 'Anna Beispiel', '310150123456789')
  const value = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      secret,
      fc.dictionary(fc.oneof(secret, fc.constantFrom(...names)), tie('tree'), { maxKeys: 4 }),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  })).tree
  fc.assert(
    fc.property(value, value, (one, other) => {
      for (const told of compare(one, other)) assert.doesNotMatch(told, /990|Anna|3101/)
    }),
  )
})
