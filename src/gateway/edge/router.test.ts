import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Router } from './router.ts'

const router = new Router<string>([
  {
    basePath: '/payments/v1',
    retired: false,
    operations: [
      { method: 'GET', path: '/payments', target: 'list' },
      { method: 'POST', path: '/payments', target: 'create' },
      { method: 'POST', path: '/payments/prepare', target: 'prepare' },
      { method: 'GET', path: '/payments/{paymentId}', target: 'get' },
      { method: 'GET', path: '/payments/{paymentId}/refunds/remaining', target: 'remaining' },
      { method: 'GET', path: '/payments/{paymentId}/refunds/{refundId}', target: 'refund' },
    ],
  },
  { basePath: '/old/v1', retired: true, operations: [{ method: 'GET', path: '/x', target: 'x' }] },
])

const found = (method: string, path: string) => {
  const match = router.match(method, path)
  return match.kind === 'found' ? [match.target, { ...match.parameters }] : match
}

test('finds literal paths, templates, and a literal before a parameter', () => {
  assert.deepEqual(found('GET', '/payments/v1/payments'), ['list', {}])
  assert.deepEqual(found('GET', '/payments/v1/payments/p1'), ['get', { paymentId: 'p1' }])
  assert.deepEqual(found('GET', '/payments/v1/payments/p1/refunds/remaining'), [
    'remaining',
    { paymentId: 'p1' },
  ])
  assert.deepEqual(found('GET', '/payments/v1/payments/p1/refunds/r%20'), [
    'refund',
    { paymentId: 'p1', refundId: 'r ' },
  ])
})

test('a literal path answers for itself: its missing method is 405, not the parameter next to it', () => {
  assert.deepEqual(found('GET', '/payments/v1/payments/prepare'), {
    kind: 'method',
    allow: ['POST'],
  })
  assert.deepEqual(found('DELETE', '/payments/v1/payments'), {
    kind: 'method',
    allow: ['GET', 'POST'],
  })
  assert.deepEqual(found('HEAD', '/payments/v1/payments/p1'), { kind: 'method', allow: ['GET'] })
})

test('an empty segment is no parameter, and a longer or shorter path is nothing', () => {
  for (const path of [
    '/payments/v1/payments/',
    '/payments/v1',
    '/',
    '/payments/v1/payments/a/b',
    '/PAYMENTS/v1/payments',
  ])
    assert.deepEqual(found('GET', path), { kind: 'none' }, path)
})

test('a name of the language is no route and no parameter', () => {
  for (const name of ['__proto__', 'constructor', 'toString'])
    assert.deepEqual(found('GET', `/payments/v1/payments/${name}`), ['get', { paymentId: name }])
  assert.deepEqual(found('__proto__', '/payments/v1/payments'), {
    kind: 'method',
    allow: ['GET', 'POST'],
  })
})

test('a retired API is gone at every path below its base, and only there', () => {
  assert.deepEqual(found('GET', '/old/v1/x'), { kind: 'gone' })
  assert.deepEqual(found('GET', '/old/v1'), { kind: 'gone' })
  assert.deepEqual(found('GET', '/old/v11/x'), { kind: 'none' })
})

test('a parameter that is not UTF-8 finds nothing', () => {
  assert.deepEqual(found('GET', '/payments/v1/payments/%C3'), { kind: 'none' })
})
