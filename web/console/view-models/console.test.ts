import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveSource } from '#monitoring/schema'
import { detailText } from './audit-detail.ts'
import { isProductFault, placeFault, rangeOfLine } from './document-faults.ts'
import { tokenOfAddress } from './link-token.ts'
import { filterOf, isWanted, merged, mostRows, type Row, stateText } from './live-calls.ts'

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

const row = (id: string, atMs: number, more: Partial<Row> = {}): Row => ({
  ...{ id, atMs, environment: 'sandbox', partnerId: 'prt_1', applicationId: 'app_1' },
  ...{ apiId: 'sim-swap/v2', operationId: 'checkSimSwap', method: 'POST', status: 200 },
  ...{ code: undefined, refusedBy: undefined, totalMs: 1, correlator: `C-${id}` },
  undocumented: false,
  ...more,
})

test('calls are listed newest first, each once, and no more than a page can hold', () => {
  const shown = merged([], [row('b', 2), row('a', 1)])
  assert.deepEqual(
    merged(shown, [row('c', 3), row('a', 1)]).map(({ id }) => id),
    ['c', 'b', 'a'],
  )
  const many = Array.from({ length: 500 }, (_, i) => row(`${i}`, i))
  const kept = merged(shown, many)
  assert.equal(kept.length, mostRows)
  assert.equal(kept[0]?.atMs, 499)
})

test('what the record cannot be asked is filtered in the page, as the stream does it', () => {
  const refused = row('a', 1, { status: 429, refusedBy: 'limit-rate' })
  for (const [filter, wanted] of [
    [{}, true],
    [{ statusClass: '4xx' }, true],
    [{ statusClass: '2xx' }, false],
    [{ refusedBy: 'any' }, true],
    [{ refusedBy: 'limit-rate' }, true],
    [{ refusedBy: 'upstream' }, false],
    [{ operationId: 'other' }, false],
    [{ correlator: 'c-A' }, true],
    [{ correlator: 'zz' }, false],
    [{ undocumented: 'true' }, false],
  ] as const)
    assert.equal(isWanted(filter, refused), wanted, JSON.stringify(filter))
  assert.equal(isWanted({ refusedBy: 'any' }, row('b', 1)), false)
  const passed = row('c', 1, { undocumented: true })
  assert.equal(isWanted({ undocumented: 'true' }, passed), true)
})

test('filters come from the address, and only those that are known', () => {
  assert.deepEqual(filterOf(new URLSearchParams('apiId=a/v1&statusClass=&odd=1')), {
    apiId: 'a/v1',
  })
})

test('how the list is kept is said in words', () => {
  const source = (state: LiveSource['state']): LiveSource => ({
    ...{ gatewayId: 'g', environment: 'sandbox', state },
  })
  const text = (more: Partial<Parameters<typeof stateText>[0]>): string =>
    stateText({ open: true, paused: false, waiting: 0, sources: [], ...more })
  assert.equal(text({ open: false }), 'Connecting')
  assert.equal(text({}), 'No gateway runs')
  assert.equal(text({ sources: [source('connected')] }), 'Live from 1 gateway')
  assert.equal(
    text({ sources: [source('connected'), source('unreachable')] }),
    'Live from 1 of 2 gateways',
  )
  assert.equal(text({ paused: true, waiting: 3 }), 'Paused, 3 new')
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
