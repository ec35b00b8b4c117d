import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isCanonicalPath } from './canonical-path.ts'
import { parseQuery } from './query-string.ts'

const ambiguous = [
  '',
  'relative',
  '//a',
  '/a//b',
  '/a/./b',
  '/a/../b',
  '/a/..',
  '/./a',
  '/a%2fb',
  '/a%2Fb',
  '/a%5cb',
  '/a\\b',
  '/%61dmin',
  '/a%2e%2e/b',
  '/a/%2E/b',
  '/a%00b',
  '/a%0d%0ab',
  '/a%7fb',
  '/a%',
  '/a%4',
  '/a%zz',
  '/a%25b',
  '/a b',
  '/a\tb',
  '/a#b',
  '/ä',
  '/a?b',
]

for (const path of ambiguous)
  test(`refuses a path with two readings: ${JSON.stringify(path)}`, () => {
    assert.equal(isCanonicalPath(path), false)
  })

for (const path of ['/', '/a', '/a/b-c_d.e~f', '/v0.5/x', '/a/', '/a/%C3%A9', '/a/%20', '/..a/b..'])
  test(`takes a path with one reading: ${path}`, () => {
    assert.equal(isCanonicalPath(path), true)
  })

test('whatever is canonical means the same to a URL parser, before and after it', () => {
  const part = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    'a',
    'b',
    '%41',
    '%',
    '\\',
    ';',
    '%20',
    '?',
    '#',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const path = `/${parts.join('')}`
      if (!isCanonicalPath(path)) return
      assert.equal(new URL(`http://host${path}`).pathname, path)
      const decoded = decodeURIComponent(path)
      assert.equal(decoded.split('/').length, path.split('/').length)
    }),
    { numRuns: 5_000 },
  )
})

test('a query reads as the form encoding does, and anything malformed is refused', () => {
  assert.deepEqual(
    parseQuery('a=1&b=x+y&a=%C3%A9&&c')?.map(({ name, value }) => [name, value]),
    [
      ['a', '1'],
      ['b', 'x y'],
      ['a', 'é'],
      ['c', ''],
    ],
  )
  for (const query of ['a=%', 'a=%zz', 'a=%C3', 'a= b', 'a=\u0001', 'a=#', 'a=<b>'])
    assert.equal(parseQuery(query), undefined, query)
})

test('what is read from a query is what URLSearchParams reads', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 6 }), (pairs) => {
      const text = new URLSearchParams(pairs).toString()
      const read = parseQuery(text)?.map(({ name, value }) => [name, value])
      assert.deepEqual(read, [...new URLSearchParams(text)])
    }),
  )
})
