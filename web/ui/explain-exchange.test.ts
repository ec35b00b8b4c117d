import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExchangeDetail, Failure } from '#metering/schema'
import {
  adviceText,
  callFacts,
  ownerText,
  partnerAdviceText,
  retryText,
  soughtBy,
  upstreamFacts,
  upstreamShare,
} from './explain-exchange.ts'

const failure = (owner: Failure['owner'], more: Partial<Failure> = {}): Failure => ({
  owner,
  meaning: 'It failed.',
  retry: 'later',
  ...more,
})
const exchange = (more: Partial<ExchangeDetail> = {}): ExchangeDetail => ({
  ...{ id: 'exc_1', correlator: 'c', at: '2026-11-21T10:00:00Z', environment: 'sandbox' },
  ...{ method: 'POST', status: 200, totalMs: 10, units: 0, requestBytes: 1, responseBytes: 2 },
  ...{ countedAt: '2026-11-21T10:00:02Z', partnerId: 'prt_1', apiId: 'sim-swap/v2' },
  ...more,
})

test('what somebody has is told apart: an exchange, a trace, or else a correlator', () => {
  assert.equal(soughtBy('exc_0mwq31im82mqvrpysaod'), 'exchange')
  assert.equal(soughtBy('4bf92f3577b34da6a3ce929d0e0e4736'), 'trace')
  for (const id of ['4BF92F3577B34DA6A3CE929D0E0E4736', 'exc-1', 'order/17', '0af7651916cd43dd'])
    assert.equal(soughtBy(id), 'correlator')
})

test('each failure has an owner in words, and its team where the API failed', () => {
  assert.equal(ownerText(exchange()), 'nobody, it succeeded')
  assert.equal(ownerText(exchange({ failure: failure('caller') })), 'the caller')
  assert.equal(ownerText(exchange({ failure: failure('platform') })), 'the platform team')
  assert.equal(
    ownerText(exchange({ failure: failure('upstream', { team: 'Identity' }) })),
    'Identity',
  )
  for (const owner of ['caller', 'platform', 'upstream', 'nobody'] as const) {
    assert.ok(adviceText(exchange({ failure: failure(owner) })).length > 0)
    assert.ok(partnerAdviceText(exchange({ failure: failure(owner) })).length > 0)
  }
  assert.equal(
    retryText(exchange({ failure: failure('caller', { retry: 'no' }) })),
    'Do not repeat it unchanged.',
  )
})

test('a partner is not led to pages of the console', () => {
  const targets = (inside: boolean) => callFacts(exchange(), inside).flatMap(({ to }) => to ?? [])
  assert.deepEqual(targets(false), [])
  assert.deepEqual(targets(true), ['/console/partners/prt_1'])
})

test('what is not known is not shown', () => {
  assert.deepEqual(upstreamFacts(exchange()), [])
  const labels = callFacts(exchange(), true).map(({ label }) => label)
  assert.deepEqual(labels, ['API', 'Partner', 'Sizes'])
})

test('the part of the upstream is between nothing and everything', () => {
  assert.equal(upstreamShare(exchange({ upstreamMs: 4 })), 40)
  assert.equal(upstreamShare(exchange({ upstreamMs: 40 })), 100)
  assert.equal(upstreamShare(exchange({ totalMs: 0, upstreamMs: 1 })), 0)
})
