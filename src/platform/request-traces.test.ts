import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnsweredRequest, RequestTraces } from './request-traces.ts'
import type { FinishedSpan } from './tracing.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'

function recorded(share: number, requests: readonly Partial<AnsweredRequest>[]): FinishedSpan[] {
  const spans: FinishedSpan[] = []
  const traces = new RequestTraces({
    share,
    tracing: {
      record: (span) => void spans.push(span),
      counters: () => ({ sent: 0, dropped: 0, waiting: 0 }),
      stop: async () => undefined,
    },
  })
  for (const request of requests)
    traces.record({
      ...{ headers: {}, method: 'GET', route: '/things/:id', status: 200 },
      ...{ startMs: 1_000, endMs: 1_002.5 },
      ...request,
    })
  return spans
}

test('a request is a span with its route, in the trace of its caller', () => {
  const [span] = recorded(0, [{ headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } }])
  assert.equal(span?.traceId, traceId)
  assert.equal(span?.parentId, '00f067aa0ba902b7')
  assert.equal(span?.name, 'GET /things/:id')
  assert.equal((span?.endMs ?? 0) - (span?.startMs ?? 0), 2.5)
})

test('a request that its caller does not trace is none, one that failed is', () => {
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-00` }
  assert.equal(recorded(1, [{ headers }]).length, 0)
  assert.equal(recorded(0, [{ status: 503 }])[0]?.failed, true)
  assert.equal(recorded(0, [{}]).length, 0)
  assert.equal(recorded(1, [{}]).length, 1)
})

test('callers cannot have more than twenty requests a second traced', () => {
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
  const flood = Array.from({ length: 100 }, () => ({ headers }))
  assert.equal(recorded(0, flood).length, 20)
  assert.equal(recorded(0, [...flood, { headers, endMs: 2_000 }]).length, 21)
})

test('a method that nobody knows is not a name', () => {
  assert.equal(recorded(1, [{ method: 'NUMBER99012345678', route: undefined }])[0]?.name, '_OTHER')
})
