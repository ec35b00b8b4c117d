import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '#metering/schema'
import { detailText } from './audit-detail.ts'
import { isProductFault, placeFault, rangeOfLine } from './document-faults.ts'
import { tokenOfAddress } from './link-token.ts'
import { arrivals, matches } from './live-calls.ts'

test('a fault of a document is placed by file, line and column', () => {
  assert.deepEqual(
    placeFault({ path: 'openapi.yaml:12:5 /paths/~1check/post', message: 'has no operationId' }),
    {
      file: 'openapi.yaml',
      line: 12,
      column: 5,
      where: '/paths/~1check/post',
      message: 'has no operationId',
    },
  )
  assert.equal(placeFault({ path: '/product', message: 'is required' }).line, undefined)
  assert.equal(isProductFault(placeFault({ path: 'product.yaml:1:1 ', message: 'x' })), true)
})

test('a line is selected from its first to its last character', () => {
  const text = 'one\ntwo\n\nfour'
  const selected = (line: number): string => {
    const { start, end } = rangeOfLine(text, line)
    return text.slice(start, end)
  }
  assert.deepEqual([1, 2, 3, 4].map(selected), ['one', 'two', '', 'four'])
})

test('only what came with the last reading is new, and nothing at the first one', () => {
  const rows = [{ id: 'b' }, { id: 'a' }]
  assert.equal(arrivals(undefined, rows).size, 0)
  assert.deepEqual([...arrivals(new Set(['a']), rows)], ['b'])
})

test('outcomes are told apart, refusals of the gateway by who refused', () => {
  const call = (status: number, refusedBy?: string): Exchange => ({
    id: 'e',
    correlator: 'c',
    at: '2026-11-21T10:00:00Z',
    environment: 'sandbox',
    method: 'POST',
    status,
    totalMs: 1,
    units: 0,
    ...(refusedBy === undefined ? {} : { refusedBy }),
  })
  assert.equal(matches(call(404), '4xx'), true)
  assert.equal(matches(call(404), 'refused'), false)
  assert.equal(matches(call(429, 'limit'), 'refused'), true)
  assert.equal(matches(call(200), '5xx'), false)
  assert.equal(matches(call(200), 'all'), true)
})

test('the token of a one-time link is read from behind # before the query', () => {
  assert.equal(tokenOfAddress('http://x/console/welcome?token=q'), 'q')
  assert.equal(tokenOfAddress('http://x/console/welcome?token=q#token=f'), 'f')
  assert.equal(tokenOfAddress('http://x/console/welcome'), '')
})

test('a digest is shortened in a row, a sentence is not', () => {
  assert.equal(detailText('a'.repeat(64)), 'aaaaaaaaaa…')
  assert.equal(
    detailText('a reason that is written out in full'),
    'a reason that is written out in full',
  )
  assert.equal(detailText({ from: 1 }), '{"from":1}')
})
