import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFieldPath, placesOf, putMember, valuesAt } from './field-path.ts'

const at = (body: unknown, path: string): unknown[] => valuesAt(body, parseFieldPath(path))

test('a path leads to every place that it names: members, items, maps, nested lists', () => {
  assert.deepEqual(at({ a: { b: 1 } }, 'a.b'), [1])
  assert.deepEqual(at({ a: [{ b: 1 }, { b: 2 }] }, 'a[].b').toSorted(), [1, 2])
  assert.deepEqual(at([{ b: 1 }], '[].b'), [1])
  assert.deepEqual(at({ m: { x: { n: 1 }, y: { n: 2 } } }, 'm.*.n'), [1, 2])
  assert.deepEqual(at({ a: [[{ b: 1 }], [{ b: 2 }]] }, 'a[][].b').toSorted(), [1, 2])
  assert.deepEqual(at({ a: 1 }, 'a.b'), [])
  assert.deepEqual(at({ a: null }, 'a.b'), [])
})

test('one value where a list may stand, and a list where one value may, are both found', () => {
  assert.deepEqual(at({ a: { b: 1 } }, 'a[].b'), [1])
  assert.deepEqual(at({ a: [{ b: 1 }] }, 'a.b'), [1])
  assert.deepEqual(at({ a: 'x' }, 'a[]'), ['x'])
  assert.deepEqual(at([{ b: 1 }], 'b'), [1])
})

test('a name may have dots, brackets and stars, when they are escaped', () => {
  assert.deepEqual(at({ 'a.b': { '*': 1, c: 2 } }, 'a\\.b.\\*'), [1])
  assert.deepEqual(at({ 'a[]': 1 }, 'a\\[\\]'), [1])
  assert.equal(parseFieldPath('a\\.b.\\*[].*').text, 'a\\.b.\\*[].*')
  assert.equal(parseFieldPath('a..b').text, 'a.b')
})

test('names that objects inherit are found only where a body has them, and change no other object', () => {
  assert.deepEqual(at({}, 'constructor.name'), [])
  assert.deepEqual(at({}, '__proto__.toString'), [])
  const body = JSON.parse('{"__proto__":{"phoneNumber":"+99012345678"},"constructor":"x"}')
  const root = { body }
  for (const path of ['__proto__.phoneNumber', 'constructor'])
    for (const place of placesOf(root, parseFieldPath(path))) putMember(place, 'masked')
  assert.equal(
    JSON.stringify(body),
    '{"__proto__":{"phoneNumber":"masked"},"constructor":"masked"}',
  )
  for (const place of placesOf(root, parseFieldPath('__proto__'))) putMember(place, 'gone')
  assert.equal(JSON.stringify(body), '{"__proto__":"gone","constructor":"masked"}')
  assert.equal(({} as { phoneNumber?: string }).phoneNumber, undefined)
})

test('items that are taken out of a list do not make the others be missed', () => {
  const body = { a: [1, 2, 3], b: { c: [{ d: 1 }, { d: 2 }] } }
  const root = { body }
  for (const path of ['a[]', 'b.c[].d'])
    for (const place of placesOf(root, parseFieldPath(path))) putMember(place, undefined)
  assert.deepEqual(body, { a: [], b: { c: [{}, {}] } })
})
