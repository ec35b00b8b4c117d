import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsentAnswer } from '#snapshot'
import { createKnownConsents } from './known-consents.ts'

const question = {
  subject: 'a-pseudonym',
  applicationId: 'app_1',
  purpose: 'dpv:Marketing',
  scopes: ['a:read'],
}
const said = (id: string, granted: boolean, scope = 'a:read'): ConsentAnswer => ({
  ...{ id, granted, scopes: [scope], purpose: question.purpose },
  expiresAtMs: undefined,
})

/** A gateway that asks a register whose answers a test changes, on a clock that it moves. */
function asking(environment: 'sandbox' | 'production') {
  const state = { now: 0, answers: [] as ConsentAnswer[], asked: 0, revoked: new Set<string>() }
  const known = createKnownConsents({
    register: {
      async answersOf() {
        state.asked += 1
        return state.answers
      },
    },
    environment,
    index: { isRevoked: (id) => state.revoked.has(id) },
    nowMs: () => state.now,
    monotonicMs: () => state.now,
  })
  return { state, granted: async () => (await known.ask(question)).granted }
}

test('in the sandbox a yes that nobody gave is looked at again after a second, so that a no counts', async () => {
  for (const before of [[], [said('cns_other', true, 'b:read')]]) {
    const { state, granted } = asking('sandbox')
    state.answers = before
    assert.equal(await granted(), true)
    assert.equal(await granted(), true)
    assert.equal(state.asked, 1)
    state.answers = [...before, said('cns_1', false)]
    state.now += 1_000
    assert.equal(await granted(), false)
  }
})

test('a yes that a subscriber gave is remembered for a minute, and its withdrawal counts at once', async () => {
  for (const environment of ['sandbox', 'production'] as const) {
    const { state, granted } = asking(environment)
    state.answers = [said('cns_1', true)]
    assert.equal(await granted(), true)
    state.now += 59_999
    assert.equal(await granted(), true)
    assert.equal(state.asked, 1)
    state.answers = [said('cns_1', false)]
    state.revoked.add('cns_1')
    assert.equal(await granted(), false)
  }
})
