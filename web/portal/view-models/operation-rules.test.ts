import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rulesOf } from './operation-rules.ts'
import { limitText } from './plans.ts'

test('an operation that is as usual has no rules to tell', () => {
  assert.deepEqual(rulesOf(undefined), [])
  assert.deepEqual(rulesOf({ credentials: ['access-token'], safe: true, weight: 1 }), [])
})

test('each decision that a caller must know is a sentence', () => {
  assert.deepEqual(
    rulesOf({
      credentials: ['access-token', 'api-key'],
      clientCertificate: true,
      senderConstrained: true,
      weight: 3,
      idempotency: 'required',
      cacheSeconds: 60,
      masks: [
        { field: 'device', action: 'mask', revealedBy: ['a:read', 'a'] },
        { field: 'area', action: 'coarsen', gridMetres: 5_000 },
        { field: 'id', action: 'pass' },
      ],
    }),
    [
      'An API key of your application is enough; an access token works, too.',
      'A client certificate that you registered is needed.',
      'The access token must be bound to a certificate or a key (mTLS or DPoP).',
      'One call counts as 3 in rates and quota.',
      'An Idempotency-Key is needed.',
      'An answer may be up to 60 s old.',
      'device is made unreadable, unless the token has the scope a:read or a.',
      'area is rounded to 5 km.',
    ],
  )
  assert.deepEqual(rulesOf({ credentials: ['api-key'] }), [
    'Called with an API key of your application.',
  ])
})

test('limits are told with everything that limits', () => {
  assert.equal(
    limitText({
      rate: [
        { limit: 5, windowSeconds: 1 },
        { limit: 100, windowSeconds: 60 },
      ],
      quota: { limit: 1_000, period: 'day' },
      spike: { limit: 5, windowMs: 500 },
      concurrency: 10,
    }),
    '5 calls a second, 100 calls in 60 s, 1000 calls a day, no more than 5 in 500 ms, 10 at the same moment',
  )
  assert.equal(limitText({ rate: [] }), 'No limit of its own.')
})
