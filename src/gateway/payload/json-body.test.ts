import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJson, requestBounds } from './json-body.ts'
import { numberOf, parseExactly } from './json-numbers.ts'
import { parseMediaType } from './media-type.ts'

test('takes any JSON that has one reading', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, indent) => {
      const parsed = parseJson(Buffer.from(JSON.stringify(value, null, indent)))
      assert.ok(parsed.ok)
      assert.deepEqual(parsed.value, JSON.parse(JSON.stringify(value)))
    }),
  )
})

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const refused: readonly [string, string | Buffer][] = [
  ['a name twice', '{"a":1,"a":2}'],
  ['a name twice, spelled differently', '{"a":1,"\\u0061":2}'],
  ['a name twice deep inside', '[{"x":{"a":[],"b":1,"a":3}}]'],
  ['a name of the language twice', '{"__proto__":1,"__proto__":2}'],
  ['33 levels', nested(33)],
  ['a million levels', '['.repeat(1_000_000)],
  ['nothing', ''],
  ['a byte order mark', '\ufeff{}'],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['a trailing comma', '{"a":1,}'],
  ['two values', '{} {}'],
  ['a comment', '{/* */}'],
  ['a lone quote', '"'],
  ['an escape at the end', '"\\'],
]
for (const [what, text] of refused)
  test(`refuses ${what}`, () => {
    assert.equal(parseJson(Buffer.from(text as string)).ok, false)
  })

const beyond: readonly [string, string][] = [
  ['half of a surrogate pair', '{"a":"\\ud800"}'],
  ['the other half first', '"\\udc00\\ud800"'],
  ['half of a pair in a name', '{"\\ud83d":1}'],
  ['too many members', `{${Array.from({ length: 10_001 }, (_, i) => `"${i}":0`).join(',')}}`],
  ['too many items', `[${'0,'.repeat(50_001)}0]`],
]
for (const [what, text] of beyond)
  test(`refuses ${what} in a request`, () => {
    assert.equal(parseJson(Buffer.from(text), requestBounds).ok, false)
    assert.equal(parseJson(Buffer.from(text)).ok, true)
  })

test('whole pairs pass, by escapes and as they are', () => {
  for (const text of ['"\\ud83d\\ude00"', '"\u{1F600}"', '"\\\\ud800"'])
    assert.ok(parseJson(Buffer.from(text), requestBounds).ok, text)
})

test('a value says whether it is written again as it came, and then it is', () => {
  const exact = (text: string): boolean => {
    const parsed = parseJson(Buffer.from(text))
    return parsed.ok && parsed.exact
  }
  for (const text of ['{"a":1,"b":"1.10"}', '[123456789012345]', '-5', '"1e3"'])
    assert.ok(exact(text), text)
  for (const text of ['1.10', '1e3', '-0', '[1234567890123456]', '{"a":0.1}'])
    assert.ok(!exact(text), text)
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value)
      const parsed = parseJson(Buffer.from(text))
      assert.ok(parsed.ok)
      if (parsed.exact) assert.equal(JSON.stringify(parsed.value), text)
    }),
  )
  fc.assert(
    fc.property(
      fc.stringMatching(/^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?$/),
      (number) => {
        const value = parseExactly(`{"a":[${number}]}`) as { a: unknown[] }
        assert.equal(JSON.stringify(value), `{"a":[${number}]}`)
        assert.equal(numberOf(value.a[0]), Number(number))
      },
    ),
  )
})

test('names that every object inherits are seen, wherever they are', () => {
  const seen = (text: string): boolean => {
    const parsed = parseJson(Buffer.from(text))
    return parsed.ok && parsed.inherited
  }
  for (const text of ['{"__proto__":1}', '[{"a":{"constructor":1}}]', '{"\\u005f_proto__":1}'])
    assert.ok(seen(text), text)
  assert.ok(!seen('{"proto":"__proto__"}'))
})

test('colons and brackets inside strings are text', () => {
  for (const text of [
    '{"a":"::{[\\"]"}',
    '{"a:b":"\\\\"}',
    `{"a":"${'['.repeat(100)}"}`,
    nested(32),
  ])
    assert.ok(parseJson(Buffer.from(text)).ok, text.slice(0, 20))
})

test('a media type is read exactly', () => {
  const json = { essence: 'application/json', json: true }
  assert.deepEqual(parseMediaType('application/json'), json)
  assert.deepEqual(parseMediaType('Application/JSON; charset=utf-8'), json)
  assert.deepEqual(parseMediaType('application/json;charset="UTF-8"'), json)
  assert.equal(parseMediaType('application/cloudevents+json')?.json, true)
  for (const field of [
    'application/json; charset=latin1',
    'application/json, text/plain',
    'application/json;',
    'application/json x',
    'json',
    '',
    'application/json; charset=utf-8; charset=utf-16',
  ])
    assert.equal(parseMediaType(field), undefined, field)
  assert.equal(parseMediaType('text/plain; charset=latin1')?.json, false)
})
