import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TryItResult, TryItTarget } from '#portal/schema'
import { initialInput, prettyBody, requestOf, roundMs, verdictOf } from './try-it.ts'

const target: TryItTarget = {
  apiId: 'payments/v1',
  operationId: 'getPayment',
  method: 'GET',
  path: '/payments/v1/payments/{paymentId}',
  title: 'Get a payment',
  parameters: [
    { name: 'paymentId', in: 'path', required: true, value: '', description: '' },
    { name: 'page', in: 'query', required: false, value: '', description: '' },
  ],
  body: undefined,
  subscribers: [],
}

test('a required value that is missing is asked for before anything is sent', () => {
  assert.deepEqual(requestOf(target, initialInput(target), undefined), {
    ok: false,
    fault: 'Fill in paymentId.',
  })
})

test('only what was filled in is sent', () => {
  const input = { body: '', parameters: { paymentId: 'p1', page: ' ' } }
  assert.deepEqual(requestOf(target, input, 'app_1'), {
    ok: true,
    request: {
      apiId: 'payments/v1',
      operationId: 'getPayment',
      parameters: { paymentId: 'p1' },
      applicationId: 'app_1',
    },
  })
})

test('a body that is not JSON is told, not sent', () => {
  const withBody = { ...target, parameters: [], body: '{}' }
  const request = requestOf(withBody, { body: '{"a":', parameters: {} }, undefined)
  assert.equal(request.ok, false)
})

const result = (status: number, body: string): TryItResult => ({
  as: 'guest',
  clientId: 'c',
  curl: '',
  token: { request: { method: 'POST', url: 'u', headers: {} }, status: 200, ms: 5 },
  call: {
    request: { method: 'POST', url: 'u', headers: {} },
    status,
    headers: {},
    body,
    ms: 12.4,
    correlator: 'x',
  },
})

test('an answer is told in one line, with the code and what to do about it', () => {
  assert.deepEqual(verdictOf(result(200, '{}')), {
    tone: 'good',
    headline: '200 in 12 ms.',
    code: undefined,
    advice: undefined,
  })
  const missing = verdictOf(
    result(404, '{"status":404,"code":"IDENTIFIER_NOT_FOUND","message":"x"}'),
  )
  assert.equal(missing.tone, 'warn')
  assert.equal(missing.code, 'IDENTIFIER_NOT_FOUND')
  assert.match(missing.advice ?? '', /list/)
  assert.equal(verdictOf(result(503, 'not json')).tone, 'bad')
})

test('a refused token is told as that, because no call was made', () => {
  const { call: _, ...refused } = result(200, '')
  const verdict = verdictOf({
    ...refused,
    token: { ...refused.token, status: 401, error: 'invalid_client' },
  })
  assert.match(verdict.headline, /401 invalid_client/)
})

test('times and bodies are shown readably', () => {
  assert.equal(roundMs(4.26), '4.3 ms')
  assert.equal(roundMs(99.6), '100 ms')
  assert.equal(prettyBody('{"a":1}'), '{\n  "a": 1\n}')
  assert.equal(prettyBody('plain'), 'plain')
})
