import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJson } from './json-body.ts'
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
