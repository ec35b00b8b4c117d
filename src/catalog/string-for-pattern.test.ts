import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unicodePattern } from './pattern.ts'
import { stringForPattern } from './string-for-pattern.ts'

const any = { minLength: 0, maxLength: 10_000 }

for (const pattern of [
  '^\\+[1-9][0-9]{4,14}$',
  '^https:\\/\\/.+$',
  '.*\\{\\{code\\}\\}.*',
  '^[a-fA-F0-9]{64}$',
  '^dpv:[a-zA-Z0-9]+$',
  '^[a-zA-Z0-9-_:;.\\/<>{}]{0,256}$',
  '^(?:red|green)-(\\d{2}|x)*$',
  '^[^a-zA-Z]{3}$',
  '^\\p{Lu}[\\s\\S]\\w\\W$',
  '^(?=.*\\d).{6,}$',
  '^([0-9a-f]{2}:){5}[0-9a-f]{2}$',
  '^[ァ-ヶー]+$',
  '^\\u0041\\x42\\.\\^\\$$',
  '^(?<year>\\d{4})-(0[1-9]|1[0-2])$',
  '^a{0}b?$',
]) {
  test(`makes a text that ${pattern} accepts`, () => {
    const text = stringForPattern(pattern, any)
    assert.ok(text !== undefined)
    assert.match(text, new RegExp(pattern, 'u'))
  })
}

test('holds the lengths', () => {
  assert.equal(stringForPattern('^a+$', { minLength: 30, maxLength: 40 })?.length, 33)
  assert.equal(stringForPattern('^a{5}$', { minLength: 6, maxLength: 9 }), undefined)
})

test('makes nothing of a pattern that asks for too much, and does so soon', () => {
  for (const pattern of [
    '^a{1000000000}$',
    '^(a{9999}){9999}$',
    '^(((a{99}){99}){99}){99}$',
    '(',
    '^(a)\\1$',
  ])
    assert.ok((stringForPattern(pattern, any)?.length ?? 0) <= 10_000)
})

test('whatever the pattern, the text is accepted by it', () => {
  const piece = fc.constantFrom('a', '[a-c]', '\\d', '(x|yz)', '(?:q)', '.', '\\.', '[^x]')
  const times = fc.constantFrom('', '?', '*', '+', '{2}', '{1,3}', '{2,}')
  const pattern = fc
    .array(
      fc.tuple(piece, times).map(([p, t]) => p + t),
      { minLength: 1, maxLength: 6 },
    )
    .map((pieces) => `^${pieces.join('')}$`)
  fc.assert(
    fc.property(pattern, (source) => {
      const text = stringForPattern(source, any)
      assert.ok(text !== undefined, source)
      assert.match(text, new RegExp(source, 'u'))
    }),
  )
})

test('a pattern written for the mode without Unicode means the same in it', () => {
  assert.equal(unicodePattern('^[\\w\\-\\.]+\\@x\\_y$'), '^[\\w\\-\\.]+@x_y$')
  assert.equal(unicodePattern('^a\\/b$'), '^a\\/b$')
  assert.equal(unicodePattern('['), undefined)
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 8 }), (source, text) => {
      const pattern = unicodePattern(source)
      if (pattern === undefined || source.includes('{')) return
      assert.equal(new RegExp(pattern, 'u').test(text), new RegExp(source).test(text))
    }),
  )
})
